-- Since when statements are counted (seconds since 1970), and how often some were pushed out for want of room.
-- columns: as in counters.Counting
-- versions: 13
-- source: https://www.postgresql.org/docs/current/pgstatstatements.html
SELECT extract(epoch FROM clock_timestamp())::float8 AS clock,
       NULL::float8 AS reset,
       0::bigint AS evicted;
