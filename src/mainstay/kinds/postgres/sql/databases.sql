-- The databases that accept connections.
-- columns: as in rows.Database
-- versions: 13-
-- source: https://www.postgresql.org/docs/current/catalog-pg-database.html
SELECT d.datname::text AS name,
       pg_get_userbyid(d.datdba)::text AS owner,
       CASE WHEN has_database_privilege(d.oid, 'CONNECT') THEN pg_database_size(d.oid) ELSE 0 END AS size,
       has_database_privilege(d.oid, 'CONNECT') AS allowed,
       age(d.datfrozenxid) AS xid_age,
       mxid_age(d.datminmxid) AS mxid_age
FROM pg_database d
WHERE d.datallowconn AND NOT d.datistemplate
ORDER BY d.datname;
