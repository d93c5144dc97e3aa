-- The newest ending of a task, in whatever way. ?1: task
SELECT seq, at, kind, run, task, body, hash FROM event WHERE kind = 'task.ended' AND task = ?1 ORDER BY seq DESC LIMIT 1
