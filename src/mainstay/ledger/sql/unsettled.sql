-- Runs of which something may still be owed, oldest first.
SELECT seq, at, kind, run, task, body, hash
FROM event AS started
WHERE kind = 'run.started'
  AND NOT EXISTS (SELECT 1 FROM event AS settled WHERE settled.run = started.run AND settled.kind = 'run.settled')
ORDER BY seq
