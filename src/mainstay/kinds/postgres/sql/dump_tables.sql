-- Every table whose rows a dump copies or counts: plain ones, partitions and children; of extensions those that they declare as configuration.
-- columns: as in store.catalog.DumpedTable
-- versions: 13-
-- source: https://www.postgresql.org/docs/current/app-pgdump.html, getTables and processExtensionTables in pg_dump.c
WITH locked AS (  -- measuring these would wait; a prepared transaction has no pid
  SELECT DISTINCT relation FROM pg_locks
  WHERE locktype = 'relation' AND mode = 'AccessExclusiveLock' AND pid IS DISTINCT FROM pg_backend_pid()
    AND database IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
)
SELECT n.nspname::text AS schema,
       c.relname::text AS name,
       format('%I.%I', n.nspname, c.relname) AS quoted,
       ARRAY(SELECT a.attname::text FROM pg_attribute a  -- what is generated is made again
             WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' ORDER BY a.attnum) AS stored,
       ARRAY(SELECT a.attname::text FROM pg_attribute a  -- by name: a child's columns may come back in another order
             WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attname::text COLLATE "C") AS columns,
       ARRAY(SELECT CASE WHEN a.atttypid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype) THEN 'integer'
                         WHEN a.atttypid IN ('text'::regtype, 'varchar'::regtype) THEN 'text' ELSE 'other' END
             FROM pg_attribute a
             WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attname::text COLLATE "C") AS types,
       ARRAY(SELECT x.relname::text FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid WHERE i.indrelid = c.oid ORDER BY 1) AS indexes,
       CASE WHEN c.oid IN (SELECT relation FROM locked) THEN c.relpages * current_setting('block_size')::bigint
            ELSE coalesce(pg_relation_size(c.oid), 0)
              + CASE WHEN c.reltoastrelid <> 0 THEN coalesce(pg_relation_size(c.reltoastrelid), 0) ELSE 0 END END AS size,
       e.config IS NULL AS streamed,
       coalesce(e.config, '') AS condition
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN LATERAL (
  SELECT coalesce(x.extcondition[array_position(x.extconfig, c.oid)], '') AS config, c.oid = ANY (x.extconfig) AS listed
  FROM pg_depend d JOIN pg_extension x ON x.oid = d.refobjid
  WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
) e ON true
WHERE c.relkind = 'r'
  AND (c.relpersistence = 'p' OR c.relpersistence = 'u' AND NOT pg_is_in_recovery())
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND coalesce(e.listed, true)
ORDER BY 1, 2;
