-- About 1 GB of tables and indexes in daily use, a third of which is live. Run after `pgbench -i -s 10`.
CREATE TABLE events (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, account int NOT NULL, kind text NOT NULL, at timestamptz NOT NULL, payload jsonb NOT NULL
) WITH (autovacuum_enabled = off);
INSERT INTO events (account, kind, at, payload)
SELECT (random() * 50000)::int, 'kind ' || g % 20, now() - g * interval '1 s', jsonb_build_object('n', g, 'a', md5(g::text), 'b', md5((-g)::text), 'text', repeat('.', (random() * 120)::int))
FROM generate_series(1, 1000000) g;
CREATE INDEX events_account ON events (account, at);
CREATE INDEX events_kind ON events (kind);

CREATE TABLE visits (id int PRIMARY KEY, token uuid NOT NULL, seen timestamptz NOT NULL, note text) WITH (autovacuum_enabled = off);
INSERT INTO visits SELECT g, gen_random_uuid(), now(), md5(g::text) FROM generate_series(1, 300000) g;
CREATE UNIQUE INDEX visits_token ON visits (token);
CREATE INDEX visits_seen ON visits (seen);

CREATE TABLE papers (id int PRIMARY KEY, title text, body text) WITH (autovacuum_enabled = off);
ALTER TABLE papers ALTER body SET STORAGE EXTERNAL;
INSERT INTO papers SELECT g, 'paper ' || g, (SELECT string_agg(md5((g * 1000 + i)::text), '') FROM generate_series(1, 180) i) FROM generate_series(1, 10000) g;

ALTER TABLE pgbench_accounts SET (autovacuum_enabled = off);
UPDATE pgbench_accounts SET abalance = abalance + 1;
UPDATE pgbench_accounts SET abalance = abalance + 1;
DELETE FROM events WHERE random() < 0.7;
UPDATE visits SET token = gen_random_uuid(), seen = now() + random() * interval '1 day';
UPDATE visits SET token = gen_random_uuid(), seen = now() + random() * interval '1 day' WHERE random() < 0.5;
UPDATE visits SET token = gen_random_uuid(), seen = now() + random() * interval '1 day' WHERE random() < 0.5;
UPDATE papers SET body = reverse(body);
UPDATE papers SET body = reverse(body);
UPDATE pgbench_accounts SET abalance = abalance + 1 WHERE random() < 0.1;
ALTER TABLE pgbench_accounts RESET (autovacuum_enabled);
ALTER TABLE events RESET (autovacuum_enabled);
ALTER TABLE visits RESET (autovacuum_enabled);
ALTER TABLE papers RESET (autovacuum_enabled);
VACUUM (ANALYZE, TRUNCATE off);
CHECKPOINT;
