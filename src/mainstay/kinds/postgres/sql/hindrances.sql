-- What a dump of this database waits for, or what keeps its snapshot old: open transactions, and locks that readers wait for.
-- columns: as in store.hindrances.Hindering
-- versions: 13-
-- source: https://www.postgresql.org/docs/current/explicit-locking.html, views pg_locks and pg_stat_activity
SELECT coalesce(a.pid, 0) AS pid,
       coalesce(a.usename, '')::text AS "user",
       coalesce(a.application_name, '') AS application,
       coalesce(l.held, '') AS locked,
       extract(epoch FROM clock_timestamp() - coalesce(a.xact_start, p.prepared))::float8 AS age
FROM pg_stat_activity a
FULL JOIN (SELECT gid, transaction, prepared FROM pg_prepared_xacts WHERE database = current_database()) p ON false
LEFT JOIN LATERAL (
  SELECT string_agg(DISTINCT n.nspname || '.' || c.relname, ', ' ORDER BY n.nspname || '.' || c.relname) AS held
  FROM pg_locks k
  JOIN pg_class c ON c.oid = k.relation
  JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE k.granted AND k.locktype = 'relation' AND k.mode = 'AccessExclusiveLock' AND c.relkind IN ('r', 'm', 'p')
    AND k.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND (k.pid = a.pid OR (k.pid IS NULL AND p.transaction IS NOT NULL
                           AND k.virtualtransaction = '-1/' || p.transaction))
) l ON true
WHERE (p.gid IS NOT NULL OR (a.xact_start IS NOT NULL AND a.datname = current_database()))
  AND a.pid IS DISTINCT FROM pg_backend_pid()
  AND coalesce(a.backend_type, 'client backend') = 'client backend'
  AND coalesce(a.application_name, '') !~ '^mainstay'
ORDER BY coalesce(a.xact_start, p.prepared)
LIMIT 100;
