ALTER TABLE outbox ADD COLUMN first INTEGER NOT NULL DEFAULT 0;      -- 1: before those that are 0
ALTER TABLE outbox ADD COLUMN occasion TEXT NOT NULL DEFAULT '';     -- why the hook is told
ALTER TABLE outbox ADD COLUMN queued INTEGER NOT NULL DEFAULT 0;     -- when it was put in
ALTER TABLE outbox ADD COLUMN dead INTEGER NOT NULL DEFAULT 0;       -- 1: a dead letter
CREATE INDEX outbox_by_turn ON outbox (hook, dead, first DESC, id);
CREATE INDEX alerts_by_state ON alerts (state, raised_at);
