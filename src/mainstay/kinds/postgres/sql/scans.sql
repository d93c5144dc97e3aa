-- How the tables of this database have been read since their counters began: those read most by scans and from disk.
-- columns: as in work.Scans
-- versions: 13-
-- source: https://www.postgresql.org/docs/current/monitoring-stats.html, views pg_stat_all_tables and pg_statio_all_tables
WITH locked AS (  -- opening these would wait; a prepared transaction has no pid
  SELECT DISTINCT relation FROM pg_locks
  WHERE locktype = 'relation' AND mode = 'AccessExclusiveLock' AND pid IS DISTINCT FROM pg_backend_pid()
    AND database IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
), sized AS (
  SELECT r.oid, CASE WHEN l.relation IS NULL THEN pg_relation_size(r.oid) ELSE r.relpages * current_setting('block_size')::bigint END AS size
  FROM pg_class r LEFT JOIN locked l ON l.relation = r.oid
  WHERE r.relkind IN ('r', 'm', 't', 'i')
), counted AS (
  SELECT current_database()::text AS database,
         s.schemaname::text AS schema,
         s.relname::text AS name,
         s.relid::bigint AS oid,
         size.size + coalesce(toast.size + keys.size, 0) AS size,
         s.seq_scan AS scans,
         s.seq_tup_read AS scanned,
         coalesce(s.idx_scan, 0) AS lookups,
         i.heap_blks_hit + coalesce(i.toast_blks_hit, 0) AS hits,
         i.heap_blks_read + coalesce(i.toast_blks_read, 0) AS reads,
         coalesce(i.idx_blks_hit, 0) + coalesce(i.tidx_blks_hit, 0) AS index_hits,
         coalesce(i.idx_blks_read, 0) + coalesce(i.tidx_blks_read, 0) AS index_reads
  FROM pg_stat_user_tables s
  JOIN pg_statio_user_tables i USING (relid)
  JOIN pg_class c ON c.oid = s.relid
  JOIN sized size ON size.oid = c.oid AND size.size IS NOT NULL  -- NULL: dropped meanwhile
  LEFT JOIN sized toast ON toast.oid = c.reltoastrelid
  LEFT JOIN pg_index ti ON ti.indrelid = toast.oid AND ti.indisvalid
  LEFT JOIN sized keys ON keys.oid = ti.indexrelid
)
SELECT database, schema, name, oid, size, scans, scanned, lookups, hits, reads, index_hits, index_reads
FROM (
  SELECT *, row_number() OVER (ORDER BY scanned DESC) AS by_scans, row_number() OVER (ORDER BY reads + index_reads DESC) AS by_reads
  FROM counted
) ranked
WHERE by_scans <= 40 OR by_reads <= 40
ORDER BY scanned DESC;
