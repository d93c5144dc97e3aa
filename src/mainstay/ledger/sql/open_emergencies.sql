-- Emergencies that nobody has closed, oldest first.
SELECT seq, at, kind, run, task, body, hash
FROM event AS opened
WHERE kind = 'emergency.opened'
  AND NOT EXISTS (SELECT 1 FROM event AS closed WHERE closed.run = opened.run AND closed.kind = 'emergency.closed')
ORDER BY seq
