-- How full the leaves of the b-trees of `mainstay.only` are; each of them is read once, past the cache of the server.
-- columns: as in shape.IndexDensity
-- versions: 13-
-- source: https://www.postgresql.org/docs/current/pgstattuple.html, function pgstatindex
WITH locked AS (  -- opening these would wait; a prepared transaction has no pid
  SELECT DISTINCT relation FROM pg_locks
  WHERE locktype = 'relation' AND mode = 'AccessExclusiveLock' AND pid IS DISTINCT FROM pg_backend_pid()
    AND database IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
)
SELECT c.oid::bigint AS oid,
       s.leaf_pages AS leaves,
       s.avg_leaf_density AS density
FROM unnest(nullif(current_setting('mainstay.only', true), '')::oid[]) AS o(oid)
JOIN pg_class c ON c.oid = o.oid
CROSS JOIN LATERAL pgstatindex(c.oid) s
WHERE c.oid NOT IN (SELECT relation FROM locked);
