-- What keeps dead rows of this database from being removed, oldest first: sessions, prepared transactions and replication slots.
-- columns: as in horizon.Holder
-- versions: 13-
-- source: https://www.postgresql.org/docs/current/routine-vacuuming.html#VACUUM-FOR-WRAPAROUND, view pg_stat_activity
SELECT current_database()::text AS database, h.who, h.xids, h.age
FROM (
  SELECT format('process %s (%s)', a.pid, concat_ws(', ', a.usename, nullif(a.application_name, ''), a.state)) AS who,
         greatest(age(a.backend_xmin), age(a.backend_xid)) AS xids,
         extract(epoch FROM clock_timestamp() - a.xact_start)::float8 AS age
  FROM pg_stat_activity a
  WHERE (a.datname = current_database() OR a.backend_type = 'walsender')
    AND coalesce(a.backend_xmin, a.backend_xid) IS NOT NULL
    AND a.pid <> pg_backend_pid()
    AND NOT EXISTS (SELECT FROM pg_stat_progress_vacuum p WHERE p.pid = a.pid)
  UNION ALL
  SELECT format('prepared transaction %L', p.gid), age(p.transaction), extract(epoch FROM clock_timestamp() - p.prepared)::float8
  FROM pg_prepared_xacts p
  WHERE p.database = current_database()
  UNION ALL
  SELECT format('replication slot %s (%s)', s.slot_name, CASE WHEN s.active THEN 'active' ELSE 'inactive' END), age(s.xmin), NULL
  FROM pg_replication_slots s
  WHERE s.xmin IS NOT NULL
) h
ORDER BY h.xids DESC, h.age DESC NULLS LAST
LIMIT 10;
