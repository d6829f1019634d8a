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
