"""`healthslm decode`: what single bytes of a Bluetooth characteristic mean."""

from __future__ import annotations

from typing import Annotated

import typer

from device import decode as decode_bytes
from healthslm.cli import terminal
from healthslm.cli.app import Json, app
from healthslm.errors import UsageError


@app.command()
def decode(
    characteristic: Annotated[str, typer.Argument(help="UUID, like 2A37.")],
    value: Annotated[str, typer.Argument(help="The bytes in hexadecimal, like 0055.")],
    json: Json = False,
) -> None:
    """Say what the bytes of a Bluetooth characteristic mean, or why they mean nothing."""
    try:
        raw = bytes.fromhex(value.removeprefix("0x"))
    except ValueError as error:
        raise UsageError(f"{value!r} is not hexadecimal.", "Write two digits a byte, like 0055.") from error
    fields = terminal.fields_of(decode_bytes(characteristic, raw))
    if json:
        terminal.print_json(fields)
    else:
        for name, field in fields.items():
            terminal.out.print(terminal.cell(f"{name:24} {field}"))
