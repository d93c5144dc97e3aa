-- The newest runs of a routine. ?1: routine, ?2: how many
SELECT seq, at, kind, run, task, body, hash
FROM event
WHERE kind = 'run.started' AND json_extract(body, '$.routine') = ?1
ORDER BY seq DESC
LIMIT ?2
