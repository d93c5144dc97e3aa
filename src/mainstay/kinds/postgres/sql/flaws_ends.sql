-- How much of their numbers the sequences, and the integer keys that no sequence fills, have used up.
-- columns: as in flaws.EndFlaw
-- versions: 13-
-- source: https://www.postgresql.org/docs/current/view-pg-sequences.html, view pg_stats (the largest value seen by ANALYZE)
WITH locked AS (  -- opening these would wait; a prepared transaction has no pid
  SELECT DISTINCT relation FROM pg_locks
  WHERE locktype = 'relation' AND mode = 'AccessExclusiveLock' AND pid IS DISTINCT FROM pg_backend_pid()
    AND database IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
), sized AS (
  SELECT r.oid, CASE WHEN l.relation IS NULL THEN pg_relation_size(r.oid) ELSE r.relpages * current_setting('block_size')::bigint END AS size
  FROM pg_class r LEFT JOIN locked l ON l.relation = r.oid
  WHERE r.relkind = 'r'
), closed AS (  -- asking these sequences would wait
  SELECT relation FROM pg_locks
  WHERE locktype = 'relation' AND pid IS DISTINCT FROM pg_backend_pid()
    AND mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
), limits(type, most, wider) AS (
  VALUES ('int2'::regtype::oid, 32767::numeric, 'integer'), ('int4'::regtype::oid, 2147483647, 'bigint'),
         ('int8'::regtype::oid, 9223372036854775807, 'numeric')
),
owned AS (
  SELECT d.objid AS sequence, d.refobjid AS relation, d.refobjsubid AS number
  FROM pg_depend d
  WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0
),
counted AS (
  SELECT q.oid, n.nspname AS schemaname, q.relname AS sequencename, s.seqmax AS max_value, pg_sequence_last_value(q.oid) AS last_value
  FROM pg_sequence s
  JOIN pg_class q ON q.oid = s.seqrelid AND q.relpersistence <> 't' AND NOT (q.relpersistence = 'u' AND pg_is_in_recovery())
  JOIN pg_namespace n ON n.oid = q.relnamespace
  WHERE s.seqincrement > 0 AND NOT s.seqcycle AND has_sequence_privilege(s.seqrelid, 'SELECT, USAGE')
    AND q.oid NOT IN (SELECT relation FROM closed)
)
SELECT current_database()::text AS database, 'numbers end' AS rule,
       coalesce(tn.nspname, s.schemaname)::text AS schema, coalesce(c.relname, s.sequencename)::text AS "table",
       coalesce(a.attname, s.sequencename)::text AS part,
       format('sequence %I.%I is at %s of %s', s.schemaname, s.sequencename, s.last_value, least(s.max_value, l.most)) AS detail,
       (s.last_value / least(s.max_value, l.most))::float8 AS value, coalesce(size.size, 0) AS size,
       format('ALTER SEQUENCE %I.%I AS bigint MAXVALUE 9223372036854775807', s.schemaname, s.sequencename)
         || CASE WHEN c.oid IS NULL THEN '' ELSE format('; ALTER TABLE %I.%I ALTER COLUMN %I TYPE bigint  -- rewrites it', tn.nspname, c.relname, a.attname) END AS statement
FROM counted s
LEFT JOIN owned o ON o.sequence = s.oid
LEFT JOIN pg_class c ON c.oid = o.relation
LEFT JOIN sized size ON size.oid = c.oid
LEFT JOIN pg_namespace tn ON tn.oid = c.relnamespace
LEFT JOIN pg_attribute a ON a.attrelid = o.relation AND a.attnum = o.number
LEFT JOIN limits l ON l.type = a.atttypid
WHERE s.last_value IS NOT NULL
UNION ALL
SELECT current_database(), 'numbers end', n.nspname, c.relname, a.attname,
       format('the largest %I seen is %s of %s', a.attname, v.largest, l.most), (v.largest / l.most)::float8, coalesce(size.size, 0),
       format('ALTER TABLE %I.%I ALTER COLUMN %I TYPE %s  -- rewrites it', n.nspname, c.relname, a.attname, l.wider)
FROM pg_index x
JOIN pg_class c ON c.oid = x.indrelid
LEFT JOIN sized size ON size.oid = c.oid
JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname NOT IN ('pg_catalog', 'pg_toast', 'information_schema')
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (x.indkey) AND a.atttypid IN ('int2'::regtype, 'int4'::regtype)
JOIN limits l ON l.type = a.atttypid
JOIN pg_stats p ON p.schemaname = n.nspname AND p.tablename = c.relname AND p.attname = a.attname AND NOT p.inherited
CROSS JOIN LATERAL (SELECT max(b::numeric) AS largest FROM unnest(p.histogram_bounds::text::text[]) b) v
WHERE x.indisprimary AND v.largest > 0 AND NOT EXISTS (SELECT FROM owned o WHERE o.relation = c.oid AND o.number = a.attnum)
ORDER BY value DESC, schema, "table", part;
