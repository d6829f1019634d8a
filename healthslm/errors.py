"""What can go wrong in healthslm, in words a person can act on.

    HealthslmError          exit code 1: it could not be done
    ├── UsageError          exit code 2: asked for in a way that cannot work
    ├── LockedError         exit code 3: no key, or the wrong one
    ├── StoreError          the store on disk
    │   ├── DamagedError    its bytes are not what was written
    │   ├── MissingError    it is not there
    │   └── RolledBackError an older copy of it was put back in its place
    ├── ModelError          the language model: missing, foreign, or its process ended
    ├── HookError           a hook could not be called
    ├── ExportError         a page or Bundle could not be written
    └── ImportFailedError   a file that was to be read in is cut, changed, foreign or too large

Each carries what happened and what to do next; the command line prints both, without a traceback.
"""


class HealthslmError(Exception):
    """Something that a person can do something about.

    `message` says what happened and names the thing; `hint` says the next step.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class UsageError(HealthslmError):
    """The command was given something it cannot use."""

    exit_code = 2


class LockedError(HealthslmError):
    """The store stays locked: no key was given, or it opens no slot."""

    exit_code = 3


class StoreError(HealthslmError):
    """The store could not be read or written."""


class DamagedError(StoreError):
    """The store's bytes are not what healthslm wrote: cut, changed, or another file."""


class MissingError(StoreError):
    """There is no store where one was expected."""


class RolledBackError(StoreError):
    """The store is older than it was, or has another past: a copy was put back in its place."""


class ModelError(HealthslmError):
    """The language model is missing, is not ours, or its process ended."""


class HookError(HealthslmError):
    """A hook is set up wrongly or did not take the alert."""


class ExportError(HealthslmError):
    """A page or Bundle could not be made or written."""


class ImportFailedError(HealthslmError):
    """A file that was to be read in is not what it should be; nothing of it was stored."""
