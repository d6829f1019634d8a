"""Calling the command in the test's own process, where nobody sits at a terminal."""

from dataclasses import dataclass

from typer.testing import CliRunner

from healthslm.cli import app
from healthslm.errors import HealthslmError


@dataclass(frozen=True)
class Said:
    """How a command ended, and what it said."""

    code: int
    stdout: str
    stderr: str


def said_by(arguments: list[str]) -> Said:
    """Run a command; an error of ours is told and coded as at the top of the program, another is raised."""
    result = CliRunner(env={"COLUMNS": "200"}).invoke(app, arguments)
    told, code = "", result.exit_code
    if isinstance(result.exception, HealthslmError):
        told, code = str(result.exception), result.exception.exit_code
    elif result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Said(code=code, stdout=result.stdout, stderr=result.stderr + told)
