CREATE TABLE digests (
    name TEXT NOT NULL,
    day INTEGER NOT NULL,       -- proleptic ordinal of the local day
    seen BLOB NOT NULL,         -- the fingerprint of what it was computed from, and how
    value TEXT NOT NULL,        -- JSON
    PRIMARY KEY (name, day)
) STRICT, WITHOUT ROWID;
