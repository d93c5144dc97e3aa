-- Remove the single values that were folded into days. ?1: before, the beginning of a day in microseconds since 1970, UTC
DELETE FROM sample
WHERE (series, at) IN (SELECT old.series, old.at FROM series CROSS JOIN sample AS old ON old.series = series.id AND old.at < ?1)
