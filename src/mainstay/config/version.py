"""Name a version of the configuration, so that it can be said which one a run, an emergency or a runbook belongs to."""

from __future__ import annotations

import hashlib

from mainstay.model.task import Site

_LENGTH = 12


def version(site: Site) -> str:
    """Return a name made of what its files hold: the same content has the same name, wherever the files lie."""
    digest = hashlib.sha256()
    for path in site.files:
        try:
            content = path.read_bytes()
        except OSError:
            content = b""  # it was read a moment ago, and is being replaced
        digest.update(hashlib.sha256(content).digest())
    return digest.hexdigest()[:_LENGTH]
