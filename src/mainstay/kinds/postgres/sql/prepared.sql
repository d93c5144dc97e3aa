-- Prepared transactions: they hold their locks and keep dead rows until somebody commits them or rolls them back.
-- columns: as in health.rows.Prepared
-- versions: 13-
-- source: https://www.postgresql.org/docs/current/view-pg-prepared-xacts.html
SELECT gid,
       database::text AS database,
       owner::text AS owner,
       extract(epoch FROM clock_timestamp() - prepared)::float8 AS age,
       age(transaction) AS xids
FROM pg_prepared_xacts
ORDER BY prepared
LIMIT 50;
