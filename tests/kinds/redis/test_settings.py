"""What an address may be, and that no password hides in it."""

from __future__ import annotations

import pytest

from mainstay.kinds.redis.server import place
from mainstay.kinds.redis.settings import RedisSettings


@pytest.mark.parametrize("url", ["redis://:hunter2@db", "rediss://me:hunter2@db:6380", "redis://db?password=hunter2"])
def test_a_password_in_the_address_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(ValueError, match="must not hold a password") as raised:
        RedisSettings(url)
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize("url", ["localhost:6379", "http://localhost", "/run/redis.sock"])
def test_what_is_no_address_is_refused_with_the_forms_that_are(url: str) -> None:
    with pytest.raises(ValueError, match="unix:///PATH"):
        RedisSettings(url)


def test_a_server_is_known_by_host_and_port_whatever_user_or_database_the_address_names() -> None:
    assert place("redis://me@db/3") == place("redis://db") == "db:6379"
    assert place("unix:///run/redis.sock") == "/run/redis.sock"
