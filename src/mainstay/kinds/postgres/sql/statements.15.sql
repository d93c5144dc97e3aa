-- What each statement has taken since its counters began: those that took most in all, per call, by variance, on disk and in I/O.
-- columns: as in counters.Counters
-- versions: 15-16
-- source: https://www.postgresql.org/docs/current/pgstatstatements.html
WITH counted AS (
  SELECT coalesce(d.datname, '')::text AS database,
         coalesce(pg_get_userbyid(s.userid), '')::text AS role,
         concat_ws('/', s.dbid, s.userid, s.queryid, s.toplevel) AS key,
         left(s.query, 4000) AS query,
         NULL::float8 AS since,
         s.calls,
         s.total_exec_time / 1000 AS total,
         s.calls * (s.mean_exec_time ^ 2 + s.stddev_exec_time ^ 2) / 1000000 AS squares,
         s.temp_blks_written * b.size AS temp,
         s.shared_blks_read * b.size AS read,
         (s.blk_read_time + s.blk_write_time + s.temp_blk_read_time + s.temp_blk_write_time) / 1000 AS io
  FROM pg_stat_statements s
  LEFT JOIN pg_database d ON d.oid = s.dbid
  CROSS JOIN (SELECT current_setting('block_size')::bigint AS size) b
  WHERE s.calls > 0
), ranked AS (
  SELECT *,
         row_number() OVER (ORDER BY total DESC) AS by_total,
         row_number() OVER (ORDER BY total / calls DESC) AS by_mean,
         row_number() OVER (ORDER BY squares / calls - (total / calls) ^ 2 DESC) AS by_variance,
         row_number() OVER (ORDER BY temp DESC) AS by_temp,
         row_number() OVER (ORDER BY read DESC) AS by_read
  FROM counted
)
SELECT database, role, key, query, since, calls, total, squares, temp, read, io
FROM ranked
WHERE by_total <= 300 OR by_mean <= 30 OR by_variance <= 30 OR (by_temp <= 30 AND temp > 0) OR (by_read <= 30 AND read > 0)
ORDER BY by_total;
