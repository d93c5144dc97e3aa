-- Replication slots, and how much write-ahead log each of them keeps the server from removing.
-- columns: as in health.rows.Slot
-- versions: 13-
-- source: https://www.postgresql.org/docs/current/view-pg-replication-slots.html
SELECT s.slot_name::text AS name,
       s.slot_type AS type,
       coalesce(s.database, '')::text AS database,
       s.active,
       coalesce(s.wal_status, '') AS status,
       coalesce(pg_wal_lsn_diff(
         CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END, s.restart_lsn), 0)::bigint AS retained,
       age(s.xmin) AS xids,
       age(s.catalog_xmin) AS catalog_xids
FROM pg_replication_slots s
-- version 17 copies slots of the primary to its standbys, where nobody uses them
WHERE NOT s.temporary AND (to_jsonb(s) ->> 'synced')::boolean IS NOT TRUE
ORDER BY 6 DESC
LIMIT 50;
