-- The newest ending of a step that rehearses a routine, however it ended. ?1: routine
SELECT seq, at, kind, run, task, body, hash
FROM event
WHERE kind = 'step.ended'
  AND json_extract(body, '$.rehearses[0]') = ?1
ORDER BY seq DESC
LIMIT 1
