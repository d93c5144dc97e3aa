"""Find each nginx that runs on this host, by its process: what it serves, and whether its maintenance mode could be set up."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import psutil

from mainstay.kinds.kind import Found
from mainstay.kinds.nginx import blocks
from mainstay.kinds.nginx.blocks import Directive
from mainstay.kinds.nginx.program import complaint
from mainstay.kinds.nginx.settings import Settings
from mainstay.model.units import Duration
from mainstay.system.process import Door, legible

_MASTER = "nginx: master process "
_WITHIN = Duration(10)
_URLS = 20
_WITH_VALUE = ("-c", "-p", "-e")  # what says which configuration is read; `-g` has lost its quotes in the title of the process
_HTTP, _SWITCH = Settings.http_include, Settings.include  # the usual places


def discover() -> list[Found]:
    """Return a target for each master process whose files are those of this host; its configuration is read by itself."""
    calls = dict.fromkeys(_calls())
    return [found for call in calls if (found := _found(list(call)))]


def _calls() -> Iterator[tuple[str, ...]]:
    """Yield how each nginx is called that root or this user has started: anybody may give a process of theirs that title."""
    for process in psutil.process_iter():
        try:
            title = " ".join(process.cmdline()).strip()
            ours = title.startswith(_MASTER) and process.uids().effective in (0, os.geteuid())
            here = ours and os.path.samefile(f"/proc/{process.pid}/root", "/")  # and not in a container
        except (psutil.Error, OSError):  # it ended, or belongs to somebody else
            continue
        if here:
            yield _call(title.removeprefix(_MASTER).split() or ["nginx"])


def _call(words: list[str]) -> tuple[str, ...]:
    """Return how that nginx is called, without what only matters when it is started."""
    chosen = [part for name, value in pairwise(words) if name in _WITH_VALUE for part in (name, value)]
    program = words[0] if "/" in words[0] else shutil.which(words[0], path="/usr/sbin:/usr/local/sbin:/usr/bin") or words[0]
    return (program, *chosen)


def _found(call: list[str]) -> Found | None:
    done = Door().run([*call, "-T"], _WITHIN)
    problem = complaint(legible(done.stderr)) or f"exit code {done.code}" if done.code else ""
    found = list(blocks.directives(legible(done.stdout)))
    servers = blocks.servers(found)
    urls = list(dict.fromkeys(url for server in servers if (url := blocks.url(server))))[:_URLS]
    if problem:
        return Found("web", _settings(call, urls, {}), f"nginx is at work, and its test says: {problem}", ("check",))
    files = _files(call, found)
    where = f"{len(servers)} server blocks; name in `urls` those that users see. " if len(servers) > 1 else ""
    return Found("web", _settings(call, urls, files or {}), f"nginx: {where}{_mode(servers, files)}", ("check",))


def _settings(call: list[str], urls: list[str], files: dict[str, str]) -> dict[str, Any]:
    usual = len(call) == 1 and shutil.which("nginx") == call[0]
    return {"urls": urls or ["http://localhost/"], **files, **({} if usual else {"command": call})}


def _files(call: list[str], found: list[Directive]) -> dict[str, str] | None:
    """Say where setup may write, as far as that is not the usual place; None where the http block reads no folder."""
    folders = [
        Path(one.words[1]).parent
        for one in found
        if one.inside == ("http",) and one.words[:1] == ("include",) and one.words[1:] and one.words[1].endswith("/*.conf")
    ]
    if not folders:
        return None
    if _HTTP.parent in folders:
        return {}
    main = Path(call[call.index("-c") + 1]).parent if "-c" in call else folders[0].parent
    return {"http_include": str(folders[0] / _HTTP.name), "include": str(main / _SWITCH.name)}


def _mode(servers: list[list[Directive]], files: dict[str, str] | None) -> str:
    """Tell how far the maintenance mode is from being there."""
    if files is None:
        return "the maintenance mode needs `include /etc/nginx/conf.d/*.conf;` in its http block"
    switch = files.get("include", str(_SWITCH))
    having = sum(any(one.words[:2] == ("include", switch) for one in server) for server in servers)
    if having:
        return f"{having} of {len(servers)} server blocks have the maintenance mode"
    return f"for its maintenance mode: mainstay run web.setup, then `include {switch};` in each server block"
