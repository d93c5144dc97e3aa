"""How long rows and entries are, and how many fit: figures that any server shows."""

from __future__ import annotations

from dataclasses import replace

from mainstay.kinds.postgres.space import pages
from mainstay.kinds.postgres.space.layout import Column, Length, entry_length, row_length
from mainstay.kinds.postgres.space.pages import PAGE

INT = Column(4, 4, 4, 0)
BIG = Column(8, 8, 8, 0)
BOOL = Column(1, 1, 1, 0)
TEXT = Column(-1, 4, 20, 0)


def test_a_row_begins_with_a_header_and_ends_on_a_multiple_of_eight() -> None:
    assert row_length([INT, INT], 2) == Length(32, fixed=True)
    assert row_length([INT, INT, INT], 3) == Length(40, fixed=True)


def test_the_order_of_columns_decides_how_much_is_lost_between_them() -> None:
    assert row_length([BOOL, BIG, BOOL, BIG], 4) == Length(56, fixed=True)
    assert row_length([BIG, BIG, BOOL, BOOL], 4) == Length(48, fixed=True)


def test_a_null_takes_no_room_but_a_ninth_column_with_nulls_takes_a_longer_header() -> None:
    assert row_length([INT, *[replace(INT, null=1)] * 7], 8) == Length(32, fixed=True)
    assert row_length([INT, *[replace(INT, null=1)] * 8], 9) == Length(40, fixed=True)


def test_dropped_columns_are_null_in_rows_written_from_now_on() -> None:
    assert row_length([INT], 9) == Length(40, fixed=True)


def test_a_row_with_text_varies_and_loses_half_a_word_on_average() -> None:
    assert row_length([INT, TEXT], 2) == Length(24 + 4 + 20 + 3.5, fixed=False)


def test_nobody_knows_the_length_of_a_row_without_statistics() -> None:
    assert row_length([INT, replace(TEXT, width=None, null=None)], 2) is None
    assert entry_length([replace(INT, null=None)]) is None


def test_a_table_of_rows_of_two_integers_has_226_in_a_page() -> None:
    assert pages.heap(226, Length(32, fixed=True), 100) == PAGE
    assert pages.heap(227, Length(32, fixed=True), 100) == 2 * PAGE


def test_an_index_of_300_000_integers_has_825_pages() -> None:
    key = entry_length([INT])
    assert key
    item = pages.entry(300_000, 300_000, key.bytes, deduplicated=True)
    assert pages.btree(pages.leaves(300_000, item, 90), key.bytes) == 825 * PAGE


def test_an_index_of_nothing_has_a_page_about_itself() -> None:
    assert pages.btree(0, 16) == PAGE


def test_equal_keys_are_stored_once_for_a_hundred_rows() -> None:
    plain = pages.entry(100_000, 10, 16, deduplicated=False)
    once = pages.entry(100_000, 10, 16, deduplicated=True)
    assert pages.leaves(100_000, plain, 90) > 3 * pages.leaves(100_000, once, 90)


def test_four_full_chunks_fill_a_page_of_a_toast_table() -> None:
    assert pages.toast(4000, 2036) == 1000 * PAGE
    assert pages.toast(0, 0) == 0
