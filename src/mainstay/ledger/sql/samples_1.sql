-- Figures over time, version 1. Rebuilt from observation when lost; nothing here is evidence.
CREATE TABLE facts (                  -- the newest observation of each task
  task TEXT PRIMARY KEY,
  at   TEXT NOT NULL,                 -- UTC, ISO 8601
  body TEXT NOT NULL                  -- JSON: facts, findings
) STRICT;
CREATE TABLE series (
  id   INTEGER PRIMARY KEY,
  target TEXT NOT NULL,
  name TEXT NOT NULL,                 -- "size_bytes"
  unit TEXT NOT NULL DEFAULT '',
  UNIQUE (target, name)
) STRICT;
CREATE TABLE sample (
  series INTEGER NOT NULL REFERENCES series (id),
  at     INTEGER NOT NULL,            -- microseconds since 1970, UTC
  value  REAL NOT NULL,
  PRIMARY KEY (series, at)
) STRICT, WITHOUT ROWID;
CREATE TABLE rollup (
  series INTEGER NOT NULL REFERENCES series (id),
  span   TEXT NOT NULL CHECK (span IN ('hour', 'day')),
  at     INTEGER NOT NULL,            -- start of the span, microseconds since 1970, UTC
  n INTEGER NOT NULL, low REAL NOT NULL, high REAL NOT NULL, total REAL NOT NULL,
  packed BLOB,                        -- the raw values of an hour, zstd; NULL in days
  PRIMARY KEY (series, span, at)
) STRICT, WITHOUT ROWID;
CREATE TABLE interval (               -- availability is summed from states, never from counts of samples
  target TEXT NOT NULL,
  began  INTEGER NOT NULL,            -- microseconds since 1970, UTC
  ended  INTEGER,                     -- NULL while it lasts
  state  TEXT NOT NULL CHECK (state IN ('up', 'degraded', 'down', 'maintenance', 'unknown')),
  because TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (target, began)
) STRICT, WITHOUT ROWID;
