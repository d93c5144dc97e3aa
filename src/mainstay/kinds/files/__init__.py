"""Folders: uploads, data directories, and the configuration that lies in them."""

from __future__ import annotations

from pathlib import Path

from mainstay.kinds.files.audit import Audit
from mainstay.kinds.files.check import Check
from mainstay.kinds.files.discover import discover
from mainstay.kinds.files.placeholders import Placeholders
from mainstay.kinds.files.report import Report
from mainstay.kinds.files.retention import Retention
from mainstay.kinds.files.settings import Settings
from mainstay.kinds.files.snapshot import TakeSnapshot
from mainstay.kinds.files.store import FilesStore
from mainstay.kinds.kind import Kind
from mainstay.model.target import Target
from mainstay.system.process import Door
from mainstay.vault.store import Store


def _resource(target: Target) -> str:
    return f"files:{Path(target.settings.path).resolve()}"


def _store(target: Target, _door: Door) -> Store:
    return FilesStore(target.settings.path, target.settings.exclude)


KIND = Kind(
    name="files",
    summary="folders: size, permissions, clutter, retention, copies; placeholders and syntax of their configuration files",
    settings=Settings,
    tasks=(Check(), Report(), Placeholders(), Audit(), Retention(), TakeSnapshot()),
    category="data",
    resource=_resource,
    store=_store,
    discover=discover,
)
