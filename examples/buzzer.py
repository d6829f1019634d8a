"""A hook: sound a buzzer. At a pin of a Raspberry Pi, or at a USB port that is a serial line.

    healthslm hooks add buzzer -- python3 examples/buzzer.py gpio:17
    healthslm hooks add buzzer -- python3 examples/buzzer.py /dev/ttyUSB0
    python3 examples/buzzer.py --dry-run < alert.json      prints the pattern, and sounds nothing

The pin needs `gpiozero` (on Raspberry Pi OS it is there). At a serial line the buzzer hangs at DTR, which any
USB adapter can switch. The more severe the alert is, the longer it sounds; it ends well within the ten
seconds that a hook may take.
"""

import json
import sys
import time
from collections.abc import Callable
from typing import Any

PATTERNS = {"info": "-", "watch": "--", "urgent": "--- ---", "emergency": "----- ----- ----- -----"}
"""`-` sounds, a space is silent, each for a fifth of a second."""
STEP_S = 0.2


def pin(number: int) -> Callable[[bool], None]:
    """Return what switches a pin of the Raspberry Pi."""
    from gpiozero import DigitalOutputDevice

    device = DigitalOutputDevice(number)
    return lambda on: device.on() if on else device.off()


def line(path: str) -> Callable[[bool], None]:
    """Return what switches the DTR wire of a serial line."""
    import fcntl
    import os
    import struct
    import termios

    descriptor = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    dtr = struct.pack("I", termios.TIOCM_DTR)

    def switch(on: bool) -> None:
        fcntl.ioctl(descriptor, termios.TIOCMBIS if on else termios.TIOCMBIC, dtr)

    return switch


def sound(pattern: str, switch: Callable[[bool], None]) -> None:
    """Sound a pattern, and be silent afterwards whatever happens."""
    try:
        for step in pattern:
            switch(step == "-")
            time.sleep(STEP_S)
    finally:
        switch(False)


def main() -> int:
    """Read the alert and sound it."""
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    where = sys.argv[1]
    alert: dict[str, Any] = json.load(sys.stdin)
    if alert["schema"] != "healthslm.alert/1" or alert["occasion"] in ("over", "acknowledged"):
        return 0  # nothing to make a noise about
    pattern = PATTERNS[alert["severity"]]
    if where == "--dry-run":
        print(pattern)
        return 0
    sound(pattern, pin(int(where.removeprefix("gpio:"))) if where.startswith("gpio:") else line(where))
    return 0


if __name__ == "__main__":
    sys.exit(main())
