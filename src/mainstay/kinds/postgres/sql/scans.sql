-- How the tables of this database have been read since their counters began: those read most by scans and from disk.
-- columns: as in work.Scans
-- versions: 13-
-- source: https://www.postgresql.org/docs/current/monitoring-stats.html, views pg_stat_all_tables and pg_statio_all_tables
WITH counted AS (
  SELECT current_database()::text AS database,
         s.schemaname::text AS schema,
         s.relname::text AS name,
         s.relid::bigint AS oid,
         pg_table_size(s.relid) AS size,
         s.seq_scan AS scans,
         s.seq_tup_read AS scanned,
         coalesce(s.idx_scan, 0) AS lookups,
         i.heap_blks_hit + coalesce(i.toast_blks_hit, 0) AS hits,
         i.heap_blks_read + coalesce(i.toast_blks_read, 0) AS reads,
         coalesce(i.idx_blks_hit, 0) + coalesce(i.tidx_blks_hit, 0) AS index_hits,
         coalesce(i.idx_blks_read, 0) + coalesce(i.tidx_blks_read, 0) AS index_reads
  FROM pg_stat_user_tables s
  JOIN pg_statio_user_tables i USING (relid)
)
SELECT database, schema, name, oid, size, scans, scanned, lookups, hits, reads, index_hits, index_reads
FROM (
  SELECT *, row_number() OVER (ORDER BY scanned DESC) AS by_scans, row_number() OVER (ORDER BY reads + index_reads DESC) AS by_reads
  FROM counted
) ranked
WHERE by_scans <= 40 OR by_reads <= 40
ORDER BY scanned DESC;
