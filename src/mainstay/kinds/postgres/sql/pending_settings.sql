-- Settings that were changed in a file and wait for a restart of the server.
-- columns: as in health.rows.PendingSetting
-- versions: 13-
-- source: https://www.postgresql.org/docs/current/view-pg-settings.html
SELECT name, coalesce(setting, '') || coalesce(unit, '') AS current FROM pg_settings WHERE pending_restart ORDER BY 1 LIMIT 50;
