-- What drills have left to do and nobody has signed, oldest first.
SELECT seq, at, kind, run, task, body, hash
FROM event AS taught
WHERE kind = 'run.taught'
  AND NOT EXISTS (SELECT 1 FROM event AS signed WHERE signed.run = taught.run AND signed.kind = 'emergency.followed')
  AND NOT EXISTS (SELECT 1 FROM event AS first WHERE first.run = taught.run AND first.kind = 'run.taught' AND first.seq < taught.seq)
ORDER BY seq
