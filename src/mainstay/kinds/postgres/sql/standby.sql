-- How far this standby is behind its primary: no row on a primary.
-- columns: as in health.rows.Standby
-- versions: 13-
-- source: https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-RECOVERY-CONTROL
SELECT EXISTS (SELECT FROM pg_stat_wal_receiver) AS receiving,
       EXISTS (SELECT FROM pg_settings WHERE name = 'primary_conninfo' AND setting <> '') AS streams,
       pg_is_wal_replay_paused() AS paused,
       -- all that was received is replayed: the age of the last transaction only says that nothing was written
       CASE WHEN pg_last_wal_receive_lsn() <= pg_last_wal_replay_lsn() THEN 0
            ELSE extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()) END::float8 AS lag
WHERE pg_is_in_recovery();
