-- The tables of applications whose rows can be counted, largest first; a partitioned table counts as one.
-- columns: as in counts.Countable
-- versions: 13-
-- source: https://www.postgresql.org/docs/current/catalog-pg-class.html
WITH RECURSIVE locked AS (  -- opening these would wait; a prepared transaction has no pid
  SELECT DISTINCT relation FROM pg_locks
  WHERE locktype = 'relation' AND mode = 'AccessExclusiveLock' AND pid IS DISTINCT FROM pg_backend_pid()
    AND database IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
), sized AS (
  SELECT r.oid, CASE WHEN l.relation IS NULL THEN pg_relation_size(r.oid) ELSE r.relpages * current_setting('block_size')::bigint END AS size
  FROM pg_class r LEFT JOIN locked l ON l.relation = r.oid
  WHERE r.relkind IN ('r', 'm')
), parts AS (  -- each table with its partitions: pg_partition_tree would wait for a locked one
  SELECT oid AS top, oid AS part FROM pg_class WHERE relkind IN ('r', 'm', 'p')
  UNION ALL
  SELECT p.top, i.inhrelid FROM parts p JOIN pg_inherits i ON i.inhparent = p.part JOIN pg_class c ON c.oid = i.inhrelid AND c.relispartition
), whole AS (
  SELECT p.top AS oid, coalesce(sum(s.size), 0)::bigint AS size FROM parts p LEFT JOIN sized s ON s.oid = p.part GROUP BY 1
)
SELECT current_database()::text AS database,
       n.nspname::text AS schema,
       c.relname::text AS name,
       has_table_privilege(c.oid, 'SELECT') AND has_schema_privilege(n.oid, 'USAGE') AS readable,
       whole.size
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN whole ON whole.oid = c.oid
WHERE c.relkind IN ('r', 'm', 'p') AND NOT c.relispartition AND c.relpersistence <> 't'
  AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'
ORDER BY 5 DESC, 2, 3;
