-- Fold single values into days. ?1: before, the beginning of a day in microseconds since 1970, UTC
INSERT INTO rollup (series, span, at, n, low, high, total)
SELECT sample.series, 'day', sample.at - sample.at % 86400000000, count(*), min(sample.value), max(sample.value), sum(sample.value)
FROM series CROSS JOIN sample ON sample.series = series.id AND sample.at < ?1
GROUP BY 1, 3
ON CONFLICT (series, span, at) DO UPDATE SET
  n = n + excluded.n, low = min(low, excluded.low), high = max(high, excluded.high), total = total + excluded.total
