-- What amcheck can look at: valid b-tree indexes and, from version 14 on, tables; with what this database and role lack for it.
-- columns: as in soundness.Checkable
-- versions: 13-
-- source: https://www.postgresql.org/docs/current/amcheck.html
WITH locked AS (  -- opening these would wait; a prepared transaction has no pid
  SELECT DISTINCT relation FROM pg_locks
  WHERE locktype = 'relation' AND mode = 'AccessExclusiveLock' AND pid IS DISTINCT FROM pg_backend_pid()
    AND database IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
), sized AS (
  SELECT r.oid, CASE WHEN l.relation IS NULL THEN pg_relation_size(r.oid) ELSE r.relpages * current_setting('block_size')::bigint END AS size
  FROM pg_class r LEFT JOIN locked l ON l.relation = r.oid
  WHERE r.relkind IN ('r', 'm', 't', 'i')
)
SELECT current_database()::text AS database,
       n.nspname::text AS schema,
       c.relname::text AS name,
       c.oid::bigint AS oid,
       CASE c.relkind WHEN 'i' THEN 'index' ELSE 'table' END AS kind,
       coalesce(t.relname, c.relname)::text AS "table",
       size.size,
       format('%I.%I', n.nspname, c.relname) AS quoted,
       coalesce(x.allowed, false) AS allowed,
       EXISTS (SELECT FROM pg_extension WHERE extname = 'amcheck') AS installed
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN sized size ON size.oid = c.oid AND size.size IS NOT NULL  -- NULL: dropped meanwhile
LEFT JOIN pg_index i ON i.indexrelid = c.oid
LEFT JOIN pg_class t ON t.oid = i.indrelid
LEFT JOIN LATERAL (
  SELECT bool_and(has_function_privilege(p.oid, 'EXECUTE')) AS allowed
  FROM pg_extension e
  JOIN pg_depend d ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND d.classid = 'pg_proc'::regclass
  JOIN pg_proc p ON p.oid = d.objid
  WHERE e.extname = 'amcheck' AND p.proname = CASE c.relkind WHEN 'i' THEN 'bt_index_check' ELSE 'verify_heapam' END
) x ON true
WHERE c.relpersistence <> 't'
  AND n.nspname !~ '^pg_temp_|^pg_toast_temp_'
  AND (c.relkind = 'i' AND c.relam = 403 AND i.indisvalid AND i.indisready
       OR c.relkind IN ('r', 'm', 't') AND c.relam = 2 AND current_setting('server_version_num')::int >= 140000)
ORDER BY 2, 3;
