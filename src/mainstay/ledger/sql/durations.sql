-- The newest endings of a task that did something, each with what it took. ?1: task, ?2: how many
SELECT seq, at, kind, run, task, body, hash
FROM event
WHERE kind = 'task.ended' AND task = ?1 AND json_extract(body, '$.status') = 'changed'
ORDER BY seq DESC
LIMIT ?2
