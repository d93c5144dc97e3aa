-- The figures of a target: means of days, then single values. ?1: target, ?2: since, microseconds since 1970, UTC
SELECT series.name, series.unit, series.at_most, series.at_least, point.at, point.value
FROM series
JOIN (
  SELECT series, at + 43200000000 AS at, total / n AS value FROM rollup WHERE span = 'day'
  UNION ALL
  SELECT series, at, value FROM sample
) AS point ON point.series = series.id
WHERE series.target = ?1 AND point.at >= ?2
ORDER BY series.name, point.at
