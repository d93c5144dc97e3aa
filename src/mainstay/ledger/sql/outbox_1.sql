-- The outbox, version 1: how far the journal was read, what is to be told, and how each delivery stands.
CREATE TABLE reached (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  seq INTEGER NOT NULL                -- the newest event of the journal whose notices are below
) STRICT;
CREATE TABLE notice (
  number INTEGER PRIMARY KEY,         -- the order in which they are sent
  id     TEXT NOT NULL UNIQUE,        -- names what is told: the same thing is told once
  at     TEXT NOT NULL,               -- UTC, ISO 8601
  body   TEXT NOT NULL                -- the notice as JSON
) STRICT;
CREATE TABLE delivery (
  number    INTEGER NOT NULL REFERENCES notice ON DELETE CASCADE,
  channel   TEXT NOT NULL,
  recipient TEXT NOT NULL,            -- '' where a channel has only one
  state     TEXT NOT NULL CHECK (state IN ('owed', 'sent', 'failed', 'expired')),
  attempts  INTEGER NOT NULL DEFAULT 0,
  due       TEXT NOT NULL,            -- when it is tried next
  because   TEXT NOT NULL DEFAULT '', -- of the newest attempt that failed
  ended     TEXT,                     -- when it was sent or given up
  PRIMARY KEY (number, channel, recipient)
) STRICT;
CREATE INDEX delivery_state ON delivery (state, channel, recipient, number);
