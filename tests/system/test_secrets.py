"""Secrets come by reference, cannot be printed, and leave no trace."""

from __future__ import annotations

import copy
import os
import pickle
import sqlite3
from pathlib import Path

import pytest

from mainstay.engine.run import Launch
from mainstay.model.codec import encode
from mainstay.model.errors import ConfigError
from mainstay.model.run import Status
from mainstay.model.setting import SecretRef
from mainstay.system.secrets import Secret, resolve
from tests.engine.shop import Shop

WORD = "sw0rdfish-marker"


@pytest.fixture
def secret_file(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.write_text(WORD + "\n")
    path.chmod(0o600)
    return path


def test_a_secret_cannot_be_formatted_pickled_or_encoded(secret_file: Path) -> None:
    secret = resolve(SecretRef("file", str(secret_file)))
    assert secret.reveal() == WORD
    shown = f"{secret} {secret!r} {secret!s:>20} {[secret]}"
    assert WORD not in shown
    for leak in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError):
            leak(secret)
    assert WORD not in str(encode({"ref": SecretRef("file", str(secret_file))}))


def test_a_file_that_others_can_read_is_refused(secret_file: Path) -> None:
    secret_file.chmod(0o644)
    with pytest.raises(ConfigError, match="can be read by others") as failure:
        resolve(SecretRef("file", str(secret_file)))
    assert WORD not in str(failure.value)


def test_each_source_is_read(secret_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(secret_file.parent))
    monkeypatch.setenv("THE_WORD", WORD)
    refs = [SecretRef("credential", "secret"), SecretRef("env", "THE_WORD"), SecretRef("command", ("cat", str(secret_file)))]
    assert [resolve(ref).reveal() for ref in refs] == [WORD] * 3


@pytest.mark.parametrize(
    "ref",
    [SecretRef("file", "/no/such"), SecretRef("credential", "no"), SecretRef("env", "NO_SUCH"), SecretRef("command", ("false",))],
)
def test_a_missing_secret_says_where_it_was_looked_for(ref: SecretRef) -> None:
    with pytest.raises(ConfigError):
        resolve(ref)


@pytest.mark.covers("SEC-05")
def test_a_secret_that_a_script_gets_and_prints_is_in_no_plan_record_or_ledger(shop: Shop, secret_file: Path) -> None:
    environment = {"PASSWORD": {"file": str(secret_file)}}
    shop.command("job", "echo got $PASSWORD; tr '\\0' ' ' < /proc/$$/cmdline; exit 1", environment=environment)
    shop.routines = {"daily": {"tasks": ["job.run"]}}
    app = shop.open()
    record = app.run("daily", Launch(by="ann", envelope=app.forecast("daily").envelope))
    assert record.tasks[0].status is Status.FAILED
    assert "got ***" in record.tasks[0].steps[0].output
    assert WORD not in str(record) + str(app.forecast("daily"))
    everything = "".join(sqlite3.connect(app.journal.path).iterdump())
    assert "got ***" in everything
    assert WORD not in everything


def test_an_empty_secret_is_a_mistake(secret_file: Path) -> None:
    secret_file.write_text("\n")
    with pytest.raises(ConfigError, match="is empty"):
        resolve(SecretRef("file", str(secret_file)))
    assert Secret("x").reveal() == "x"


def test_a_secret_that_was_cut_in_the_middle_is_masked_too(shop: Shop, secret_file: Path) -> None:
    shop.command("loud", "printf %0100d 0; echo $WORD", environment={"WORD": {"file": str(secret_file)}}, keep_output="110B")
    shop.routines = {"daily": {"tasks": ["loud.run"]}}
    app = shop.open()
    record = app.run("daily", Launch(by="ann", envelope=app.forecast("daily").envelope))
    assert WORD[:3] not in record.tasks[0].steps[0].output
    assert "***" in record.tasks[0].steps[0].output


def test_a_secret_that_is_no_text_is_a_clear_mistake_that_does_not_show_it(secret_file: Path) -> None:
    secret_file.write_bytes(b"sw0rd\xff")
    with pytest.raises(ConfigError, match="not UTF-8 text") as mistake:
        resolve(SecretRef("file", str(secret_file)))
    assert mistake.value.__cause__ is None
    assert mistake.value.__suppress_context__


def test_a_secret_file_that_is_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(ConfigError, match="not a regular file"):
        resolve(SecretRef("file", str(tmp_path / "pipe")))
