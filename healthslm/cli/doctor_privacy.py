"""`healthslm doctor --privacy`: tries live whether anything could leave, says how all is fenced."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from healthslm import fence
from healthslm.cli.fencing import COMPANION, RUN, ask
from healthslm.cli.running import is_running
from healthslm.cli.session import Session
from healthslm.doctor import Check, State
from healthslm.fence import Fenced
from healthslm.fence.tries import Tried

_PATIENCE_S = 60.0
_FENCES = (
    ("core", "fence", "the core"),
    ("serving", "fence", "the phone's page"),
    ("writer", "fence", "the language model"),
    ("courier", "fence", "the courier"),
)


def privacy(current: Session) -> Iterator[Check]:
    """Look at the kernel, try each fence in a child, and have the processes at work try theirs.

    Needs no passphrase, and a store only for what is in its folder.
    """
    yield kernel_check(current.settings.strict)
    for which, what, name in _FENCES:
        yield _in_a_child(which, what, name, current)
    homes = list(dict.fromkeys((current.settings.home, current.household)))
    strict = current.settings.strict
    yield from at_work(homes, RUN, "healthslm run", needed=any(map(is_running, homes)), strict=strict)
    yield from at_work(homes, COMPANION, "healthslm companion", needed=False, strict=strict)


def kernel_check(strict: bool, able: Fenced | None = None) -> Check:
    """Say what this kernel can refuse a process."""
    able = fence.possible() if able is None else able
    mode = "strict" if strict else "not strict: it also starts without"
    if able.whole:
        said = f"it can keep healthslm from the internet (seccomp, Landlock {able.landlock}); {mode}"
        return Check(what="kernel", state=State.OK, said=said)
    return Check(
        what="kernel",
        state=State.PROBLEM if strict else State.ATTENTION,
        said=" ".join(able.missing),
        next="Without that only healthslm's own code keeps it from the internet: see docs/privacy.md.",
    )


def _in_a_child(which: str, what: str, name: str, current: Session) -> Check:
    places = [str(current.household), str(current.settings.model)]
    command = [sys.executable, "-P", "-m", "healthslm.fence.trying", which, *places]
    try:
        done = subprocess.run(  # noqa: S603  our own module, no shell
            command, capture_output=True, timeout=_PATIENCE_S, check=True
        )
        told = json.loads(done.stdout)
        tried = [Tried(what=about, error=error) for about, error in told["tried"]]
        missing = list(told["missing"])
    except (OSError, subprocess.SubprocessError, ValueError, KeyError, TypeError) as error:
        said = f"{name}: it could not be tried ({type(error).__name__})"
        return Check(what=what, state=State.PROBLEM, said=said, next="See that healthslm is installed whole.")
    return judged(what, f"{name}, tried in a child", tried, missing, strict=current.settings.strict)


def judged(what: str, name: str, tried: list[Tried], missing: list[str], *, strict: bool) -> Check:
    """Say what was refused; what a fence that stands does not refuse is a problem."""
    through = [one for one in tried if not one.refused and not one.absent]
    if not through:
        refused = ", ".join(one.what for one in tried if one.refused)
        return Check(
            what=what, state=State.OK, said=f"{name}. Refused: {refused or 'nothing was there to try'}"
        )
    if missing:
        state = State.PROBLEM if strict else State.ATTENTION
        next_step = "See the line of the kernel."
    else:
        state, next_step = State.PROBLEM, "Please report it, with the kernel's version (uname -r)."
    not_refused = "; ".join(f"{one.what} ({one.said})" for one in through)
    return Check(
        what=what,
        state=state,
        said=f"{name}. Not refused: {not_refused}. {' '.join(missing)}",
        next=next_step,
    )


def at_work(homes: Sequence[Path], socket: str, name: str, *, needed: bool, strict: bool) -> Iterator[Check]:
    """Have a process at work on one of these stores try its fence; `needed` says that there surely is one."""
    answers = [answer for home in homes if (answer := ask(home, socket)) is not None]
    if not answers:
        if needed:
            yield Check(
                what="at work",
                state=State.PROBLEM,
                said=f"`{name}` does not say how it is fenced",
                next="It is of before this version, or somebody else's. Start it again.",
            )
        else:
            yield Check(what="at work", state=State.OK, said=f"`{name}` is not, or not for this store")
        return
    for answer in answers:
        try:
            pid, missing = int(answer["pid"]), [str(one) for one in answer["missing"]]
            tried = [Tried(what=str(what), error=int(error)) for what, error in answer["tried"]]
            listening, connected = (int(answer["sockets"][one]) for one in ("listening", "connected"))
        except (KeyError, TypeError, ValueError):
            said = f"`{name}` says nothing that can be read"
            yield Check(what="at work", state=State.PROBLEM, said=said, next="Start it again.")
            continue
        held = f"it holds {listening} listening and {connected} connected internet sockets"
        about = f"`{name}` (process {pid}) itself; {held}; {_status(pid)}"
        yield judged("at work", about, tried, missing, strict=strict)


def _status(pid: int) -> str:
    """What the kernel says of a process."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return "the kernel says nothing of it"
    kept = dict(line.split(":", 1) for line in lines if ":" in line)
    return ", ".join(f"{name} {kept.get(name, '?').strip()}" for name in ("Seccomp", "NoNewPrivs"))
