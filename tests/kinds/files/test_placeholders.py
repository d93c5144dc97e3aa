"""Placeholders and well-known secrets are found in every form of configuration, and never shown."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from mainstay.kinds.files import KIND
from mainstay.kinds.files.placeholders import Facts
from mainstay.model.codec import canonical, decode, encode
from tests.kinds.files.conftest import Folder

Write = Callable[..., Path]
_MARKER = "Zq7marker93xK"

_ENV = """# DB_PASSWORD=CHANGE_ME_in_a_comment
export DB_PASSWORD='CHANGE_ME_before_start'
API_KEY=kJ8!fq2-Lm
REDIS_PASSWORD=redis
ADMIN_PASSWORD=admin_password
SMTP_PASSWORD=
JWT_SECRET=abc
SECRET_KEY=${VAULT_KEY}
DB_PASSWORD_FILE=/run/secrets/db
TOKEN_EXPIRY=3600
PUBLIC_URL=https://exchange-messages.mastodon.example/
DATABASE_URL=postgresql://app:postgres@db/app
BROKER_URL=redis://:${REDIS_PASSWORD}@cache/0
"""

_COMPOSE = """services:
  db:
    image: postgres:15
    environment:
      POSTGRES_PASSWORD: "${DB_PASSWORD:-postgres}"
  api:
    environment:
      - SECRET_KEY=changeme
      - MODE=production
    command: ["run", {password: todo}]
    labels: &labels
      token: <your token>
  worker:
    labels: *labels
