"""The live display of a run on a terminal, with rich."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from agentgym_site.cli.watching import CONVERGENCE, Watcher, number, time_left
from training.report import percent

if TYPE_CHECKING:
    from training.rl.progress import Progress as RunProgress

BARS = " ▁▂▃▄▅▆▇█"
CURVE = 40


class LiveDisplay(Watcher):
    """Two bars (training, evidence) over the figures that matter, redrawn in place."""

    def __init__(self, title: str, target: float, *, verbose: bool = False) -> None:
        self.title, self.target, self.verbose = title, target, verbose
        self.console = Console()
        self.curve: list[float] = []
        self.last: RunProgress | None = None
        self._bars = Progress(
            TextColumn("{task.description:<9}"),
            BarColumn(bar_width=32),
            TextColumn("{task.percentage:>3.0f}%"),
            TextColumn("{task.fields[note]}", style="dim"),
            console=self.console,
        )
        self._training = self._bars.add_task("Training", total=1.0, note="loading torch")
        self._evidence = self._bars.add_task("Evidence", total=1.0, note="", visible=False)
        self._live = Live(self._shown(), console=self.console, refresh_per_second=8)

    def __enter__(self) -> LiveDisplay:
        self.console.print(Text(self.title, style="bold"))
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def say(self, text: str) -> None:
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def progress(self, progress: RunProgress) -> None:
        if progress.phase == "training":
            self._learned(progress)
        else:
            done = progress.total_episodes
            self._bars.update(self._training, completed=1.0, note=f"{done:,} episodes")
            self._bars.update(
                self._evidence,
                completed=progress.fraction,
                visible=True,
                note="held-out tasks, with the baselines",
            )
        self._live.update(self._shown())

    def _learned(self, progress: RunProgress) -> None:
        self._bars.update(
            self._training,
            completed=progress.fraction,
            note=f"{progress.episodes:,} of {progress.total_episodes:,} episodes, {time_left(progress)}",
        )
        if progress.metrics:
            self.last = progress
            if (reliability := progress.metrics.get("tool_reliability")) is not None:
                self.curve = [*self.curve, reliability][-CURVE:]

    def _shown(self) -> Group:
        return Group(self._bars, self._figures(self.last)) if self.last else Group(self._bars)

    def _figures(self, last: RunProgress) -> Table:
        m = last.metrics
        reached = (m.get("tool_reliability") or 0.0) >= self.target
        table = Table.grid(padding=(0, 2))
        table.add_row(
            Text("Reliability", style="dim"),
            Text(percent(m.get("tool_reliability")), style="bold green" if reached else "bold"),
            Text(f"target {100 * self.target:.0f} %", style="dim"),
            Text(sparkline(self.curve), style="green" if reached else "cyan"),
        )
        state = CONVERGENCE.get(last.convergence, last.convergence)
        table.add_row(
            Text("Success", style="dim"),
            percent(m.get("success")),
            Text("state", style="dim"),
            state,
        )
        table.add_row(
            Text("Reward", style="dim"),
            number(m.get("reward")),
            Text("speed", style="dim"),
            f"{number(m.get('steps_per_second'), 0)} steps/s",
        )
        if self.verbose:
            for name in ("policy_loss", "value_loss", "entropy", "kl", "learning_rate"):
                table.add_row(Text(name, style="dim"), number(m.get(name), 4))
        return table


def sparkline(values: list[float]) -> str:
    """Shares in [0, 1] as a row of bars."""
    top = len(BARS) - 1
    return "".join(BARS[max(0, min(top, round(value * top)))] for value in values)
