"""`healthslm analyse`: for anyone with a file or a few numbers; no store, no key, nothing is kept."""

from __future__ import annotations

from collections.abc import Sequence

import typer

from healthslm.cli.app import app
from healthslm.errors import HealthslmError

analyses = typer.Typer(help="Look at a file or at a few numbers; nothing is kept.", no_args_is_help=True)
app.add_typer(analyses, name="analyse")

_TOLD = 3
"""So many of the reasons why there is nothing are told."""


def nothing_in(name: str, problems: Sequence[str], hint: str) -> HealthslmError:
    """Return the error of a file without a reading that can be used: why, and the next step."""
    reasons = [one.removeprefix(f"{name}: ") for one in problems]
    more = f" and {len(reasons) - _TOLD} more" if len(reasons) > _TOLD else ""
    return HealthslmError(f"{name}: nothing can be used: {'; '.join(reasons[:_TOLD])}{more}.", hint)
