-- What decides how a table can be made smaller: its keys, and whatever an update that changes nothing would set off.
-- columns: as in compactable.Compactable
-- versions: 13-
-- source: https://www.postgresql.org/docs/current/catalog-pg-trigger.html, https://reorg.github.io/pg_repack/
WITH wanted AS (
  SELECT c.*, n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'm') AND c.relpersistence <> 't' AND n.nspname !~ '^pg_toast|^pg_temp_'
    AND coalesce(c.oid = ANY (nullif(nullif(current_setting('mainstay.only', true), ''), '{}')::oid[]), true)
), usable AS (  -- a column that may be set to itself: in no list of a trigger, no base of a generated column; narrow ones first
  SELECT DISTINCT ON (a.attrelid) a.attrelid, a.attnum, a.attname
  FROM pg_attribute a
  WHERE a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' AND a.attidentity <> 'a'
    AND a.attrelid IN (SELECT oid FROM wanted)
  ORDER BY a.attrelid,
    EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = a.attrelid AND a.attnum = ANY (t.tgattr::int2[])),
    EXISTS (SELECT FROM pg_depend d JOIN pg_attrdef f ON d.classid = 'pg_attrdef'::regclass AND d.objid = f.oid
            JOIN pg_attribute g ON g.attrelid = f.adrelid AND g.attnum = f.adnum AND g.attgenerated <> ''
            WHERE d.refobjid = a.attrelid AND d.refobjsubid = a.attnum AND f.adrelid = a.attrelid),
    a.attlen < 0, a.attlen, a.attnum
), values_out_of_line AS (
  SELECT a.attrelid, array_agg(a.attname::text ORDER BY a.attnum) FILTER (WHERE t.typcategory <> 'A') AS wide,
         array_agg(a.attname::text ORDER BY a.attnum) FILTER (WHERE t.typcategory = 'A') AS arrays
  FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
  WHERE a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' AND a.attstorage <> 'p' AND a.attidentity = ''
  GROUP BY 1
), fired AS (  -- by an update of that column; "replica" are those that fire even when replication is told to apply it
  SELECT t.tgrelid, array_agg(t.tgname::text ORDER BY t.tgname) FILTER (WHERE t.tgenabled IN ('O', 'A')) AS origin,
         array_agg(t.tgname::text ORDER BY t.tgname) FILTER (WHERE t.tgenabled IN ('R', 'A')) AS replica
  FROM pg_trigger t LEFT JOIN usable u ON u.attrelid = t.tgrelid
  WHERE NOT t.tgisinternal AND t.tgname <> 'repack_trigger' AND t.tgtype & 16 > 0
    AND (cardinality(t.tgattr::int2[]) = 0 OR u.attnum = ANY (t.tgattr::int2[]))
  GROUP BY 1
), ruled AS (
  SELECT r.ev_class, array_agg(r.rulename::text) FILTER (WHERE r.ev_enabled IN ('O', 'A')) AS origin,
         array_agg(r.rulename::text) FILTER (WHERE r.ev_enabled IN ('R', 'A')) AS replica
  FROM pg_rewrite r WHERE r.ev_type = '2' GROUP BY 1
), published AS (  -- by itself, with a table that it is a part of, or with its schema (15); pg_publication_tables would wait for locks
  SELECT w.oid, array_agg(DISTINCT p.pubname::text ORDER BY p.pubname::text) AS names
  FROM wanted w
  CROSS JOIN LATERAL (SELECT w.oid UNION SELECT relid FROM pg_partition_ancestors(w.oid)) a(oid)
  JOIN pg_class c ON c.oid = a.oid
  JOIN pg_publication p ON p.puballtables
    OR EXISTS (SELECT FROM pg_publication_rel r WHERE r.prpubid = p.oid AND r.prrelid = c.oid)
    OR EXISTS (SELECT FROM pg_depend d JOIN pg_depend s USING (classid, objid)
               WHERE d.classid = to_regclass('pg_publication_namespace') AND d.refclassid = 'pg_publication'::regclass AND d.refobjid = p.oid
                 AND s.refclassid = 'pg_namespace'::regclass AND s.refobjid = c.relnamespace)
  WHERE w.relkind = 'r' AND w.relpersistence = 'p' AND w.oid >= 16384
  GROUP BY 1
), left_over AS (  -- what a pg_repack that was ended has left
  SELECT w.oid, array_agg(x.what ORDER BY x.what) AS names
  FROM wanted w, LATERAL (
    SELECT 'trigger repack_trigger' AS what FROM pg_trigger t WHERE t.tgrelid = w.oid AND t.tgname = 'repack_trigger'
    UNION ALL
    SELECT 'table repack.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = 'repack' AND c.relkind = 'r' AND c.relname IN ('log_' || w.oid, 'table_' || w.oid)
    UNION ALL
    SELECT 'type repack.' || t.typname FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
    WHERE n.nspname = 'repack' AND t.typname = 'pk_' || w.oid
  ) x GROUP BY 1
)
SELECT current_database()::text AS database,
       w.nspname::text AS schema,
       w.relname::text AS name,
       w.oid::bigint AS oid,
       format('%I.%I', w.nspname, w.relname) AS quoted,
       pg_get_userbyid(w.relowner)::text AS owner,
       pg_has_role(w.relowner, 'USAGE') AS owned,
       w.relkind::text AS kind,
       w.relpersistence::text AS persistence,
       w.oid < 16384 AS system,
       coalesce(pg_relation_filenode(w.oid), 0)::bigint AS filenode,
       EXISTS (
         SELECT FROM pg_index i
         WHERE i.indrelid = w.oid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND 0 <> ALL (i.indkey::int2[])
           AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = w.oid AND a.attnum = ANY (i.indkey::int2[]) AND NOT a.attnotnull)
       ) AS key,
       EXISTS (
         SELECT FROM pg_index i
         WHERE i.indrelid = w.oid AND i.indisvalid AND i.indimmediate
           AND CASE w.relreplident WHEN 'd' THEN i.indisprimary WHEN 'i' THEN i.indisreplident END
       ) AS identity,
       coalesce(u.attname, '')::text AS "column",
       coalesce(v.wide, '{}') AS wide,
       coalesce(v.arrays, '{}') AS arrays,
       coalesce((
         SELECT x.relname::text FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
         WHERE i.indrelid = w.reltoastrelid AND i.indisvalid AND has_schema_privilege(x.relnamespace, 'USAGE')
       ), '') AS toast_index,
       coalesce(f.origin, '{}') || coalesce(r.origin, '{}') AS fires,
       coalesce(f.replica, '{}') || coalesce(r.replica, '{}') AS fires_always,
       ARRAY(SELECT k.conname::text FROM pg_constraint k WHERE k.conrelid = w.oid AND k.contype IN ('c', 'n') AND NOT k.convalidated) AS unproven,
       coalesce(p.names, '{}') AS publications,
       row_security_active(w.oid) AS row_security,
       EXISTS (
         SELECT FROM pg_locks l
         WHERE l.locktype = 'advisory' AND l.classid = 16185446 AND l.objid::bigint = (w.oid::bigint + 2147483648) % 4294967296
           AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
       ) AS repacking,
       coalesce(o.names, '{}') AS leftovers,
       coalesce(pg_tablespace_location(w.reltablespace), '') AS tablespace
FROM wanted w
LEFT JOIN usable u ON u.attrelid = w.oid
LEFT JOIN values_out_of_line v ON v.attrelid = w.oid
LEFT JOIN fired f ON f.tgrelid = w.oid
LEFT JOIN ruled r ON r.ev_class = w.oid AND w.relkind = 'r'
LEFT JOIN published p ON p.oid = w.oid
LEFT JOIN left_over o ON o.oid = w.oid
ORDER BY 2, 3;
