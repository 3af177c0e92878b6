"""The commands and their options; each command's work is in a file of its own, imported when it is called."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agentgym_site import __version__
from agentgym_site.cli.exits import EXIT_CODES, bad_option, reported
from agentgym_site.cli.options import (
    budget_option,
    free_directory,
    setting,
    study_option,
    train_config,
)
from agentgym_site.cli.scenario_app import scenario_app
from agentgym_site.cli.site import calm
from training.rl.gym.names import gym_id

app = typer.Typer(
    name="agentgym",
    help="Train tool-using agents, and look at what came of it.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},
)

app.add_typer(scenario_app)

AsJson = Annotated[bool, typer.Option("--json", help="JSON on stdout, for programs.")]


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"agentgym {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool,
        typer.Option(
            "--version", "-V", callback=_show_version, is_eager=True, help="Show the version."
        ),
    ] = False,
) -> None:
    """Train tool-using agents, and look at what came of it."""


@app.command("train", epilog=EXIT_CODES)
def train_command(  # noqa: PLR0913 (one per option)
    scenario: Annotated[str, typer.Argument(help="What to train for; `agentgym list` names them.")],
    episodes: Annotated[str | None, setting("episodes")] = None,
    steps: Annotated[str | None, setting("steps")] = None,
    learning_rate: Annotated[str | None, setting("learning_rate")] = None,
    batch_size: Annotated[str | None, setting("batch_size")] = None,
    discount_factor: Annotated[str | None, setting("discount_factor")] = None,
    checkpoint_interval: Annotated[str | None, setting("checkpoint_interval")] = None,
    seed: Annotated[str | None, setting("seed")] = None,
    difficulty: Annotated[str | None, setting("difficulty")] = None,
    algorithm: Annotated[str | None, setting("algorithm")] = None,
    curriculum: Annotated[str | None, setting("curriculum")] = None,
    max_seconds: Annotated[str | None, budget_option("max_seconds")] = None,
    max_cost: Annotated[str | None, budget_option("max_cost")] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="NAME=VALUE", help="Any other setting, e.g. evaluation_tasks=100."
        ),
    ] = None,
    output_dir: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="Write the model's bundle there too (new or empty folder)."
        ),
    ] = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="More figures, and logs.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Train an agent, show its progress, and end with the evidence on held-out tasks.

    The run shows in the portal as well. Ctrl-C stops it and keeps what was learned. `gym:CartPole-v1` in place of a
    scenario learns that Gymnasium environment, without a database.
    """
    with reported(as_json=as_json):
        given = {
            "scenario": scenario, "episodes": episodes, "steps": steps,
            "learning_rate": learning_rate, "batch_size": batch_size,
            "discount_factor": discount_factor, "checkpoint_interval": checkpoint_interval,
            "seed": seed, "difficulty": difficulty, "algorithm": algorithm,
            "curriculum": curriculum, "max_seconds": max_seconds, "max_cost": max_cost,
        }  # fmt: skip
        calm()  # to check a gym: id imports numpy
        config, values = train_config(given, assignments or ())
        output_dir = free_directory(output_dir)
        if gym_id(config.scenario) is not None:
            from agentgym_site.cli.gym import train_gym  # noqa: PLC0415

            raise typer.Exit(
                train_gym(config, values, output_dir, verbose=verbose, as_json=as_json)
            )
        from agentgym_site.cli.train import Wanted, train  # noqa: PLC0415

        raise typer.Exit(train(Wanted(config, values, output_dir, verbose, as_json)))


