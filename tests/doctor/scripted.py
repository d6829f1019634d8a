"""A machine that is a folder and a few answers, for what the doctor looks at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from healthslm.doctor import Check, Machine, NotKnown, answered


def machine(
    root: Path,
    files: Mapping[str, str] | None = None,
    programs: Mapping[str, str] | None = None,
    clock_error_us: int | None = 1000,
) -> Machine:
    """A machine of these files, on which these programs are installed and say that."""
    for name, text in (files or {}).items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def ask(argv: Sequence[str]) -> str:
        if argv[0] not in (programs or {}):
            raise NotKnown(f"{argv[0]} is not installed")
        return (programs or {})[argv[0]]

    def clock() -> int:
        if clock_error_us is None:
            raise NotKnown("the kernel does not say")
        return clock_error_us

    return Machine(root=root, ask=ask, clock_error_us=clock)


def lines(checks: Iterable[Check]) -> list[tuple[str, str]]:
    """State and what was said of each line. What is not well says what to do."""
    found = list(answered("it", checks))
    assert all(one.next for one in found if one.state in ("attention", "problem"))
    return [(one.state.value, one.said) for one in found]


def one(checks: Iterable[Check]) -> tuple[str, str]:
    """The only line."""
    (line,) = lines(checks)
    return line
