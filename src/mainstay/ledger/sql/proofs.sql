-- Steps that ended well and prove a restorable copy of a target, newest first. ?1: target
SELECT seq, at, kind, run, task, body, hash
FROM event
WHERE kind = 'step.ended'
  AND json_extract(body, '$.status') = 'changed'
  AND EXISTS (SELECT 1 FROM json_each(body, '$.proves') WHERE value = ?1)
ORDER BY seq DESC
LIMIT 1
