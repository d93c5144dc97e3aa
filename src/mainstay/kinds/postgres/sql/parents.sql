-- Every partitioned table and every parent of an inheritance tree, with what its children know: autovacuum never analyzes it as a whole.
-- columns: as in parents.Parent
-- versions: 13-; 13 does not record when a partitioned table was analyzed
-- source: https://www.postgresql.org/docs/current/sql-analyze.html, https://www.postgresql.org/docs/current/routine-vacuuming.html#VACUUM-FOR-STATISTICS
WITH RECURSIVE locked AS (  -- opening these would wait; a prepared transaction has no pid
  SELECT DISTINCT relation FROM pg_locks
  WHERE locktype = 'relation' AND mode = 'AccessExclusiveLock' AND pid IS DISTINCT FROM pg_backend_pid()
    AND database IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
), sized AS (
  SELECT r.oid, CASE WHEN l.relation IS NULL THEN pg_relation_size(r.oid) ELSE r.relpages * current_setting('block_size')::bigint END AS size
  FROM pg_class r LEFT JOIN locked l ON l.relation = r.oid
  WHERE r.relkind = 'r'
), below AS (
  SELECT inhparent AS top, inhrelid AS child FROM pg_inherits
  WHERE inhparent NOT IN (SELECT inhrelid FROM pg_inherits)
  UNION
  SELECT b.top, i.inhrelid FROM below b JOIN pg_inherits i ON i.inhparent = b.child
)
SELECT current_database()::text AS database,
       n.nspname::text AS schema,
       c.relname::text AS name,
       pg_get_userbyid(c.relowner)::text AS owner,
       pg_has_role(c.relowner, 'USAGE') AS owned,
       array_agg(l.oid::bigint ORDER BY l.oid) AS children,
       coalesce(sum(size.size), 0)::bigint AS heap,
       sum(greatest(l.reltuples, 0))::float8 AS rows,
       EXISTS (SELECT FROM pg_stats k WHERE k.schemaname = n.nspname AND k.tablename = c.relname AND k.inherited) AS known,
       extract(epoch FROM clock_timestamp() - max(own.analyzed))::float8 AS analyzed,
       -- ANALYZE of a parent goes on to its children, which are then a little younger than the parent itself
       coalesce(sum(CASE WHEN k.last_autoanalyze > own.analyzed OR k.last_analyze > own.analyzed + interval '1 hour'
                         THEN greatest(l.reltuples, 0) ELSE k.n_mod_since_analyze END), 0)::float8 AS modified
FROM below b
JOIN pg_class c ON c.oid = b.top AND c.relkind IN ('r', 'p')
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_class l ON l.oid = b.child AND l.relkind = 'r'
JOIN sized size ON size.oid = l.oid
LEFT JOIN pg_stat_all_tables s ON s.relid = c.oid
CROSS JOIN LATERAL (SELECT greatest(s.last_analyze, s.last_autoanalyze) AS analyzed) own
LEFT JOIN pg_stat_all_tables k ON k.relid = l.oid
WHERE n.nspname !~ '^pg_' AND c.relpersistence <> 't'
GROUP BY c.oid, c.relname, c.relowner, n.nspname
ORDER BY 2, 3;
