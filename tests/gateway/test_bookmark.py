"""Positions as text: what was written comes back, and nothing else is taken."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.gateway.bookmark import bookmark_of, marks_of
from web.problem import Problem

OFFSETS = st.lists(st.integers(0, 2**63 - 1), min_size=1, max_size=64)


@given(OFFSETS)
def test_a_position_comes_back_as_it_was(marks: list[int]) -> None:
    text = bookmark_of(marks)
    assert marks_of(text, len(marks), name="after") == tuple(marks)
    assert text.replace("-", "").replace("_", "").isalnum()


@given(OFFSETS, st.integers(1, 64))
def test_a_position_of_a_log_with_other_partitions_is_refused(marks: list[int], partitions: int) -> None:
    if partitions != len(marks):
        with pytest.raises(Problem, match="after is"):
            marks_of(bookmark_of(marks), partitions, name="after")


@given(st.text(max_size=100))
def test_any_other_text_is_refused_and_never_an_error(text: str) -> None:
    try:
        marks = marks_of(text, 3, name="after")
    except Problem:
        return
    assert marks_of(bookmark_of(marks), 3, name="after") == marks


def test_sixteen_partitions_take_less_than_a_line() -> None:
    assert len(bookmark_of([123_456_789] * 16)) < 100
