-- The journal, version 1. Append-only: triggers refuse updates and deletions, the hash chain shows what was changed around them.
CREATE TABLE event (
  seq  INTEGER PRIMARY KEY,           -- 1, 2, 3 ... without a gap
  at   TEXT NOT NULL,                 -- UTC, ISO 8601
  kind TEXT NOT NULL,                 -- see ledger/events.py
  run  TEXT NOT NULL DEFAULT '',
  task TEXT NOT NULL DEFAULT '',
  body TEXT NOT NULL,                 -- canonical JSON
  hash TEXT NOT NULL                  -- SHA-256 of the previous hash and of this row
) STRICT;
CREATE INDEX event_run ON event (run, kind, seq);
CREATE INDEX event_kind ON event (kind, seq);
CREATE INDEX event_task ON event (kind, task, seq);
CREATE UNIQUE INDEX event_claim ON event (json_extract(body, '$.occurrence')) WHERE kind = 'occurrence.claimed';
CREATE TRIGGER event_keep_row BEFORE UPDATE ON event BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER event_keep_all BEFORE DELETE ON event BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
