-- The newest claimed id of an emergency of a year. ?1: what the ids of that year begin with, as a pattern of LIKE
SELECT seq, at, kind, run, task, body, hash
FROM event
WHERE kind = 'occurrence.claimed' AND json_extract(body, '$.occurrence') LIKE ?1
ORDER BY seq DESC
LIMIT 1
