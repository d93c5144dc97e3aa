"""What Compose files declare."""

from __future__ import annotations

from pathlib import Path

import pytest

from mainstay.kinds.docker.compose import declared, project
from mainstay.kinds.docker.facts import Service
from mainstay.kinds.docker.settings import Settings
from mainstay.model.errors import Unreachable

MAIN = """
x-common: &common {restart: always}
services:
  web: {<<: *common, depends_on: [api]}
  api:
    deploy: {replicas: 2}
    depends_on: {db: {condition: service_started}, migrate: {condition: service_completed_successfully}}
  migrate: {depends_on: [db]}
  db: {}
  mail: {profiles: [mail], depends_on: {gone: {condition: service_started, required: false}}}
"""


@pytest.fixture
def main(tmp_path: Path) -> Path:
    (tmp_path / "My-Shop").mkdir()
    path = tmp_path / "My-Shop" / "compose.yaml"
    path.write_text(MAIN, encoding="utf-8")
    return path


def refused(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    with pytest.raises(Unreachable) as caught:
        declared(Settings(compose=(path,)))
    return str(caught.value)


def test_services_come_after_those_that_they_need(main: Path) -> None:
    found = declared(Settings(compose=(main,)))
    assert [one.name for one in found] == ["db", "migrate", "api", "web"]
    assert found[1] == Service("migrate", needs=("db",), job=True)
    assert found[2] == Service("api", 2, ("db", "migrate"))


def test_a_profile_counts_where_it_is_in_use(main: Path) -> None:
    assert "mail" in {one.name for one in declared(Settings(compose=(main,), profiles=("mail",)))}
    assert "mail" in {one.name for one in declared(Settings(compose=(main,), services=("mail",)))}


def test_a_later_file_adds_and_changes(main: Path) -> None:
    second = main.with_name("override.yaml")
    second.write_text(
        "name: corner\nservices: {api: {deploy: {replicas: 3}, depends_on: [cache]}, cache: {scale: 0}}", encoding="utf-8"
    )
    settings = Settings(compose=(main, second))
    by_name = {one.name: one for one in declared(settings)}
    assert (by_name["api"].count, by_name["api"].needs, by_name["cache"].count) == (3, ("cache", "db", "migrate"), 0)
    assert (project(settings), project(Settings(compose=(main,)))) == ("corner", "my-shop")


def test_what_cannot_be_told_from_a_file_is_said(tmp_path: Path) -> None:
    path = tmp_path / "compose.yaml"
    assert "it includes others" in refused(path, "include: [other.yaml]\nservices: {a: {}}")
    assert "a extends another service" in refused(path, "services: {a: {extends: {service: b}}, b: {}}")
    assert "wait for one another" in refused(path, "services: {a: {depends_on: [b]}, b: {depends_on: [a]}}")
    assert "it has no `services`" in refused(path, "version: '3'")
    assert "cannot be read" in refused(path, "services: {a: [")
    assert "cannot be read" in refused(path, "services: " + "[" * 5_000)
    path.unlink()
    with pytest.raises(Unreachable, match="No such file"):
        declared(Settings(compose=(path,)))
