-- How many client connections there are, by state, and how many there may be.
-- columns: as in health.rows.Capacity
-- versions: 13-
-- source: https://www.postgresql.org/docs/current/runtime-config-connection.html, view pg_stat_activity
SELECT current_setting('max_connections')::int AS most,
       current_setting('superuser_reserved_connections')::int
         + coalesce(current_setting('reserved_connections', true)::int, 0) AS reserved,
       count(*) AS used,
       count(*) FILTER (WHERE a.state = 'active') AS active,
       count(*) FILTER (WHERE a.state = 'idle') AS idle,
       count(*) FILTER (WHERE a.state LIKE 'idle in transaction%') AS idle_in_transaction,
       count(*) FILTER (WHERE a.state IS NULL) AS hidden
FROM pg_stat_activity a
-- the kind of another role's backend is not shown to everybody; what serves no client has no database or is led by another
WHERE coalesce(a.backend_type, 'client backend') = 'client backend' AND a.datid IS NOT NULL AND a.leader_pid IS NULL;