@app.command("optimize", epilog=EXIT_CODES)
def optimize_command(  # noqa: PLR0913 (one per option)
    scenario: Annotated[
        str, typer.Argument(help="What to search settings for; not needed with --resume.")
    ] = "",
    space: Annotated[Path | None, study_option("space", "FILE")] = None,
    sampler: Annotated[str | None, study_option("sampler", "NAME")] = None,
    pruner: Annotated[str | None, study_option("pruner", "NAME")] = None,
    objective: Annotated[list[str] | None, study_option("objectives", "NAME", "objective")] = None,
    trials: Annotated[str | None, study_option("trials")] = None,
    jobs: Annotated[str | None, study_option("jobs")] = None,
    timeout: Annotated[str | None, study_option("timeout")] = None,
    max_cost: Annotated[str | None, study_option("max_cost")] = None,
    seeds: Annotated[str | None, study_option("seeds")] = None,
    seed: Annotated[str | None, study_option("seed")] = None,
    startup: Annotated[str | None, study_option("startup")] = None,
    reports: Annotated[str | None, study_option("reports")] = None,
    score_tasks: Annotated[str | None, study_option("score_tasks")] = None,
    confirm_top: Annotated[str | None, study_option("confirm_top")] = None,
    confirm_seeds: Annotated[str | None, study_option("confirm_seeds")] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="NAME=VALUE", help="A setting of all trials, e.g. episodes=2000."
        ),
    ] = None,
    name: Annotated[str, typer.Option(help="What to call the study.")] = "",
    resume: Annotated[
        int | None,
        typer.Option(metavar="STUDY", help="Go on with this study; --trials extends it."),
    ] = None,
    register_best: Annotated[
        bool, typer.Option("--register-best", help="Make the winner a version of a model.")
    ] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Logs as well.")] = False,
    as_json: AsJson = False,
) -> None:
    """Search for good settings, and train the best again on fresh seeds to see how much of the gain stays.

    Trials are runs of their own, which show in the portal as well. Ctrl-C pauses the study; --resume goes on.
    """
    with reported(as_json=as_json):
        given = {
            "scenario": scenario or None, "sampler": sampler, "pruner": pruner, "objectives": objective or None,
            "trials": trials, "jobs": jobs, "timeout": timeout, "max_cost": max_cost, "seeds": seeds, "seed": seed,
            "startup": startup, "reports": reports, "score_tasks": score_tasks, "confirm_top": confirm_top,
            "confirm_seeds": confirm_seeds,
        }  # fmt: skip
        calm()
        from agentgym_site.cli.optimize import Wanted, optimize, study_values  # noqa: PLC0415

        if not scenario and resume is None:
            raise bad_option(
                "SCENARIO", "say what to search for; `agentgym list scenarios` names them"
            )
        values = study_values(given, space, assignments or ())
        raise typer.Exit(optimize(Wanted(values, name, resume, register_best, as_json, verbose)))


