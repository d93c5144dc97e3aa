-- What fills the tables and TOAST tables of `mainstay.only`; TOAST tables are read whole, of tables the pages that are not all visible.
-- columns: as in shape.HeapDensity
-- versions: 13
-- source: https://www.postgresql.org/docs/13/pgstattuple.html, functions pgstattuple_approx and, which TOAST tables need, pgstattuple
WITH locked AS (  -- opening these would wait; a prepared transaction has no pid
  SELECT DISTINCT relation FROM pg_locks
  WHERE locktype = 'relation' AND mode = 'AccessExclusiveLock' AND pid IS DISTINCT FROM pg_backend_pid()
    AND database IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
)
SELECT c.oid::bigint AS oid, a.size, a.scanned, a.rows, a.dead, a.dead_length, a.free
FROM unnest(nullif(current_setting('mainstay.only', true), '')::oid[]) AS o(oid)
JOIN pg_class c ON c.oid = o.oid
CROSS JOIN LATERAL (
  SELECT table_len AS size, scanned_percent AS scanned, approx_tuple_count::float8 AS rows, dead_tuple_count::float8 AS dead,
         dead_tuple_len AS dead_length, approx_free_space::bigint AS free
  FROM pgstattuple_approx(c.oid) WHERE c.relkind <> 't'
  UNION ALL
  SELECT table_len, 100, tuple_count::float8, dead_tuple_count::float8, dead_tuple_len, free_space
  FROM pgstattuple(c.oid) WHERE c.relkind = 't'
) a
WHERE c.oid NOT IN (SELECT relation FROM locked);
