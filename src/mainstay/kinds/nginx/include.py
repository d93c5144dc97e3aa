"""The two files that nginx reads: names for the http block, the switch for each server block.

What they avoid, each tried against nginx 1.22:
- `map $uri` without `volatile` keeps the value of the first URI, and the page itself would be refused.
- A page behind a named location (`error_page 503 @page`) is asked for with the method of the request: POST gets 405. Behind a
  URI it is fetched with GET, and POST gets 503.
- `open_file_cache` shows the flag late, by up to open_file_cache_valid, and to each worker at another time.
- A plain `return 503` shares `error_page 503` with whatever else answers 503 (limit_req, say). Here it is a number of its own.
- nginx cannot count seconds down. But Retry-After may be a date (RFC 9110, 10.2.3), and the folder that the link to the page
  leads to is named by it: `$realpath_root` reads that name for each request. So it is right at every moment, and no reload is
  needed, which would end idle connections.
- A reload is over some time after it was asked for: nginx tells which version of these files it has loaded.
- A page that vanishes with the flag would be a 404 for whoever saw the flag a moment earlier: the link to the page stays.
"""

from __future__ import annotations

import hashlib
import re

from mainstay.kinds.nginx.settings import Settings

STATUS = 593  # means nothing to anybody else; users get 503
_HEAD = "# Written by Mainstay for target {target}: `mainstay run {target}.setup` writes it again; changes made here are lost.\n"
_HTTP = """\
{head}
geo ${name}_operator {{
    default 0;
{operators}}}
map $uri ${name}_exempt {{
    volatile;
    default 0;
    ~^/\\.well-known/acme-challenge/ 1;
    /.{name}.html 1;
    /.{name}.json 1;
    /.{name}.version 1;
{exempt}}}
map $http_accept ${name}_body {{
    default /.{name}.html;
    "~*text/html" /.{name}.html;
    "~*application/([a-z.+-]+\\+)?json" /.{name}.json;
}}
map $realpath_root ${name}_until {{
    volatile;
    default "";
    "~/(?<{name}_date>[^/]+ GMT)$" ${name}_date;
}}
"""
_SERVER = """\
{head}
open_file_cache off;
set ${name} 0;
if (-f {folder}/on/flag.json) {{ set ${name} 1; }}
if (${name}_operator) {{ set ${name} 0; }}
if (${name}_exempt) {{ set ${name} 0; }}
if (${name}) {{ return {status}; }}
error_page {status} =503 ${name}_body;
"""
_LOCATION = """\
location = /.{name}.{ending} {{
    internal;
    root {folder}/page;
    types {{ }}
    etag off;
    default_type "{type}";
    add_header Retry-After ${name}_until always;
    add_header Cache-Control no-store always;
    add_header Vary Accept always;
}}
"""


_VERSION = """\
location = /.{name}.version {{
    add_header {header} {version} always;
    return 204;
}}
"""
VERSION = "Mainstay-Version"  # the header by which nginx tells what it has loaded


def name(target: str) -> str:
    """Return the name that everything of a target has in nginx."""
    return "mainstay_" + target.replace("-", "_")


def http(target: str, settings: Settings) -> str:
    """Return the file for the http block."""
    operators = "".join(f"    {network} 1;\n" for network in settings.operators)
    exempt = "".join(f"    ~^{re.escape(path.rstrip('/'))}(/|$) 1;\n" for path in settings.exempt)
    return _HTTP.format(head=_HEAD.format(target=target), name=name(target), operators=operators, exempt=exempt)


def server(target: str, settings: Settings) -> str:
    """Return the file for each server block."""
    known = {"name": name(target), "folder": settings.seen_folder}
    switch = _SERVER.format(head=_HEAD.format(target=target), status=STATUS, **known)
    types = {"html": "text/html; charset=utf-8", "json": "application/json"}
    text = switch + "".join(_LOCATION.format(ending=ending, type=type, **known) for ending, type in types.items())
    version = hashlib.sha256((http(target, settings) + text).encode()).hexdigest()[:12]
    return text + _VERSION.format(header=VERSION, version=version, **known)


def version_in(text: str | None) -> str:
    """Return the version that a file for server blocks tells, "" when it is none of Mainstay's."""
    found = re.search(rf"{VERSION} (\w+)", text or "")
    return found[1] if found else ""


def pages(target: str) -> dict[str, str]:
    """Return the file name of each page by its ending."""
    return {ending: f".{name(target)}.{ending}" for ending in ("html", "json")}
