"""Serves a scenario's wearables: `python -m device.virtual SCENARIO [--socket PATH | --usb N | --vhci]`."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from pathlib import Path

from device.errors import AdapterError, DeviceError
from device.virtual.hub import Hub, on_controller
from device.virtual.scenario import read_scenario
from device.virtual.stage import Stage
from device.virtual.wearable import Wearable


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m device.virtual",
        description="Serve the wearables of a scenario until interrupted.",
    )
    parser.add_argument("scenario", type=Path, help="a TOML file; see device/virtual/scenario.py")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--socket", type=Path, help="serve other processes over this unix socket")
    where.add_argument("--usb", type=int, metavar="N", help="be on the real air, on USB controller N")
    where.add_argument("--vhci", action="store_true", help="be this machine's adapter, through /dev/vhci")
    return parser.parse_args(argv)


async def serve(arguments: argparse.Namespace) -> None:
    """Play the scenario where the arguments say, until cancelled. Raises `DeviceError`."""
    stage = Stage(read_scenario(arguments.scenario))
    async with AsyncExitStack() as stack:
        if arguments.usb is not None:
            if len(stage.actors) != 1:
                raise AdapterError(
                    f"A USB controller is one wearable, and the scenario has {len(stage.actors)}.",
                    "Make a scenario for each, and give each a controller.",
                )
            await stack.enter_async_context(on_controller(stage.actors[0].wearable, f"usb:{arguments.usb}"))
            _say(f"USB controller {arguments.usb}")
            await stage.play(_is_on)
            return
        hub = await stack.enter_async_context(Hub())
        if arguments.vhci:
            await stack.enter_async_context(hub.kernel())
            where = "/dev/vhci"
        else:
            where = str(arguments.socket or Path("virtual-radio.sock"))
            await stack.enter_async_context(hub.serving(Path(where)))
        _say(where)
        await stage.play(hub.add)


async def _is_on(_: Wearable) -> None:
    """Add nothing: the one wearable is on already."""


def _say(where: str) -> None:
    print(f"serving at {where}", flush=True)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    arguments = _arguments(argv)
    try:
        asyncio.run(_until_stopped(arguments))
    except DeviceError as e:
        print(e, file=sys.stderr)
        return 1
    return 0


async def _until_stopped(arguments: argparse.Namespace) -> None:
    """Serve until SIGINT or SIGTERM, also in the background of a shell, where SIGINT is ignored at first."""
    serving = asyncio.ensure_future(serve(arguments))
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, serving.cancel)
    with suppress(asyncio.CancelledError):
        await serving


if __name__ == "__main__":
    sys.exit(main())
