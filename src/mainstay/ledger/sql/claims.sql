-- Who has claimed an occurrence; ?1 is its name. Reads the unique index event_claim.
SELECT seq, at, kind, run, task, body, hash
FROM event
WHERE kind = 'occurrence.claimed' AND json_extract(body, '$.occurrence') = ?1
