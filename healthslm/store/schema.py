"""The tables, and how older ones become these.

`MIGRATIONS` is a list: the database's `user_version` says how many of them it has seen. To change a table,
add one at the end; those that are there never change.
"""

from __future__ import annotations

from pathlib import Path

import apsw

from healthslm.errors import StoreError

APPLICATION_ID = 0x48534C4D
"""`HSLM`, in the header of every store."""

# Times are microseconds since 1970 (UTC; `device_time` in the device's own clock). REAL holds a whole value
# in 1 to 8 bytes, so a row is 27 bytes and its place in the unique index 22. The kinds' codes are in rows.py.
_FIRST = """
CREATE TABLE ledger (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    commits INTEGER NOT NULL,        -- how many transactions were committed
    last_reading INTEGER NOT NULL    -- the highest reading id ever given, so that none is given twice
) STRICT;
INSERT INTO ledger VALUES (1, 0, 0);

CREATE TABLE devices (
    id INTEGER PRIMARY KEY,
    address TEXT NOT NULL UNIQUE,
    added INTEGER NOT NULL DEFAULT 0,    -- 0: only known from its readings, or forgotten
    name TEXT NOT NULL DEFAULT '',
    manufacturer TEXT NOT NULL DEFAULT '',
    model TEXT NOT NULL DEFAULT '',
    serial TEXT NOT NULL DEFAULT '',
    firmware TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE TABLE readings (
    id INTEGER PRIMARY KEY,
    kind INTEGER NOT NULL,
    device INTEGER NOT NULL REFERENCES devices (id),
    time INTEGER NOT NULL,
    value REAL NOT NULL,
    quality INTEGER NOT NULL,
    device_time INTEGER,
    sequence INTEGER
) STRICT;
CREATE UNIQUE INDEX readings_by_time ON readings (kind, time, device);
CREATE UNIQUE INDEX readings_redelivered
    ON readings (kind, device, device_time, value, coalesce(sequence, -1)) WHERE device_time IS NOT NULL;

CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE alerts (
    id TEXT PRIMARY KEY,
    state TEXT NOT NULL,
    raised_at INTEGER NOT NULL,
    document TEXT NOT NULL
) STRICT;
CREATE INDEX alerts_by_time ON alerts (raised_at);

CREATE TABLE outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    alert_id TEXT NOT NULL,
    hook TEXT NOT NULL,
    payload TEXT NOT NULL,
    due INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    error TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX outbox_by_due ON outbox (due);
"""

# What a device said of a measurement besides its number: of a glucose, the meal it was before or after.
_CONTEXT = "ALTER TABLE readings ADD COLUMN context TEXT;"

# Dense readings: few bytes each. A stream is one kind of one device; a reading's id is made of the stream's
# number and its time (ids.py), so no id is stored and nothing is stored twice. What came last waits in the
# journal, one row a commit, until it is sealed into its segment.
_SEGMENTS = """
CREATE TABLE streams (
    id INTEGER PRIMARY KEY,
    kind INTEGER NOT NULL,
    device INTEGER NOT NULL REFERENCES devices (id),
    UNIQUE (kind, device)
) STRICT;

CREATE TABLE segments (
    id INTEGER PRIMARY KEY,     -- the id that a reading at its span's very beginning would have
    first INTEGER NOT NULL,     -- the time of its first reading, and of its last
    last INTEGER NOT NULL,
    count INTEGER NOT NULL,
    data BLOB NOT NULL          -- codec.py
) STRICT;

CREATE TABLE journal (
    id INTEGER PRIMARY KEY,     -- the number of the commit
    last_reading INTEGER NOT NULL,
    readings BLOB NOT NULL      -- journal.py
) STRICT;

-- By kind, of all devices. `level` 0 is minutes in blocks of a day, 1 hours in blocks of 32 days.
CREATE TABLE rollups (
    kind INTEGER NOT NULL,
    level INTEGER NOT NULL,
    block INTEGER NOT NULL,
    summary BLOB NOT NULL,
    histogram BLOB NOT NULL,
    PRIMARY KEY (kind, level, block)
) STRICT;

-- The hours (since 1970) whose roll-up is older than their readings.
CREATE TABLE stale (kind INTEGER, hour INTEGER, PRIMARY KEY (kind, hour)) STRICT, WITHOUT ROWID;

-- What a reading was before it was corrected, or deleted: then `new_value` is NULL.
CREATE TABLE amendments (
    id INTEGER PRIMARY KEY,
    reading INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    device INTEGER NOT NULL REFERENCES devices (id),
    time INTEGER NOT NULL,
    value REAL NOT NULL,
    quality INTEGER NOT NULL,
    device_time INTEGER,
    sequence INTEGER,
    context TEXT,
    new_value REAL,
    reason TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;
CREATE INDEX amendments_by_time ON amendments (kind, device, time);
CREATE INDEX amendments_redelivered
    ON amendments (kind, device, device_time, value, coalesce(sequence, -1)) WHERE device_time IS NOT NULL;
CREATE INDEX amendments_by_reading ON amendments (reading);

-- What was deleted or corrected does not come back with the device's next transfer.
CREATE TRIGGER readings_stay_amended BEFORE INSERT ON readings
WHEN EXISTS (
    SELECT 1 FROM amendments
    WHERE kind = new.kind AND device = new.device AND time = new.time AND new_value IS NULL
) OR EXISTS (
    SELECT 1 FROM amendments
    WHERE device_time IS NOT NULL AND kind = new.kind AND device = new.device
    AND device_time = new.device_time AND value = new.value
    AND coalesce(sequence, -1) = coalesce(new.sequence, -1)
)
BEGIN SELECT raise(IGNORE); END;
"""

