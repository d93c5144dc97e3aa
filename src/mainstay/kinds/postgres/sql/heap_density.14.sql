-- What fills the tables and TOAST tables of `mainstay.only`: pages that are all visible are not read, the free space map has their room.
-- columns: as in shape.HeapDensity
-- versions: 14-
-- source: https://www.postgresql.org/docs/current/pgstattuple.html, function pgstattuple_approx
WITH locked AS (  -- opening these would wait; a prepared transaction has no pid
  SELECT DISTINCT relation FROM pg_locks
  WHERE locktype = 'relation' AND mode = 'AccessExclusiveLock' AND pid IS DISTINCT FROM pg_backend_pid()
    AND database IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
)
SELECT c.oid::bigint AS oid,
       a.table_len AS size,
       a.scanned_percent AS scanned,
       a.approx_tuple_count::float8 AS rows,
       a.dead_tuple_count::float8 AS dead,
       a.dead_tuple_len AS dead_length,
       a.approx_free_space::bigint AS free
FROM unnest(nullif(current_setting('mainstay.only', true), '')::oid[]) AS o(oid)
JOIN pg_class c ON c.oid = o.oid
CROSS JOIN LATERAL pgstattuple_approx(c.oid) a
WHERE c.oid NOT IN (SELECT relation FROM locked);
