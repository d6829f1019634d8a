CREATE TABLE notes (
    id INTEGER PRIMARY KEY,
    time INTEGER NOT NULL,
    text TEXT NOT NULL,
    level TEXT NOT NULL,        -- info, watch, urgent, emergency
    reason TEXT NOT NULL,
    origin TEXT NOT NULL        -- model or template
) STRICT;
CREATE INDEX notes_by_time ON notes (time);
