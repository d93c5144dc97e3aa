-- Everything that was written between two moments, oldest first. ?1: from, ?2: until, ISO 8601 in UTC
SELECT seq, at, kind, run, task, body, hash FROM event WHERE at >= ?1 AND at <= ?2 ORDER BY seq
