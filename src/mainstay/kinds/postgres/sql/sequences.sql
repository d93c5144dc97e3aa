-- How much of each sequence is used, as a part of what it and the integer column that it fills can hold; the fullest first.
-- columns: as in health.rows.Sequence
-- versions: 13-
-- source: https://www.postgresql.org/docs/current/catalog-pg-sequence.html, https://www.postgresql.org/docs/current/catalog-pg-depend.html
WITH closed AS (  -- asking these sequences would wait
  SELECT relation FROM pg_locks
  WHERE locktype = 'relation' AND pid IS DISTINCT FROM pg_backend_pid()
    AND mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
), filled AS (
  -- owned by a column (serial, identity), or named in the default of one
  SELECT DISTINCT ON (f.seq) f.seq, a.attrelid, a.attname, a.atttypid
  FROM (
    SELECT d.objid AS seq, d.refobjid AS rel, d.refobjsubid AS col
    FROM pg_depend d
    WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0
    UNION
    SELECT d.refobjid, f.adrelid, f.adnum
    FROM pg_depend d
    JOIN pg_attrdef f ON f.oid = d.objid
    WHERE d.classid = 'pg_attrdef'::regclass AND d.refclassid = 'pg_class'::regclass
  ) f
  JOIN pg_attribute a ON a.attrelid = f.rel AND a.attnum = f.col
  -- the narrowest of several columns ends first
  ORDER BY f.seq, CASE a.atttypid WHEN 'int2'::regtype THEN 1 WHEN 'int4'::regtype THEN 2 ELSE 3 END
),
bounded AS (
  SELECT s.seqrelid, n.nspname, c.relname, f.attrelid, f.attname, f.atttypid, s.seqincrement,
         greatest(s.seqmin, CASE f.atttypid WHEN 'int2'::regtype THEN -32768 WHEN 'int4'::regtype THEN -2147483648 ELSE s.seqmin END) AS low,
         least(s.seqmax, CASE f.atttypid WHEN 'int2'::regtype THEN 32767 WHEN 'int4'::regtype THEN 2147483647 ELSE s.seqmax END) AS high,
         CASE WHEN has_sequence_privilege(s.seqrelid, 'SELECT, USAGE') AND NOT (c.relpersistence = 'u' AND pg_is_in_recovery())
              THEN pg_sequence_last_value(s.seqrelid) END AS value,
         has_sequence_privilege(s.seqrelid, 'SELECT, USAGE') AS readable
  FROM pg_sequence s
  JOIN pg_class c ON c.oid = s.seqrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN filled f ON f.seq = s.seqrelid
  WHERE NOT s.seqcycle AND c.relpersistence <> 't' AND s.seqrelid NOT IN (SELECT relation FROM closed)
)
SELECT current_database()::text AS database,
       b.nspname::text AS schema,
       b.relname::text AS name,
       coalesce(t.nspname, '')::text AS table_schema,
       coalesce(r.relname, '')::text AS "table",
       coalesce(b.attname, '')::text AS "column",
       coalesce(format_type(b.atttypid, NULL), '') AS type,
       count(*) FILTER (WHERE NOT b.readable) OVER () AS unreadable,
       coalesce(b.value, 0) AS value,
       CASE WHEN b.seqincrement > 0 THEN b.high ELSE b.low END AS last,
       CASE WHEN b.value IS NULL THEN 0
            WHEN b.seqincrement > 0 THEN (b.value::numeric - b.low) / greatest(b.high::numeric - b.low, 1)
            ELSE (b.high - b.value::numeric) / greatest(b.high::numeric - b.low, 1) END::float8 AS used
FROM bounded b
LEFT JOIN pg_class r ON r.oid = b.attrelid
LEFT JOIN pg_namespace t ON t.oid = r.relnamespace
ORDER BY used DESC, 2, 3
LIMIT 200;
