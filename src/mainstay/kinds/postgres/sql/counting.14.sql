-- Since when statements are counted (seconds since 1970), and how often some were pushed out for want of room.
-- columns: as in counters.Counting
-- versions: 14-
-- source: https://www.postgresql.org/docs/current/pgstatstatements.html
SELECT extract(epoch FROM clock_timestamp())::float8 AS clock,
       extract(epoch FROM i.stats_reset)::float8 AS reset,
       i.dealloc AS evicted
FROM pg_stat_statements_info i;
