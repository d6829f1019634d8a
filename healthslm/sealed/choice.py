"""Whether to go on collecting while the store is locked, and what that needs beside the store.

Which wearables are listened to stands in a file that whoever has the disk can read: their addresses, and what
is asked of them. Nothing that was measured does.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from pydantic import BaseModel, ConfigDict, Field

from healthslm.errors import DamagedError
from healthslm.store import Store, files
from healthslm.wearables import MOST, by_radio, link_settings

FILE = "while-locked.json"
SETTING = "sealing keys"
"""Under this name the store keeps the private keys, in hexadecimal: the newest, and those of before."""
Keys = list[X25519PrivateKey]


class Listened(BaseModel):
    """A wearable that is listened to while the store is locked."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    address: str = Field(pattern=r"^[0-9A-F:-]{17,36}$")
    paired: bool = False
    streams: tuple[str, ...] = ()


class Choice(BaseModel):
    """What the file says: to whose key to seal, and whom to listen to."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: int = Field(default=1, ge=1, le=1)
    key: str = Field(pattern=r"^[0-9a-f]{64}$")
    wearables: tuple[Listened, ...] = Field(default=(), max_length=MOST)

    @property
    def public(self) -> X25519PublicKey:
        """The key to seal to."""
        return X25519PublicKey.from_public_bytes(bytes.fromhex(self.key))


def file_in(folder: Path) -> Path:
    """Return where the choice is kept."""
    return folder / FILE


def chosen(folder: Path) -> Choice | None:
    """Return what was chosen; `None` where nothing is collected while locked. Raises `DamagedError`."""
    path = folder / FILE
    try:
        choice = Choice.model_validate_json(path.read_bytes())
        X25519PrivateKey.generate().exchange(choice.public)  # fails for a key that seals nothing
        return choice
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise DamagedError(
            f"{path} cannot be read.", "Choose anew, with the store open: healthslm while-locked collect"
        ) from error


def collect_while_locked(store: Store, random: Callable[[int], bytes]) -> Choice:
    """Choose to go on collecting: makes a key where there is none. Commits. Raises `StoreError`."""
    kept = keys_in(store)
    if not kept:
        kept = [X25519PrivateKey.from_private_bytes(random(32))]
        store.put(SETTING, [one.private_bytes_raw().hex() for one in kept])
        store.commit()
    choice = _of(store, kept[0])
    _keep(store.folder, choice)
    return choice


def stop_collecting(store: Store) -> None:
    """Choose to collect nothing while locked; what is sealed already can still be taken in.

    Raises `StoreError`.
    """
    files.remove(store.folder / FILE)


def keep_current(store: Store) -> None:
    """See that while locked the wearables of the list are listened to. Raises `StoreError`."""
    kept = keys_in(store)
    if kept and (store.folder / FILE).exists():
        now = _of(store, kept[0])
        try:
            before = chosen(store.folder)
        except DamagedError:
            before = None
        if now != before:
            _keep(store.folder, now)


def keys_in(store: Store) -> Keys:
    """Return the keys that open what was sealed, the newest first. Raises `DamagedError`."""
    try:
        return [X25519PrivateKey.from_private_bytes(bytes.fromhex(one)) for one in store.get(SETTING, [])]
    except (ValueError, TypeError) as error:
        raise DamagedError(
            "The key of what was sealed while locked cannot be read.",
            "Restore a backup in which it can: healthslm restore --help",
        ) from error


def _of(store: Store, key: X25519PrivateKey) -> Choice:
    links = link_settings(store)
    return Choice(
        key=key.public_key().public_bytes_raw().hex(),
        wearables=tuple(
            Listened(
                address=device.address.upper(),
                paired=links[device.address].paired if device.address in links else False,
                streams=links[device.address].streams if device.address in links else (),
            )
            for device in by_radio(store)[:MOST]  # an import brings as many as it has
        ),
    )


def _keep(folder: Path, choice: Choice) -> None:
    files.write_private(folder / FILE, choice.model_dump_json(indent=1).encode())
