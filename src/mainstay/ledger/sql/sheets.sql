-- The newest sheets of a checklist. ?1: name, ?2: how many
SELECT seq, at, kind, run, task, body, hash
FROM event
WHERE kind = 'checklist.opened' AND json_extract(body, '$.name') = ?1
ORDER BY seq DESC
LIMIT ?2
