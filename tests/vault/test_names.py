"""Only a name of the right form can become a path."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mainstay.vault.names import BackupId, ObjectName, Sha256

AT = datetime(2026, 11, 21, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["..", "../x", "/etc", "20261121T020000Z", "20261121T020000Z..", "20261121T020000Z.a/../b", "", "x\0"]
)
def test_what_is_no_id_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not the id"):
        BackupId(text)


@given(st.text(), st.text())
def test_every_target_and_run_gives_an_id_that_stays_in_its_folder(target: str, name: str) -> None:
    id = BackupId.of(AT, target, name)
    assert BackupId(str(id)) == id
    assert "/" not in id
    assert ".." not in id
    assert len(id) <= 200


@given(st.text())
def test_an_object_lies_below_objects_or_is_refused(text: str) -> None:
    for kind in (ObjectName, Sha256):
        try:
            accepted = kind(text)
        except ValueError:
            continue
        assert set(accepted.removeprefix("objects/")) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._%-")
        assert accepted.removeprefix("objects/")[0] != "."
