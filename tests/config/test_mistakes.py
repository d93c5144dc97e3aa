from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mainstay.config.mistakes import Mistakes, holds_password, masked, nearest
from mainstay.model.errors import ConfigError
from mainstay.model.target import Origin


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://app:hunter2@db:5432/app", "postgresql://app:***@db:5432/app"),
        ("redis://:hunter2@db/0", "redis://:***@db/0"),
        ("amqp://app:hun@ter2@db/", "amqp://app:***@db/"),
        ("see a://u:hunter2@b and c://u:hunter2@d", "see a://u:***@b and c://u:***@d"),
        ("a://u:hunter2@b,c://u:hunter2@d", "a://u:***@b,c://u:***@d"),
        ("postgresql://db/app?user=app&password=hunter2&x=1", "postgresql://db/app?user=app&password=***&x=1"),
        ("host=db password = 'hunter2 x' user=app", "host=db password = *** user=app"),
        ("user=app PASSWORD=hunter2", "user=app PASSWORD=***"),
    ],
)
def test_a_password_is_found_and_masked(text: str, shown: str) -> None:
    assert masked(text) == shown
    assert holds_password(text)
    assert masked(shown) == shown


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://app@db/app",
        "http://localhost:8000/users/me@example.org",
        "http://host/path:x@y",
        "ops@example.org",
        "password=",
        "grep password=CHANGE_ME .env",
        "10:30 @ noon",
    ],
)
def test_what_is_no_password_is_left_alone(text: str) -> None:
    assert not holds_password(text)


@given(st.text(st.sampled_from("ab:/@ ?&="), max_size=60))
def test_masking_twice_is_masking_once(text: str) -> None:
    assert masked(masked(text)) == masked(text)


def test_the_nearest_name_is_suggested_and_a_short_list_otherwise() -> None:
    assert nearest("vacum", ["vacuum", "check"]) == "did you mean vacuum?"
    assert nearest("xyz", ["vacuum", "check"]) == "known: check, vacuum"
    assert nearest("xyz", [f"name{number}" for number in range(100)]) == ""


def test_the_search_ends_when_nobody_would_read_on() -> None:
    mistakes = Mistakes("too much")
    for line in range(199):
        mistakes.add(Origin("x.yaml", line), "a", "wrong")
    with pytest.raises(ConfigError, match="too much: 200 mistakes"):
        mistakes.add(Origin("x.yaml", 199), "a", "wrong")
