-- Whether this database has pg_stat_statements, and whether the server counts: `room` is 0 when its library is not loaded.
-- columns: as in counters.CountedBy
-- versions: 13-
-- source: https://www.postgresql.org/docs/current/pgstatstatements.html
SELECT current_database()::text AS database,
       EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_stat_statements') AS installed,
       coalesce(current_setting('pg_stat_statements.max', true), '0')::int AS room;
