-- The newest runs. ?1: how many
SELECT seq, at, kind, run, task, body, hash FROM event WHERE kind = 'run.started' ORDER BY seq DESC LIMIT ?1
