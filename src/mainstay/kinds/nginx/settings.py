"""What is known of an nginx: where its maintenance mode lives, who passes it, and from where it is proven."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated

from mainstay.model.setting import Setting
from mainstay.model.units import Duration
from mainstay.system.http import origin

_PATH = re.compile(r"/[A-Za-z0-9/_.~-]*")
_FILE = re.compile(r"/[A-Za-z0-9/_.@+-]*")


@dataclass(frozen=True)
class Settings:
    """One nginx, and the maintenance mode of its server blocks."""

    urls: Annotated[
        tuple[str, ...],
        Setting("public URLs that show the page while the mode is on; asked each time", example="['https://shop.example/']"),
    ]
    exempt_urls: Annotated[
        tuple[str, ...],
        Setting(
            "URLs that pass while the mode is on, such as a health check that reaches the application: the way to look behind it",
            example="['https://shop.example/health']",
        ),
    ] = ()
    exempt: Annotated[
        tuple[str, ...], Setting("paths that pass, each with what lies below it; certificate renewal always does")
    ] = ("/health", "/healthz")
    operators: Annotated[
        tuple[str, ...],
        Setting("addresses and networks that pass; not those that the URLs are asked from", example="[10.8.0.0/24]"),
    ] = ()
    title: Annotated[str, Setting("the name that the page shows; without it, that of the site")] = ""
    status_link: Annotated[str, Setting("a link on the page to where news are", example="https://status.shop.example")] = ""
    folder: Annotated[Path, Setting("the folder of flag and page, which the workers of nginx can read", writes="it")] = Path(
        "/var/www/mainstay"
    )
    include: Annotated[Path, Setting("the file that setup writes for server blocks; each includes it")] = Path(
        "/etc/nginx/mainstay-server.conf"
    )
    http_include: Annotated[Path, Setting("the file that setup writes for the http block, where nginx reads it by itself")] = (
        Path("/etc/nginx/conf.d/mainstay.conf")
    )
    folder_in_nginx: Annotated[
        Path | None, Setting("`folder` as nginx sees it, where it runs in a container that has it mounted elsewhere")
    ] = None
    command: Annotated[tuple[str, ...], Setting("how nginx is called", example="[sudo, -n, nginx]")] = ("nginx",)
    stub_status: Annotated[
        str, Setting("URL of the module stub_status: with it, requests under way are waited for", example="http://127.0.0.1/stub")
    ] = ""
    drain: Annotated[Duration, Setting("how long requests under way are waited for", ge=0)] = Duration(30)
    proof_within: Annotated[Duration, Setting("how long the mode may take to be seen, and to be gone", ge=0.1)] = Duration(10)
    lease: Annotated[Duration, Setting("how long after its expected end the mode becomes critical", ge=0)] = Duration(1800)
    verify_tls: Annotated[bool, Setting("accept only certificates that a known authority has signed")] = True
    ca_file: Annotated[Path | None, Setting("authorities to trust instead, PEM")] = None

    def __post_init__(self) -> None:
        """Refuse what cannot be asked, and whatever nginx would read as something else."""
        if not self.urls:
            raise ValueError("urls is empty: a mode that nobody looks at from outside is not proven")
        for url in (*self.urls, *self.exempt_urls, *filter(None, [self.stub_status])):
            origin(url)
        for network in self.operators:
            ip_network(network, strict=False)
        if wrong := next((path for path in self.exempt if not _PATH.fullmatch(path)), ""):
            raise ValueError(f"{wrong!r} is not a path: it begins with / and has letters, digits and / _ . ~ -")
        if any(not path.strip("/") for path in self.exempt):
            raise ValueError("exempt holds /, and what lies below it is everything")
        for path in (self.folder, self.seen_folder, self.include, self.http_include):
            if not _FILE.fullmatch(str(path)):
                raise ValueError(f"{str(path)!r} cannot be written into the configuration of nginx")
        if not self.command:
            raise ValueError("command is empty: write how nginx is called")
        if self.status_link and not self.status_link.startswith(("https://", "http://", "mailto:")):
            raise ValueError("status_link begins with https://, http:// or mailto:")

    @property
    def seen_folder(self) -> Path:
        """The folder as nginx sees it."""
        return self.folder_in_nginx or self.folder