_AUDIT = """
CREATE TABLE audit (
    id INTEGER PRIMARY KEY,     -- 1, 2, 3 and so on, without a hole
    at INTEGER NOT NULL,
    event TEXT NOT NULL,
    detail TEXT NOT NULL,       -- JSON
    chain BLOB NOT NULL         -- audit.py
) STRICT;
CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit
BEGIN SELECT raise(ABORT, 'the audit trail is not changed'); END;
CREATE TRIGGER audit_is_not_shortened BEFORE DELETE ON audit
BEGIN SELECT raise(ABORT, 'the audit trail is not shortened'); END;
"""

# What was computed from a local day's readings, so that a year need not be read again. It can be computed
# anew while the readings are there; afterwards it is what is left of them.
_DIGESTS = """
CREATE TABLE digests (
    name TEXT NOT NULL,
    day INTEGER NOT NULL,       -- proleptic ordinal of the local day
    seen BLOB NOT NULL,         -- the fingerprint of what it was computed from, and how
    value TEXT NOT NULL,        -- JSON
    PRIMARY KEY (name, day)
) STRICT, WITHOUT ROWID;
"""

# What the person, or somebody who cares for them, wrote about how they are.
_NOTES = """
CREATE TABLE notes (
    id INTEGER PRIMARY KEY,
    time INTEGER NOT NULL,
    text TEXT NOT NULL,
    level TEXT NOT NULL,        -- info, watch, urgent, emergency
    reason TEXT NOT NULL,
    origin TEXT NOT NULL        -- model or template
) STRICT;
CREATE INDEX notes_by_time ON notes (time);
"""

# `alert_id` holds the ids of all alerts that a payload tells of, with a space between.
_PRIORITY = """
ALTER TABLE outbox ADD COLUMN first INTEGER NOT NULL DEFAULT 0;      -- 1: before those that are 0
ALTER TABLE outbox ADD COLUMN occasion TEXT NOT NULL DEFAULT '';     -- why the hook is told
ALTER TABLE outbox ADD COLUMN queued INTEGER NOT NULL DEFAULT 0;     -- when it was put in
ALTER TABLE outbox ADD COLUMN dead INTEGER NOT NULL DEFAULT 0;       -- 1: a dead letter
CREATE INDEX outbox_by_turn ON outbox (hook, dead, first DESC, id);
CREATE INDEX alerts_by_state ON alerts (state, raised_at);
"""

MIGRATIONS: tuple[str, ...] = (_FIRST, _CONTEXT, _SEGMENTS, _AUDIT, _DIGESTS, _NOTES, _PRIORITY)


# The journal's rows are numbered by their commits, and spare the ledger an update a second.
COMMITS = "SELECT max(commits, (SELECT coalesce(max(id), 0) FROM journal)) FROM ledger"
LAST_READING = "SELECT max(last_reading, (SELECT coalesce(max(last_reading), 0) FROM journal)) FROM ledger"
_WITH_JOURNAL = 3


def commits(connection: apsw.Connection) -> int:
    """Return how many transactions were committed, in tables of any version."""
    has_journal = connection.pragma("user_version") >= _WITH_JOURNAL
    return int(connection.execute(COMMITS if has_journal else "SELECT commits FROM ledger").get)


def is_old(connection: apsw.Connection) -> bool:
    """Say whether the tables are older than these."""
    return 0 < int(connection.pragma("user_version")) < len(MIGRATIONS)


def migrate(connection: apsw.Connection, path: Path, migrations: tuple[str, ...] = MIGRATIONS) -> None:
    """Bring the tables up to date, one transaction a step; a step that fails leaves the one before.

    Raises `StoreError` when a newer healthslm made them.
    """
    version = connection.pragma("user_version")
    if version > len(migrations):
        raise StoreError(
            f"{path} was written by a newer healthslm (tables {version}, this one knows {len(migrations)}).",
            "Update healthslm.",
        )
    for number in range(version, len(migrations)):
        connection.execute("BEGIN IMMEDIATE")
        try:
            if connection.pragma("user_version") == number:  # else another process was faster
                connection.execute(migrations[number])
                connection.pragma("user_version", number + 1)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
