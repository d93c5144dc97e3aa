-- Every table and materialised view with rows on disk: whether the planner has statistics of it, and which extended ones it lacks.
-- columns: as in knowledge.Knowledge
-- versions: 13-
-- source: https://www.postgresql.org/docs/current/view-pg-stats.html, https://www.postgresql.org/docs/current/view-pg-stats-ext.html
WITH locked AS (  -- opening these would wait; a prepared transaction has no pid
  SELECT DISTINCT relation FROM pg_locks
  WHERE locktype = 'relation' AND mode = 'AccessExclusiveLock' AND pid IS DISTINCT FROM pg_backend_pid()
    AND database IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
), sized AS (
  SELECT r.oid, CASE WHEN l.relation IS NULL THEN pg_relation_size(r.oid) ELSE r.relpages * current_setting('block_size')::bigint END AS size
  FROM pg_class r LEFT JOIN locked l ON l.relation = r.oid
  WHERE r.relkind IN ('r', 'm')
)
SELECT current_database()::text AS database,
       n.nspname::text AS schema,
       c.relname::text AS name,
       pg_get_userbyid(c.relowner)::text AS owner,
       pg_has_role(c.relowner, 'USAGE') AS owned,
       size.size AS heap,
       EXISTS (SELECT FROM pg_stats k WHERE k.schemaname = n.nspname AND k.tablename = c.relname AND NOT k.inherited) AS known,
       ARRAY(
         SELECT e.stxname::text FROM pg_statistic_ext e
         WHERE e.stxrelid = c.oid AND e.stxkind <> '{e}' AND coalesce(e.stxstattarget, -1) <> 0 AND NOT EXISTS (
           SELECT FROM pg_stats_ext k
           WHERE k.statistics_schemaname = (SELECT o.nspname FROM pg_namespace o WHERE o.oid = e.stxnamespace) AND k.statistics_name = e.stxname
             AND coalesce(k.n_distinct::text, k.dependencies::text, k.most_common_vals::text) IS NOT NULL)
         ORDER BY 1
       ) AS extended_missing,
       extract(epoch FROM clock_timestamp() - greatest(s.last_analyze, s.last_autoanalyze))::float8 AS analyzed,
       coalesce('process ' || p.pid, '') AS busy
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN sized size ON size.oid = c.oid
LEFT JOIN pg_stat_all_tables s ON s.relid = c.oid
LEFT JOIN pg_stat_progress_analyze p ON p.relid = c.oid AND p.datname = current_database()
WHERE c.relkind IN ('r', 'm')
  AND c.relpersistence <> 't'
  AND c.oid >= 16384
  AND size.size > 0
  AND n.nspname !~ '^pg_'
ORDER BY 2, 3;
