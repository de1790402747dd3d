"""The segments of texts: the same as npm's sms-segments-calculator counts, and smart encoding."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from switchboard.carriers.messages.segments import Encoding, Segments, count_segments, to_gsm

#: Written by `write_vectors.cjs`.
_VECTORS = Path(__file__).with_name("segments.json")
_ENCODINGS = {"G": Encoding.GSM_7, "U": Encoding.UCS_2}


def read_vectors() -> Iterator[tuple[str, Encoding, int]]:
    found = json.loads(_VECTORS.read_text())
    for row in found["texts"]:
        runs, _, counted = row.partition("|")
        pairs = [run.split("*") for run in runs.split()]
        text = "".join(found["pieces"][int(piece)] * int(times) for piece, times in pairs)
        yield text, _ENCODINGS[counted[0]], int(counted[1:])


def test_the_figures_are_those_of_the_calculator_of_npm() -> None:
    vectors = list(read_vectors())
    assert len(vectors) >= 5_000
    assert {encoding for _, encoding, _ in vectors} == set(Encoding)
    wrong = [
        (text, encoding, segments, counted)
        for text, encoding, segments in vectors
        if ((counted := count_segments(text)).encoding, counted.segments) != (encoding, segments)
    ]
    assert not wrong, wrong[:3]


@pytest.mark.parametrize(
    ("body", "counted"),
    [
        ("", (Encoding.GSM_7, 0, 1)),
        ("a" * 160, (Encoding.GSM_7, 160, 1)),
        ("a" * 161, (Encoding.GSM_7, 161, 2)),
        ("a" * 306, (Encoding.GSM_7, 306, 2)),
        ("a" * 307, (Encoding.GSM_7, 307, 3)),
        ("€" * 80, (Encoding.GSM_7, 160, 1)),
        # An escape and its character are not split: 152 septets are left over twice.
        ("€" * 153, (Encoding.GSM_7, 306, 3)),
        ("я" * 70, (Encoding.UCS_2, 70, 1)),
        ("я" * 71, (Encoding.UCS_2, 71, 2)),
        # 67 is odd, so each segment holds 33 pairs.
        ("😀" * 67, (Encoding.UCS_2, 134, 3)),
        # A family has 11 units: six of them fit in a segment.
        ("👨‍👩‍👧‍👦" * 7, (Encoding.UCS_2, 77, 2)),
        ("שלום" * 30, (Encoding.UCS_2, 120, 2)),
        ("a" * 15_300, (Encoding.GSM_7, 15_300, 100)),
    ],
)
def test_the_ends_of_segments(body: str, counted: tuple[Encoding, int, int]) -> None:
    assert count_segments(body) == Segments(*counted)


def test_a_letter_with_more_marks_than_a_segment_holds_is_split() -> None:
    assert count_segments("e" + "\u0301" * 200).segments == 3


@given(st.text(max_size=400))
@settings(max_examples=50)
def test_any_text_has_as_many_segments_as_its_units_need(body: str) -> None:
    encoding, units, segments = count_segments(body)
    whole, part = (160, 153) if encoding is Encoding.GSM_7 else (70, 67)
    assert units == len(body) or encoding is Encoding.UCS_2 or set(body) & set("€[]{}^~|\\\f")
    assert (segments == 1) == (units <= whole)
    assert segments == 1 or segments * part >= units


@given(st.text(alphabet=st.sampled_from("aé€—“😀ł\u00a0…"), max_size=200), st.text(alphabet="bç😀", max_size=3))
@settings(max_examples=50)
def test_a_longer_text_never_has_fewer_segments_in_the_same_encoding(body: str, more: str) -> None:
    before, after = count_segments(body), count_segments(body + more)
    assert after.segments >= before.segments


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("“It\u2019s ready” \u2013 call us…", '"It\'s ready" - call us...'),
        ("10\u00a0000\u202f€", "10 000 €"),
        ("\u200bA\ufeff", "A"),
        # A composed letter is in the alphabet.
        ("cafe\u0301", "café"),
        ("plain", "plain"),
        # Other characters make the text UCS-2 in any case, so it keeps its typography.
        ("“Привет”", "“Привет”"),
        ("Done… 🎉", "Done… 🎉"),
    ],
)
def test_smart_encoding_replaces_typography_where_it_saves_segments(text: str, plain: str) -> None:
    assert to_gsm(text) == plain
    assert count_segments(to_gsm(text)).segments <= count_segments(text).segments
