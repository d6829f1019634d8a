"""What waits for its passphrase: who may bring it, and who only keeps it from being brought."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from healthslm.cli.session import Session
from healthslm.cli.unlocking import brought, unlocked
from healthslm.errors import HealthslmError, LockedError, StoreError
from healthslm.notify import Notifier
from healthslm.settings import Settings
from healthslm.store import CHEAPEST, Access, create, is_in_use
from tests.cli.saying import Said, said_by

PASSPHRASE = "correct horse"
Brought = list[str]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    create(tmp_path / "home", PASSPHRASE, profile=CHEAPEST)[0].close()
    (tmp_path / "passphrase").write_text(PASSPHRASE + "\n")
    return tmp_path / "home"


def unlock(home: Path) -> Said:
    return said_by(["--home", str(home), "--passphrase-file", str(home.parent / "passphrase"), "unlock"])


def right(secret: str) -> str:
    if secret != PASSPHRASE:
        raise LockedError("That opens nothing.")
    return secret


@contextmanager
def waiting(home: Path, tried: Callable[[str], str] = right, who: str = "run") -> Iterator[Brought]:
    """Something that waits, until the passphrase is brought; what it was brought."""
    found: Brought = []
    thread = threading.Thread(
        target=lambda: found.append(brought(home, who, tried, prompt_s=0.3)), daemon=True
    )
    thread.start()
    while not (home / f"waits-{who}.sock").exists():
        thread.join(0.01)
    yield found
    thread.join(10)
    assert not thread.is_alive(), "it waits for ever"
    assert not (home / f"waits-{who}.sock").exists()


def connected(home: Path) -> socket.socket:
    made = socket.socket(socket.AF_UNIX)
    made.settimeout(10)
    made.connect(str(home / "waits-run.sock"))
    return made


def test_who_says_nothing_or_too_much_keeps_nobody_from_unlocking(home: Path) -> None:
    with waiting(home) as found:
        idle = [connected(home) for _ in range(3)]
        with connected(home) as endless, suppress(OSError):
            for _ in range(1000):
                endless.sendall(b"x" * 65536)
            raise AssertionError("all of it was taken")
        with connected(home) as garbled:
            garbled.sendall(b"\xff\xfe\n")
            assert garbled.recv(10) in (b"", b"no\n")
        assert "run: unlocked" in unlock(home).stderr
        for one in idle:
            one.close()
    assert found == [PASSPHRASE]


def test_what_a_killed_process_left_waits_for_nothing(home: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(home / "waits-companion.sock"))
    told = unlock(home)
    assert told.code == 1
    assert "Nothing waits" in told.stderr
    with waiting(home, who="companion") as found:  # and is taken the place of
        assert "companion: unlocked" in unlock(home).stderr
    assert found == [PASSPHRASE]


def test_only_those_that_wait_are_told_and_no_link_is_followed(home: Path, tmp_path: Path) -> None:
    """Who may write into the store's folder, as the program of a hook, is not told the passphrase."""
    with socket.socket(socket.AF_UNIX) as other, socket.socket(socket.AF_UNIX) as elsewhere:
        other.bind(str(home / "waits-hook.sock"))
        elsewhere.bind(str(tmp_path / "mine.sock"))
        (home / "waits-run.sock").symlink_to(tmp_path / "mine.sock")
        for one in (other, elsewhere):
            one.listen()
            one.setblocking(False)
        assert "Nothing waits" in unlock(home).stderr
        for one in (other, elsewhere):
            with pytest.raises(BlockingIOError):
                one.accept()


def test_two_of_one_name_do_not_take_each_others_place(home: Path) -> None:
    """The first could not be reached any more, and would wait for ever."""
    with waiting(home) as found:
        with pytest.raises(HealthslmError, match="waits to be unlocked already"):
            brought(home, "run", right)
        unlock(home)
    assert found == [PASSPHRASE]


def test_a_store_that_cannot_be_read_just_now_is_waited_for(home: Path) -> None:
    """As while another process replaces it: the passphrase can be said again, and who said it is told."""
    troubles = [StoreError("It is being replaced.", "Wait."), LockedError("Its keys were changed.")]

    def tried(secret: str) -> str:
        if troubles:
            raise troubles.pop()
        return right(secret)

    with waiting(home, tried) as found:
        for _ in range(2):
            told = unlock(home)
            assert told.code == 1
            assert "run: it did not take it" in told.stderr
        assert unlock(home).code == 0
    assert found == [PASSPHRASE]


def test_who_is_about_to_open_it_counts_before_the_key_is_known(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else `lock` could say that nobody has the key who is deriving it."""
    seen: list[bool] = []
    once = Session.access

    def access(theirs: Session, secret: str | None = None) -> Access:
        seen.append(is_in_use(home))
        return once(theirs, secret)

    monkeypatch.setattr(Session, "access", access)
    file = home.parent / "secret"
    current = Session(settings=Settings(home=home), household=home, passphrase_file=file)
    file.write_text("quite another one")
    with pytest.raises(LockedError), unlocked(current, "run", wait=True, notify=Notifier()):
        pass
    assert not is_in_use(home), "it is not opened any more"
    file.write_text(PASSPHRASE)
    with unlocked(current, "run", wait=True, notify=Notifier()):
        assert is_in_use(home)
    assert not is_in_use(home)
    assert seen == [True, True]