@app.command("list", epilog=EXIT_CODES)
def list_command(
    what: Annotated[
        str, typer.Argument(metavar="[scenarios|runs|models]", help="One section only.")
    ] = "",
    detailed: Annotated[bool, typer.Option("--detailed", help="Everything that is known.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="Newest runs and models to show.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List scenarios, runs and models."""
    with reported(as_json=as_json):
        from agentgym_site.cli.listing import show  # noqa: PLC0415

        show(what, detailed=detailed, limit=limit, as_json=as_json)


@app.command("info", epilog=EXIT_CODES)
def info_command(as_json: AsJson = False) -> None:
    """Versions, folders, servers and counts of this installation; starts nothing."""
    with reported(as_json=as_json):
        from agentgym_site.cli.info import show  # noqa: PLC0415

        show(as_json=as_json)


@app.command("evaluate", epilog=EXIT_CODES)
def evaluate_command(  # noqa: PLR0913 (one per option)
    version: Annotated[
        str,
        typer.Argument(
            help="A version's id, NAME:NUMBER, NAME (its newest), or a bundle's folder."
        ),
    ],
    split: Annotated[str, typer.Option(help="Tasks of: train, validation or test.")] = "test",
    episodes: Annotated[
        int, typer.Option(help="Attempts in all, rounded up to whole tasks. 1 to 1,000,000.")
    ] = 800,
    attempts: Annotated[
        int, typer.Option(help="Attempts at each task; 8 gives pass^8. 1 to 64.")
    ] = 8,
    difficulty: Annotated[
        str | None, typer.Option(help="easy, medium or hard. Default: as trained.")
    ] = None,
    cases: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Your own cases (JSONL) in place of tasks: messages, and the expected next call.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Play a trained version and the baselines on tasks of a split; show the evidence.

    With --cases: hold its decisions against the expected ones of a file, row by row.
    """
    with reported(as_json=as_json):
        if cases is not None:
            from agentgym_site.cli.cases import evaluate_on_cases  # noqa: PLC0415

            evaluate_on_cases(version, cases, as_json=as_json)
            return
        from agentgym_site.cli.evaluate import Exam, evaluate  # noqa: PLC0415

        evaluate(version, Exam.checked(split, episodes, attempts, difficulty), as_json=as_json)


@app.command("serve", epilog=EXIT_CODES)
def serve_command(  # noqa: PLR0913 (one per option)
    version: Annotated[
        str,
        typer.Argument(
            help="A version's id, NAME:NUMBER, NAME (its newest), or a bundle's folder."
        ),
    ],
    role: Annotated[str, typer.Option(help="Which member, where the version is a team's.")] = "",
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8090,
    key_env: Annotated[
        str, typer.Option(help="Environment variable that holds the key which clients must send.")
    ] = "",
    min_confidence: Annotated[
        float,
        typer.Option(help="Below it a decision goes to the upstream, or to a person. 0 to 1."),
    ] = 0.0,
    upstream: Annotated[
        str, typer.Option(help="OpenAI-compatible address of the LLM to ask, e.g. https://host/v1.")
    ] = "",
    upstream_model: Annotated[str, typer.Option(help="The upstream's model.")] = "",
    upstream_key_env: Annotated[
        str, typer.Option(help="Environment variable that holds the upstream's key.")
    ] = "",
    upstream_prices: Annotated[
        tuple[float, float],
        typer.Option(help="USD per million tokens that the upstream reads and writes, for /usage."),
    ] = (0.0, 0.0),
    shadow: Annotated[
        bool,
        typer.Option(
            "--shadow",
            help="The upstream answers everything; only count how often the version agrees.",
        ),
    ] = False,
) -> None:
    """Serve a version over OpenAI's chat-completions protocol: /v1/chat/completions, /v1/models, /decide, /usage."""
    with reported():
        from agentgym_site.cli.serve import Wanted, serve  # noqa: PLC0415

        serve(
            Wanted(
                version, role, host, port, key_env, min_confidence,
                upstream, upstream_model, upstream_key_env, upstream_prices, shadow,
            )
        )  # fmt: skip


@app.command("record", epilog=EXIT_CODES)
def record_command(
    agent: Annotated[
        str, typer.Argument(metavar="MODULE:FACTORY", help="Your function that makes your agent.")
    ],
    requests: Annotated[Path, typer.Option(help="A text file with one request a line.")],
    output: Annotated[Path, typer.Option(help="JSONL file to write.")] = Path("traces.jsonl"),
    as_json: AsJson = False,
) -> None:
    """Watch your own LangChain, AutoGen or CrewAI agent at work, in this process, and write down what it does.

    Its code is not changed. The file is what `agentgym scenario import --format openai_chat` reads.
    """
    with reported(as_json=as_json):
        from agentgym_site.cli.record import record  # noqa: PLC0415

        record(agent, requests, output, as_json=as_json)


@app.command("check", epilog=EXIT_CODES)
def check_command(
    scenario: Annotated[str, typer.Argument(help="The scenario to prove.")],
    tasks: Annotated[int, typer.Option(min=1, help="Tasks per split and difficulty.")] = 40,
    as_json: AsJson = False,
) -> None:
    """Prove that a scenario keeps the rules: deterministic, solvable, not guessable, nothing leaks."""
    with reported(as_json=as_json):
        from agentgym_site.cli.check import check  # noqa: PLC0415

        check(scenario, tasks=tasks, as_json=as_json)