"""


@pytest.mark.covers("CFG-01")
def test_an_env_file_is_read_key_by_key(folder: Folder, write: Write) -> None:
    write(".env", _ENV)
    assert folder.told("placeholders") == [
        "CRITICAL .env:2 DB_PASSWORD: value *** in placeholders change_me (default)",
        "CRITICAL .env:4 REDIS_PASSWORD: secret *** in well-known passwords",
        "CRITICAL .env:5 ADMIN_PASSWORD: secret *** == its own key",
        "WARNING .env:6 SMTP_PASSWORD: secret: empty",
        "WARNING .env:7 JWT_SECRET: secret_length *** < shortest_secret 8 (default)",
        "CRITICAL .env:12 DATABASE_URL: secret *** in well-known passwords",
    ]


@pytest.mark.covers("CFG-01")
def test_compose_yaml_is_read_by_its_structure(folder: Folder, write: Write) -> None:
    write("compose.yaml", _COMPOSE)
    facts: Facts = folder.look("placeholders")
    assert [(one.line, one.key, one.why) for one in facts.suspects] == [
        (5, "services.db.environment.POSTGRES_PASSWORD", "common"),
        (8, "services.api.environment.SECRET_KEY", "placeholder"),
        (10, "services.api.command.password", "placeholder"),
        (12, "services.api.labels.token", "placeholder"),
    ]


@pytest.mark.covers("CFG-01")
def test_json_toml_and_ini_are_read_too(folder: Folder, write: Write) -> None:
    write("a.json", '{\n\t"db": {"password":\n "changeme", "tags": ["x", {"token": "\\"s"}]},\n "api_key": "admin"}')
    write("b.toml", '[db]\npassword = "test"  # why\nport = 5432\n')
    write("c.ini", "[db]\n; password = changeme\npassword: root\n")
    write("d.conf", "server_name CHANGE_ME;\nrequirepass foobared\n")
    folder.settings = replace(folder.settings, configuration=("*",))
    facts: Facts = folder.look("placeholders")
    assert [(str(one), one.why) for one in facts.suspects] == [
        ("a.json:3 db.password", "placeholder"),
        ("a.json:3 db.tags.token", "short"),
        ("a.json:4 api_key", "common"),
        ("b.toml:2 password", "common"),
        ("c.ini:3 password", "common"),
        ("d.conf:1 server_name", "placeholder"),
        ("d.conf:2 requirepass", "common"),
    ]


@pytest.mark.covers("CFG-01")
@pytest.mark.parametrize(
    ("name", "content"),
    [
        (".env", f"DB_PASSWORD=CHANGE_ME_{_MARKER}\nOTHER=TODO {_MARKER}\n"),
        (".env", f"DB_URL=postgres://u:CHANGE_ME{_MARKER}@h/{_MARKER}\n{_MARKER} {_MARKER}\n'{_MARKER}"),
        ("a.yaml", f"password: changeme-{_MARKER}\n*{_MARKER}: 1\n"),
        ("a.yaml", f'password: "\\q{_MARKER}"\n'),
        ("a.yaml", f"password: {_MARKER}: {_MARKER}\n"),
        ("a.yaml", f"password: !{_MARKER} changeme\ntoken: *{_MARKER}\n"),
        ("a.yaml", f"password: !{_MARKER}!x changeme\n"),
        ("a.json", f'{{"password": "changeme {_MARKER}", {_MARKER}'),
        ("a.toml", f"password = {_MARKER}\npassword = 'changeme {_MARKER}'\n"),
        ("a.conf", f"requirepass CHANGE_ME={_MARKER}\nrequirepass {_MARKER}=CHANGE_ME\n"),
        ("a.ini", f"no section {_MARKER}\npassword = CHANGE_ME ; {_MARKER}\n"),
    ],
)
def test_no_value_is_in_any_fact_finding_or_error(folder: Folder, write: Write, name: str, content: str) -> None:
    write(name, content)
    folder.settings = replace(folder.settings, configuration=("*", ".*"))
    facts = [folder.look("placeholders"), folder.look("audit")]
    findings = [folder.told("placeholders"), folder.told("audit")]
    assert any(findings)
    assert _MARKER not in canonical([facts, findings]).decode() + repr(facts)


@pytest.mark.covers("CFG-01")
def test_what_is_not_looked_into_is_told_with_its_reason(folder: Folder, write: Write) -> None:
    write(".env.example", "PASSWORD=CHANGE_ME")
    write(".env.binary", b"PASSWORD=CHANGE_ME\0")
    write(".env.huge", b"#" * 600_000)
    write("compose.yaml", "a: [" * 100)
    (folder.path / "linked.env").symlink_to("/etc/passwd")
    facts: Facts = folder.look("placeholders")
    assert facts.skipped == {
        ".env.binary": "is binary",
        ".env.example": "an example holds placeholders on purpose",
        ".env.huge": "cannot be read: 600 kB are more than 500 kB",
        "compose.yaml": "is not yaml: line 1: nested deeper than 60 levels",
    }
    assert facts.files == ()
    assert decode(Facts, encode(facts)) == facts


def test_a_folder_without_configuration_is_no_success(folder: Folder) -> None:
    assert folder.told("placeholders") == ["WARNING configuration: seen: 0 values in 0 files, none suspicious"]


def test_a_clean_file_is_one_line(folder: Folder, write: Write) -> None:
    write(".env", "DB_PASSWORD=kJ8fq2Lmw9\n")
    kind = KIND.task("placeholders")
    (finding,) = kind.assess(folder.look("placeholders"), kind.params())
    assert str(finding) == "configuration: seen: 1 values in 1 files, none suspicious"


def test_aliases_that_multiply_in_yaml_do_not(folder: Folder, write: Write) -> None:
    lines = ["a0: &a0 [x, x]", *(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 40)), "password: changeme"]
    write("compose.yaml", "\n".join(lines))
    assert [str(one) for one in folder.look("placeholders").suspects] == ["compose.yaml:41 password"]


def test_a_word_of_the_configuration_replaces_the_usual_ones(folder: Folder, write: Write) -> None:
    write(".env", "NAME=FILL-IN\nOTHER=CHANGE_ME\nREFILL=refill_in\n")
    folder.settings = replace(folder.settings, placeholders=("fill_in",))
    assert [one.line for one in folder.look("placeholders").suspects] == [1]


@pytest.mark.parametrize(
    "value", ["exchange-messages", "mastodon.example", "App <noreply@app.example>", "changeover", "/your/path"]
)
def test_a_value_that_only_resembles_a_placeholder_is_left_alone(folder: Folder, write: Write, value: str) -> None:
    write(".env", f"NAME={value}\n")
    assert folder.look("placeholders").suspects == ()


@pytest.mark.parametrize(
    "value", ["CHANGE_ME", "changeme123", "x-Change-Me-x", "your-api-key", "<password>", "TODO: set", "XXXXXXXX"]
)
def test_a_placeholder_is_known_in_its_usual_forms(folder: Folder, write: Write, value: str) -> None:
    write(".env", f"NAME={value}\n")
    assert len(folder.look("placeholders").suspects) == 1


def test_grep_as_the_runbook_has_it_misses_files_and_shows_the_secret(folder: Folder, write: Write) -> None:
    write(".env", f"DB_PASSWORD=CHANGE_ME_{_MARKER}\n")
    write("compose.yaml", "services: {db: {environment: {POSTGRES_PASSWORD: changeme}}}\n")
    grep = subprocess.run(["grep", "CHANGE_ME_", ".env"], cwd=folder.path, capture_output=True, text=True, check=False)
    assert (grep.returncode, _MARKER in grep.stdout) == (0, True)
    assert {one.file for one in folder.look("placeholders").suspects} == {".env", "compose.yaml"}
    assert os.path.basename(folder.path) not in str(folder.told("placeholders"))
