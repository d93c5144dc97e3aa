-- The age of the oldest transaction and multixact of each database, templates included; the oldest first.
-- columns: as in health.rows.Age
-- versions: 13-
-- source: https://www.postgresql.org/docs/current/routine-vacuuming.html#VACUUM-FOR-WRAPAROUND
SELECT datname::text AS database,
       age(datfrozenxid) AS xids,
       mxid_age(datminmxid) AS mxids,
       datallowconn AS connectable
FROM pg_database
ORDER BY greatest(age(datfrozenxid), mxid_age(datminmxid)) DESC
LIMIT 50;
