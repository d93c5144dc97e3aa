-- How many large objects there are, and how many of them no column of type oid or lo names (`unread` such columns are closed to this role or locked).
-- columns: as in orphan_rules.LargeObjects
-- versions: 13-
-- source: https://www.postgresql.org/docs/current/vacuumlo.html
WITH locked AS (  -- opening these would wait; a prepared transaction has no pid
  SELECT DISTINCT relation FROM pg_locks
  WHERE locktype = 'relation' AND mode = 'AccessExclusiveLock' AND pid IS DISTINCT FROM pg_backend_pid()
    AND database IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
), candidates AS (
  SELECT n.nspname, c.relname, a.attname, has_table_privilege(c.oid, 'SELECT') AND c.oid NOT IN (SELECT relation FROM locked) AS readable
  FROM pg_attribute a
  JOIN pg_class c ON c.oid = a.attrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_type t ON t.oid = a.atttypid
  WHERE c.relkind IN ('r', 'm') AND c.relpersistence <> 't' AND a.attnum > 0 AND NOT a.attisdropped
    AND (t.typname IN ('oid', 'lo') OR t.typbasetype = 'oid'::regtype)
    AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
)
SELECT current_database()::text AS database,
       (SELECT count(*) FROM pg_largeobject_metadata) AS total,
       substring(query_to_xml(
         'SELECT count(*) AS n FROM pg_largeobject_metadata m WHERE true'
         || coalesce(string_agg(format(' AND NOT EXISTS (SELECT FROM %I.%I c WHERE c.%I::oid = m.oid)', nspname, relname, attname), '')
                     FILTER (WHERE readable), ''), false, false, '')::text FROM '<n>(\d+)</n>')::bigint AS unreferenced,
       count(*) FILTER (WHERE NOT readable) AS unread
FROM candidates;
