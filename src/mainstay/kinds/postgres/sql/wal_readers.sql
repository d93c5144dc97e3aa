-- Physical replication slots, and how far the reader of each has come.
-- columns: as in recovery.facts.Reader
-- versions: 13-
-- source: https://www.postgresql.org/docs/current/view-pg-replication-slots.html and monitoring-stats.html, view pg_stat_replication
SELECT s.slot_name::text AS slot,
       s.active,
       coalesce(s.wal_status, '') AS status,
       coalesce(s.restart_lsn::text, '') AS restart,
       coalesce(r.write_lsn::text, '') AS written,
       coalesce(r.flush_lsn::text, '') AS flushed
FROM pg_replication_slots s
LEFT JOIN pg_stat_replication r ON r.pid = s.active_pid
WHERE s.slot_type = 'physical' AND NOT s.temporary
ORDER BY 1;
