-- What a server has of what a dump may need.
-- columns: as in store.catalog.Place
-- versions: 13-
-- source: https://www.postgresql.org/docs/current/view-pg-available-extensions.html
SELECT current_setting('server_version_num')::int AS version_number,
       ARRAY(SELECT r.rolname::text FROM pg_roles r) AS roles,
       ARRAY(SELECT e.name::text FROM pg_available_extensions e) AS extensions,
       ARRAY(SELECT t.spcname::text FROM pg_tablespace t) AS tablespaces;
