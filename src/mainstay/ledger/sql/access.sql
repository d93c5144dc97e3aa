-- What other users asked a service for, newest first. ?1: how many
SELECT seq, at, kind, run, task, body, hash
FROM event
WHERE kind IN ('access.granted', 'access.refused')
ORDER BY seq DESC
LIMIT ?1
