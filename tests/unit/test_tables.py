"""Tests with many cases: each row runs, and each failing one is reported."""

from __future__ import annotations

import pytest

from tests.tables import each

_seen: list[tuple[str, int]] = []


@each("word, number", [("one", 1), ("two", 2)])
def test_each_row_is_given_to_the_test(word: str, number: int) -> None:
    _seen.append((word, number))


def test_every_row_was_seen() -> None:
    del _seen[:]
    test_each_row_is_given_to_the_test()
    assert _seen == [("one", 1), ("two", 2)]


def test_all_failing_rows_are_reported() -> None:
    @each("number", [1, 2, 3, 4])
    def check_odd(number: int) -> None:
        assert number % 2, f"{number} is even"

    with pytest.raises(AssertionError) as failed:
        check_odd()
    lines = str(failed.value).splitlines()
    assert lines[0] == "2 of 4 cases fail:"
    assert [line for line in lines if "is even" in line] == [
        "{'number': 2}: AssertionError: 2 is even",
        "{'number': 4}: AssertionError: 4 is even",
    ]


def test_a_row_that_raises_nothing_where_an_error_is_expected_is_reported() -> None:
    @each("text", ["7", "seven"])
    def check_refused(text: str) -> None:
        with pytest.raises(ValueError, match="invalid literal"):
            int(text)

    with pytest.raises(AssertionError, match=r"1 of 2 cases fail:\n\{'text': '7'\}"):
        check_refused()


def test_a_long_list_of_failing_rows_is_shortened() -> None:
    @each("number", range(100))
    def check_nothing(number: int) -> None:
        raise KeyError(number)

    with pytest.raises(AssertionError, match=r"100 of 100 cases fail:(.|\n)*and 80 more$"):
        check_nothing()


@pytest.mark.parametrize("factor", [2, 3])
@each("number", [1, 2])
@each("text", ["a", "b"])
def test_tables_are_combined_with_each_other_and_with_fixtures(
    number: int, text: str, factor: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    assert len(text * number * factor) == number * factor
    assert tmp_path_factory


def test_an_empty_table_is_refused() -> None:
    with pytest.raises(AssertionError, match="no row for number"):
        each("number", [])
