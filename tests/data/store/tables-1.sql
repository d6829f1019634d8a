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
