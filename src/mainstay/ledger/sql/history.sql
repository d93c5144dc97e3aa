-- Figures of a target: means of days, then single values.
-- ?1: target, ?2: since, microseconds since 1970, UTC, ?3: JSON list of names, NULL for all
SELECT series.name, series.unit, series.at_most, series.at_least, point.at, point.value
FROM series
JOIN (
  SELECT series, at + 43200000000 AS at, total / n AS value FROM rollup WHERE span = 'day'
  UNION ALL
  SELECT series, at, value FROM sample
) AS point ON point.series = series.id
WHERE series.target = ?1 AND point.at >= ?2 AND (?3 IS NULL OR series.name IN (SELECT value FROM json_each(?3)))
ORDER BY series.name, point.at
