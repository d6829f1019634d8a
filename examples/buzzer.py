"""A hook: sound a buzzer. At a pin of a Raspberry Pi, or at a USB port that is a serial line.

    healthslm hooks add buzzer -- python3 examples/buzzer.py gpio:17
    healthslm hooks add buzzer -- python3 examples/buzzer.py /dev/ttyUSB0
    healthslm hooks test buzzer

Without a buzzer, and without healthslm:

    python3 examples/buzzer.py --dry-run                  prints the pattern of a sample alert
    python3 examples/buzzer.py --dry-run < alert.json     prints the pattern of this one

The pin needs `gpiozero` (on Raspberry Pi OS it is there). At a serial line the buzzer hangs at DTR, which any
USB adapter can switch; that needs nothing but Python. The more severe the alert is, the longer it sounds; it
ends well within the ten seconds that a hook may take.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from typing import Any

PATTERNS = {"info": "-", "watch": "--", "urgent": "--- ---", "emergency": "----- ----- ----- -----"}
"""`-` sounds, a space is silent, each for a fifth of a second."""
STEP_S = 0.2
SAMPLE = {
    "schema": "healthslm.alert/1",
    "id": "0f8fad5bd9cb469fa16570867728950e",
    "severity": "urgent",
    "state": "raised",
    "occasion": "new",
    "raised_at": "2026-11-02T12:00:00+00:00",
    "message": "There is an urgent alert. Open healthslm to see it.",
}
"""What a hook with `--tell severity` gets on its standard input, as one line."""


class CannotSoundError(Exception):
    """Why it stays silent, and what to do next, in one line."""


def pin(number: str) -> Callable[[bool], None]:
    """Return what switches a pin of the Raspberry Pi."""
    if not number.isdecimal():
        raise CannotSoundError(f"gpio:{number} is no pin. Name it by its GPIO number, like gpio:17.")
    try:
        from gpiozero import DigitalOutputDevice
    except ImportError as error:
        raise CannotSoundError(
            "gpiozero is not installed. On a Raspberry Pi: sudo apt install python3-gpiozero; "
            "in an environment of your own: pip install gpiozero lgpio"
        ) from error
    try:
        device = DigitalOutputDevice(int(number))
    except Exception as error:  # each pin library below gpiozero has errors of its own
        why = " ".join(str(error).split()) or type(error).__name__
        raise CannotSoundError(
            f"gpio:{number} cannot be switched: {why}. Is this a Raspberry Pi, and the pin free? See: pinout"
        ) from error
    return lambda on: device.on() if on else device.off()


def line(path: str) -> Callable[[bool], None]:
    """Return what switches the DTR wire of a serial line."""
    import fcntl
    import os
    import struct
    import termios

    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    except PermissionError as error:
        raise CannotSoundError(
            f"{path} may not be opened. Join its group, then log in anew: sudo usermod -aG dialout $USER"
        ) from error
    except OSError as error:
        raise CannotSoundError(
            f"{path} cannot be opened: {error.strerror}. "
            "Plug the adapter in and see which there is: ls /dev/ttyUSB* /dev/ttyACM*"
        ) from error
    dtr = struct.pack("I", termios.TIOCM_DTR)

    def switch(on: bool) -> None:
        try:
            fcntl.ioctl(descriptor, termios.TIOCMBIS if on else termios.TIOCMBIC, dtr)
        except OSError as error:
            raise CannotSoundError(
                f"{path} has no DTR wire to switch: {error.strerror}. Name the port of a USB serial adapter."
            ) from error

    return switch


def sound(pattern: str, switch: Callable[[bool], None]) -> None:
    """Sound a pattern, and be silent afterwards whatever happens."""
    try:
        for step in pattern:
            switch(step == "-")
            time.sleep(STEP_S)
    finally:
        switch(False)


def alert_on(said: str) -> dict[str, Any] | None:
    """Read what a hook is told; `None` for what is nothing to make a noise about."""
    try:
        told = json.loads(said)
    except ValueError:
        told = None
    schema = told.get("schema") if isinstance(told, dict) else None
    if schema in ("healthslm.heartbeat/1", "healthslm.vitals/1"):
        return None
    if schema != "healthslm.alert/1" or told.get("severity") not in PATTERNS:
        raise CannotSoundError(
            "What came on standard input is no alert of the schema healthslm.alert/1. "
            "Add the hook without --form; see docs/alerts.md, or try: --dry-run"
        )
    return None if told.get("occasion") in ("over", "acknowledged") else dict(told)


def main() -> int:
    """Read the alert and sound it."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("where", nargs="?", help="gpio:PIN, or a serial line like /dev/ttyUSB0")
    asked.add_argument(
        "--dry-run", action="store_true", help="print the pattern instead; without an alert that of a sample"
    )
    options = asked.parse_args()
    if options.where is None and not options.dry_run:
        asked.error("where is the buzzer? Like gpio:17 or /dev/ttyUSB0; or try it without one: --dry-run")
    said = "" if sys.stdin is None or sys.stdin.isatty() else sys.stdin.read()
    try:
        if not said.strip() and not options.dry_run:
            raise CannotSoundError(
                "No alert came on standard input. Have healthslm send one: healthslm hooks test NAME"
            )
        if not said.strip():
            said = json.dumps(SAMPLE)
            print(f"No alert on standard input; a sample: {said}", file=sys.stderr)
        alert = alert_on(said)
        if alert is None:
            return 0
        pattern = PATTERNS[alert["severity"]]
        if options.dry_run:
            print(pattern)
            return 0
        where = options.where
        sound(pattern, pin(where.removeprefix("gpio:")) if where.startswith("gpio:") else line(where))
    except CannotSoundError as error:
        print(f"buzzer.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
