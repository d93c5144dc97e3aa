-- Settings that hold for one database or one role only, whatever ALTER SYSTEM says.
-- columns: as in parameters.Override
-- versions: 13-
-- source: https://www.postgresql.org/docs/current/catalog-pg-db-role-setting.html
SELECT coalesce(d.datname, '')::text AS database,
       coalesce(r.rolname, '')::text AS role,
       split_part(o.entry, '=', 1) AS name,
       substr(o.entry, strpos(o.entry, '=') + 1) AS value
FROM pg_db_role_setting s
CROSS JOIN LATERAL unnest(s.setconfig) AS o(entry)
LEFT JOIN pg_database d ON d.oid = s.setdatabase
LEFT JOIN pg_roles r ON r.oid = s.setrole
ORDER BY 3, 1, 2;
