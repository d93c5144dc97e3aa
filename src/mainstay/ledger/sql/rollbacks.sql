-- The acts that took something back in the runs of a routine that were taken back as a whole, newest first. ?1: routine, ?2: how many
SELECT seq, at, kind, run, task, body, hash
FROM event
WHERE kind = 'step.ended'
  AND json_extract(body, '$.status') = 'changed'
  AND json_extract(body, '$.undo_of') <> ''
  AND json_extract(body, '$.took') IS NOT NULL
  AND run IN (SELECT run FROM event WHERE kind = 'run.started' AND json_extract(body, '$.routine') = ?1)
  AND run IN (SELECT run FROM event WHERE kind = 'run.turned')
ORDER BY seq DESC
LIMIT ?2
