-- The database of the connection: how it was made, what belongs to it outside of it, and what it needs of a server.
-- columns: as in store.catalog.Origin
-- versions: 13-
-- source: https://www.postgresql.org/docs/current/catalog-pg-database.html, dumpDatabase in pg_dump.c
-- note: columns that are newer than the server are looked up by name in the row as JSON
WITH here AS (
  SELECT d.*, to_jsonb(d) AS made FROM pg_database d WHERE d.datname = current_database()
), owned AS (
  SELECT 'pg_class'::regclass AS class, oid, relowner AS owner FROM pg_class
  UNION ALL SELECT 'pg_proc'::regclass, oid, proowner FROM pg_proc
  UNION ALL SELECT 'pg_type'::regclass, oid, typowner FROM pg_type
  UNION ALL SELECT 'pg_namespace'::regclass, oid, nspowner FROM pg_namespace
  UNION ALL SELECT 'pg_event_trigger'::regclass, oid, evtowner FROM pg_event_trigger
), wanted AS (
  SELECT s.refobjid AS role FROM pg_shdepend s, here WHERE s.dbid = here.oid AND s.refclassid = 'pg_authid'::regclass
  UNION SELECT here.datdba FROM here
  UNION SELECT a.grantee FROM here, aclexplode(here.datacl) a
  UNION SELECT s.setrole FROM pg_db_role_setting s, here WHERE s.setdatabase = here.oid
  UNION SELECT o.owner FROM owned o  -- dependencies on the first superuser are not recorded
  WHERE o.owner = 10 AND o.oid >= 16384
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = o.class AND d.objid = o.oid AND d.deptype = 'e')
)
SELECT here.datname::text AS name,
       pg_get_userbyid(here.datdba)::text AS owner,
       pg_encoding_to_char(here.encoding)::text AS encoding,
       here.datcollate::text AS collate,
       here.datctype::text AS ctype,
       coalesce(here.made ->> 'datlocprovider', 'c') AS provider,
       coalesce(here.made ->> 'datlocale', here.made ->> 'daticulocale', '') AS locale,
       coalesce(here.made ->> 'daticurules', '') AS rules,
       coalesce(here.made ->> 'datcollversion', '') AS collation_version,
       current_setting('data_checksums') AS checksums,
       current_setting('server_version') AS version,
       current_setting('server_version_num')::int AS version_number,
       here.datconnlimit AS connection_limit,
       coalesce(shobj_description(here.oid, 'pg_database'), '') AS comment,
       here.datacl IS NOT NULL AS granted,
       coalesce((SELECT jsonb_agg(jsonb_build_array(CASE a.grantee WHEN 0 THEN '' ELSE pg_get_userbyid(a.grantee)::text END,
                                                    a.privilege_type, a.is_grantable))
                 FROM aclexplode(here.datacl) a), '[]') AS grants,
       coalesce((SELECT jsonb_agg(jsonb_build_array(CASE s.setrole WHEN 0 THEN '' ELSE pg_get_userbyid(s.setrole)::text END,
                                                    split_part(one, '=', 1), substring(one FROM position('=' IN one) + 1)))
                 FROM pg_db_role_setting s, unnest(s.setconfig) one
                 WHERE s.setdatabase = here.oid AND one !~ '^mainstay\.'), '[]') AS settings,
       ARRAY(SELECT r.rolname::text FROM wanted w JOIN pg_roles r ON r.oid = w.role ORDER BY 1) AS roles,
       ARRAY(SELECT DISTINCT t.spcname::text FROM pg_class c JOIN pg_tablespace t ON t.oid = c.reltablespace
             WHERE c.oid >= 16384 AND t.oid >= 16384 ORDER BY 1) AS tablespaces,
       ARRAY(SELECT e.extname || ' ' || e.extversion FROM pg_extension e ORDER BY 1) AS extensions,
       coalesce((SELECT jsonb_agg(jsonb_build_array(n.nspname, c.relname) ORDER BY n.nspname, c.relname)
                 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'p'), '[]') AS parents
FROM here;
