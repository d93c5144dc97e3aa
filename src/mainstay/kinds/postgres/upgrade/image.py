"""The image that a Compose file gives to the server: the tag names the major version whose data directories it reads."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mainstay.kinds.postgres.settings import Service
from mainstay.model.because import Because, Finding, Level, because

# https://docs.docker.com/reference/compose-file/interpolation/
_VARIABLE = re.compile(r"\$(?:(?P<dollar>\$)|\{(?P<braced>\w+)(?::?-(?P<default>[^}]*)|:?\?[^}]*)?\}|(?P<bare>[A-Za-z_]\w*))")
_SET = re.compile(r"^\s*(?:export\s+)?(\w+)\s*=\s*(['\"]?)(.*?)\2\s*$", re.MULTILINE)
_REFERENCE = re.compile(r"(?:.*/)?(?P<name>[^/:@]+)(?::(?P<tag>[^/:@]+))?(?:@.*)?")
_DERIVED = re.compile(r"(?:^|[-_.])pg(\d+)")  # 2.17.2-pg16, pg16: images with a version of their own


@dataclass(frozen=True)
class Image:
    """The image of a service, and the major version that its tag names; 0 with the reason where that is not known."""

    name: str = ""
    major: int = 0
    why_not: str = ""


def look(service: Service | None) -> Image | None:
    """Return what the next `docker compose up` would start, None where no Compose file is named."""
    if service is None:
        return None
    try:
        name = _named(service)
    except OSError as error:
        return Image(why_not=f"{service.file} cannot be read: {error.strerror}")
    except ValueError as error:
        return Image(why_not=f"{service.file}: {error}")
    major = major_of(name)
    return Image(name, major, "" if major else "its tag names no major version of PostgreSQL")


def major_of(reference: str) -> int:
    """Return the major version that the tag of an image names, 0 when it names none."""
    parts = _REFERENCE.fullmatch(reference)
    if parts is None or parts["tag"] is None:
        return 0
    official = parts["name"].startswith("postg")
    found = _DERIVED.search(parts["tag"]) or (re.match(r"v?(\d+)", parts["tag"]) if official else None)
    return int(found[1]) if found else 0


def refusal(image: Image | None, running: int) -> Because | None:
    """Return why an image must not be started on the data directory of the running version, None when it may be."""
    if image is None or not image.major or image.major == running:
        return None
    return because("major version of its tag", image.major, "!=", running)


def judged(image: Image | None, running: int) -> list[Finding]:
    """Tell whether the image and the data directory belong together."""
    if image is None:
        return []
    on = f"image {image.name}" if image.name else "image"
    if image.why_not:
        return [Finding(Level.WARNING, on, because("major version not known", image.why_not), "name it in the tag: postgres:17")]
    if (reason := refusal(image, running)) is None:
        return [Finding(Level.OK, on, because("major version of its tag", image.major, "==", running))]
    advice = (
        f"do not start it: it does not read the data directory of {running}; put the old tag back, "
        "and give the new version a directory of its own, filled by pg_upgrade or from a proven backup"
    )
    return [Finding(Level.CRITICAL, on, reason, advice)]


def _named(service: Service) -> str:
    """Return the image of a service with its variables filled in; ValueError says what is missing."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        document: Any = YAML(typ="safe", pure=True).load(service.file.read_text(encoding="utf-8"))
    except (YAMLError, UnicodeDecodeError, RecursionError):
        raise ValueError("it is not YAML") from None
    services = document.get("services") if isinstance(document, dict) else None
    known = services.get(service.name) if isinstance(services, dict) else None
    if not isinstance(known, dict):
        raise ValueError(f"it has no service {service.name}")
    if not isinstance(known.get("image"), str):
        raise ValueError(f"the service {service.name} names no image")
    return _filled(known["image"], service.file.with_name(".env"))


def _filled(text: str, env: Path) -> str:
    """Replace variables by what the `.env` beside the file sets, else by their defaults."""
    lines = env.read_text(encoding="utf-8") if env.exists() else ""
    known = {name: value for name, _, value in _SET.findall(lines)}

    def value(found: re.Match[str]) -> str:
        if found["dollar"]:
            return "$"
        name = found["braced"] or found["bare"]
        said = known.get(name) or found["default"]
        if not said:
            raise ValueError(f"{name}, which its image uses, is set neither there nor in {env.name}")
        return said

    return _VARIABLE.sub(value, text)
