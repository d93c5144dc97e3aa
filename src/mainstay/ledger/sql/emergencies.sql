-- The newest emergencies. ?1: how many
SELECT seq, at, kind, run, task, body, hash FROM event WHERE kind = 'emergency.opened' ORDER BY seq DESC LIMIT ?1
