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
