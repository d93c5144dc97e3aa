-- The newest endings of an act of a task that was done, each with what it took. ?1: task, ?2: action, ?3: how many
SELECT seq, at, kind, run, task, body, hash
FROM event
WHERE kind = 'step.ended' AND task = ?1
  AND json_extract(body, '$.status') = 'changed'
  AND json_extract(body, '$.action') = ?2
  AND json_extract(body, '$.took') IS NOT NULL
ORDER BY seq DESC
LIMIT ?3
