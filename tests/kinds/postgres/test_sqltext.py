"""Texts of statements without what was typed into them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mainstay.kinds.postgres.sqltext import LENGTH, shown

SECRET = "planted-secret"


@pytest.mark.parametrize(
    "query",
    [
        f"CREATE ROLE app PASSWORD '{SECRET}'",
        f"ALTER USER \"it's\" WITH PASSWORD E'a\\'{SECRET}'",
        f"SELECT /* don't */ 1, '{SECRET}' -- don't\n, '{SECRET}'",
        f"DO $body$ BEGIN x := '{SECRET}'; $$ {SECRET} $$ END $body$",
        f"CREATE SUBSCRIPTION s CONNECTION 'host=a password={SECRET}",
        f"SELECT 'it''s {SECRET}'",
        f"SELECT 'C:\\', '{SECRET}'",
        f"SELECT $tag${SECRET}",
        f"-- {SECRET}\nSELECT 1",
    ],
)
def test_no_literal_and_no_comment_is_shown(query: str) -> None:
    assert SECRET not in shown(query)


def test_names_parameters_and_operators_stay() -> None:
    assert shown('SELECT "it\'s"\n  FROM t WHERE a = $1 AND b - 1 = $2') == 'SELECT "it\'s" FROM t WHERE a = $1 AND b - 1 = $2'


@given(st.text(alphabet="a'\"$-/*\\E \n", max_size=200))
def test_any_text_is_one_short_line(query: str) -> None:
    told = shown(query * 5)
    assert len(told) <= LENGTH
    assert "\n" not in told
