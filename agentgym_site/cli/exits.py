"""How a command ends: exit codes, and errors turned into one clear message."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer

OK = 0
FAILED = 1
USAGE = 2
INTERRUPTED = 130

EXIT_CODES = (
    "Exit codes: 0 done, 1 it failed, 2 wrong options or settings, 130 interrupted with Ctrl-C "
    "(what was learned is kept)."
)


class CommandError(Exception):
    """Ends the command with a message for people; `errors` names the options, for programs."""

    def __init__(
        self, message: str, code: int = FAILED, errors: dict[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.code, self.errors = code, errors or {}


def bad_option(option: str, message: str) -> CommandError:
    """A usage error that names the option and what to put there instead."""
    return CommandError(f"{option}: {message}", USAGE, {option: message})


def as_option(field: str) -> str:
    """The option of a setting; the scenario is given without one."""
    return field if field == "scenario" else f"--{field.replace('_', '-')}"


@contextmanager
def reported(*, as_json: bool = False) -> Iterator[None]:
    """Turn every expected error of the body into its message on stderr and its exit code.

    With `as_json` stdout gets an object of type "error" as well. Unexpected errors keep their traceback.
    """
    try:
        yield
        sys.stdout.flush()  # a reader that has gone is noticed here, not at the interpreter's end
    except CommandError as error:
        _tell(str(error), error.errors, as_json=as_json)
        raise typer.Exit(error.code) from error
    except KeyboardInterrupt as error:
        sys.stderr.write("Interrupted.\n")
        raise typer.Exit(INTERRUPTED) from error
    except BrokenPipeError as error:
        # The reader (head, less) has gone; Python must not complain again when it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(OK) from error
    except Exception as error:
        if not (message := _known(error)):
            raise
        _tell(message[0], {}, as_json=as_json)
        raise typer.Exit(message[1]) from error


def _tell(message: str, errors: dict[str, str], *, as_json: bool) -> None:
    sys.stderr.write(f"Error: {message}\n")
    if as_json:
        said: dict[str, Any] = {"type": "error", "message": message, "errors": errors}
        sys.stdout.write(json.dumps(said) + "\n")


def _known(error: Exception) -> tuple[str, int] | None:
    """Message and exit code of an error that other layers raise; by name, so that nothing is imported for it."""
    kinds = {kind.__name__ for kind in type(error).__mro__}
    if kinds & {"ServiceError", "ImproperlyConfigured"}:
        return str(error), FAILED
    if "OperationalError" in kinds:
        return f"PostgreSQL cannot be used: {str(error).strip()}", FAILED
    if kinds & {"BundleError", "ConfigError", "SourceError", "UnknownKey"}:
        return str(error), USAGE
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}", FAILED
    return None
