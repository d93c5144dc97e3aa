-- The open transactions that hold a table of `mainstay.only`, oldest first; without that setting, any table of users.
-- columns: as in holding.TableHolder
-- versions: 13-
-- source: https://www.postgresql.org/docs/current/view-pg-locks.html
SELECT l.relation::bigint AS oid,
       format('process %s (%s)', a.pid, concat_ws(', ', a.usename, nullif(a.application_name, ''), coalesce(a.state, a.backend_type))) AS who,
       extract(epoch FROM clock_timestamp() - a.xact_start)::float8 AS age
FROM pg_locks l
JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'relation'
  AND l.granted
  AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
  AND a.pid <> pg_backend_pid()
  AND l.relation >= 16384
  AND coalesce(l.relation = ANY (nullif(nullif(current_setting('mainstay.only', true), ''), '{}')::oid[]), true)
UNION
SELECT l.relation::bigint, format('prepared transaction %L', p.gid), extract(epoch FROM clock_timestamp() - p.prepared)::float8
FROM pg_locks l
JOIN pg_prepared_xacts p ON l.virtualtransaction = '-1/' || p.transaction
WHERE l.locktype = 'relation'
  AND p.database = current_database()
  AND l.relation >= 16384
  AND coalesce(l.relation = ANY (nullif(nullif(current_setting('mainstay.only', true), ''), '{}')::oid[]), true)
ORDER BY 3 DESC NULLS LAST, 2;
