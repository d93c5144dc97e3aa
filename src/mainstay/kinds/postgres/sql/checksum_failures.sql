-- Databases in which pages did not match their checksums; shared catalogs count as the database "".
-- columns: as in health.rows.ChecksumFailures
-- versions: 13-
-- source: https://www.postgresql.org/docs/current/checksums.html, view pg_stat_database
SELECT coalesce(datname, '')::text AS database,
       checksum_failures AS count,
       extract(epoch FROM clock_timestamp() - checksum_last_failure)::float8 AS newest
FROM pg_stat_database
WHERE checksum_failures > 0
ORDER BY 2 DESC
LIMIT 50;
