"""`agentgym scenario`: bring scenarios of one's own, look at them, and play them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agentgym_site.cli.exits import EXIT_CODES, reported

scenario_app = typer.Typer(
    name="scenario",
    help="Scenarios of your own: from a YAML file, from recorded conversations, from a list of tools.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
)

AsJson = Annotated[bool, typer.Option("--json", help="JSON on stdout, for programs.")]
File = Annotated[Path, typer.Argument(help="The scenario's YAML file.")]


@scenario_app.command("new", epilog=EXIT_CODES)
def new_command(
    name: Annotated[
        str, typer.Argument(help="What it shall be called: lower-case letters, digits, -, _.")
    ],
    output: Annotated[
        Path | None, typer.Option(help="File to write. Default: NAME.yaml here.")
    ] = None,
) -> None:
    """Write a commented start: a small scenario that can be trained as it is."""
    with reported():
        from agentgym_site.cli.scenario import new  # noqa: PLC0415

        new(name, output)


@scenario_app.command("check", epilog=EXIT_CODES)
def check_command(
    file: File,
    tasks: Annotated[
        int, typer.Option(min=1, max=200, help="Tasks per split and difficulty.")
    ] = 20,
    as_json: AsJson = False,
) -> None:
    """Explain every mistake with its line, then prove that the scenario can be played and learned."""
    with reported(as_json=as_json):
        from agentgym_site.cli.scenario import check  # noqa: PLC0415

        check(file, tasks=tasks, as_json=as_json)


@scenario_app.command("add", epilog=EXIT_CODES)
def add_command(file: File, as_json: AsJson = False) -> None:
    """Bring a YAML file into the catalogue, or a new edition of it."""
    with reported(as_json=as_json):
        from agentgym_site.cli.scenario import add  # noqa: PLC0415

        add(file, as_json=as_json)


@scenario_app.command("import", epilog=EXIT_CODES)
def import_command(  # noqa: PLR0913 (one per option)
    name: Annotated[str, typer.Option("--name", help="What the scenario shall be called.")],
    format: Annotated[
        str,
        typer.Option(
            "--format",
            help="Recorded conversations: openai_chat, langsmith, otel_genai. Lists of tools: openai_tools, openapi, mcp.",
        ),
    ],
    file: Annotated[Path | None, typer.Argument(help="The file to read.")] = None,
    server: Annotated[
        str, typer.Option(help="mcp only: the command that starts the server, in quotes.")
    ] = "",
    tools: Annotated[
        Path | None,
        typer.Option(help="Conversations only: a file with the tools, in OpenAI's shape."),
    ] = None,
    redact: Annotated[
        list[str] | None,
        typer.Option(
            help="Conversations only: what to replace before anything is stored, e.g. arguments.email."
        ),
    ] = None,
    split: Annotated[
        str,
        typer.Option(help="Conversations only: hash holds some out; none trains on all of them."),
    ] = "hash",
    output: Annotated[
        Path | None, typer.Option(help="File to write. Default: NAME.yaml here.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a scenario of what you have.

    Recorded conversations go into the catalogue, with a report on every row. A list of tools becomes a YAML file that
    can be checked and trained as it is.
    """
    with reported(as_json=as_json):
        from agentgym_site.cli.scenario_import import Wanted, bring  # noqa: PLC0415

        wanted = Wanted(name, format, file, server, output, tools, tuple(redact or ()), split)
        bring(wanted, as_json=as_json)


@scenario_app.command("play", epilog=EXIT_CODES)
def play_command(
    scenario: Annotated[str, typer.Argument(help="A scenario of the catalogue, or a YAML file.")],
    difficulty: Annotated[str, typer.Option(help="easy, medium or hard.")] = "easy",
    seed: Annotated[
        int | None, typer.Option(help="Which task. Default: the next that you have not played.")
    ] = None,
) -> None:
    """Be the agent: the same observation, the same tools. Your score is kept beside the trained agents'."""
    with reported():
        from agentgym_site.cli.play import play  # noqa: PLC0415

        play(scenario, difficulty, seed)
