"""A stranger's bytes cost a regular expression time by their size, and no more.

Every pattern of the layer and the functions is fed with texts that are made from what it tells apart. To add a pattern,
add nothing here. One that fails may begin at too many places what it cannot end: begin with a sign instead of with
what may repeat before it, bound what repeats, or bound the text before the pattern sees it and say so in SPARED.
"""

from __future__ import annotations

import re
import time
from contextlib import suppress
from typing import Any

import pytest

from switchboard.compliance import number_text
from tests.unit.patterns import UNKNOWN, Use, costly, seconds, text_of, uses

#: Uses of patterns that are not linear, and why they cost nothing: a short list.
SPARED = {
    "switchboard.email.outgoing_headers.text_header": "blanks at the end, which make it slow, are stripped before",
    "switchboard.persistence.retention._pattern": "it reads our own table of keys",
}
#: So many repetitions, then so many characters, are nothing to a pattern that is linear. The steps are small at first,
#: so that one that is exponential or cubic is found at a step that ends.
REPETITIONS = (8, 12, 18, 27, 40, 60, 90, 130)
SIZES = (400, 1_200, 4_000)
#: Seconds that a text of the most characters that a pattern sees may take, where they are bounded and it is not linear.
BUDGET = 0.02
#: Seconds. Below it nothing is worth a closer look: a square pattern takes ten milliseconds for 4,000 characters.
FLOOR = 0.002
#: Four times as many characters take four times as long, and sixteen times where the time is that of the square.
MOST = 8.0


def grows_too_much(use: Use, method: str, family: tuple[str, str, str]) -> str | None:
    """How a method's time grows with such a text, where it is worse than its size."""
    sizes = {*(len(family[1]) * number for number in REPETITIONS), *SIZES, use.most or SIZES[-1]}
    steps = sorted(size for size in sizes if size <= SIZES[-1])
    for size in steps:
        if use.most is not None and size > use.most:
            break
        if seconds(use, method, text_of(family, size)) < FLOOR:
            continue
        if size < SIZES[-1]:
            limit = FLOOR if use.most is None else BUDGET
            long = seconds(use, method, text_of(family, size), best_of=5)
            # A pattern of many words takes some milliseconds for a thousand characters, and a third of it for a third.
            if long < limit or long <= 5 * seconds(use, method, text_of(family, size // 3), best_of=5):
                continue
            return f"{use.place} {method} {family}: {size} characters take milliseconds"
        # One look is enough where all is well. A busy machine is given a second chance, with more to count.
        for start, best_of in ((size, 1), (size, 5), (2 * size, 5)):
            short, long = (seconds(use, method, text_of(family, of), best_of=best_of) for of in (start, 4 * start))
            if long <= MOST * short:
                break
        else:
            return f"{use.place} {method} {family}: four times as much takes {long / short:.0f} times as long"
    return None


def faults_of(use: Use) -> list[str]:
    for method in sorted(use.methods):
        for family in costly(use.pattern):
            if fault := grows_too_much(use, method, family):
                return [fault]
    return []


def test_time_grows_with_size_for_every_pattern() -> None:
    found = uses()
    assert len(found) > 100
    assert {"switchboard.email.mime_headers._ADDRESS", "switchboard.compliance.number_text._EXTENSION"} <= {
        use.place for use in found
    }
    faults = {use.place: fault for use in found for fault in faults_of(use)}
    unheard = [fault for place, fault in faults.items() if place not in SPARED]
    assert not unheard
    assert set(SPARED) <= set(faults), "a pattern that is linear, or gone, is not on the list: take it out of SPARED"


def compiled(text: str | bytes, *methods: str) -> Use:
    pattern: re.Pattern[Any] = re.compile(text, re.IGNORECASE)
    return Use("here", pattern, frozenset(methods) or UNKNOWN)


@pytest.mark.parametrize(
    "use",
    [
        # An address of a mail's header, as it was read once.
        compiled(r"[^\s<>,;:\"()\[\]\\]+@[^\s<>,;:\"()\[\]\\@]+", "findall"),
        # An extension behind a pasted number, as it was read once.
        compiled(r"(?:;?\s*(?<![a-z])ext(?:ension|n)?\b|;?\s*\bx(?=[\s.:]*[0-9])|[#*,]).*", "search"),
        compiled(r"\s+$", "sub"),
        compiled(r"(a|a)*b", "fullmatch"),
        compiled(r"(\w+\s?)*:", "match"),
        compiled(r"a*a*a*b", "match"),
        compiled(rb"([a-z]+ ?)*:", "search"),
        compiled(r'"(?:[^"\\]|\\.)*"', "search"),
    ],
    ids=lambda use: str(use.pattern.pattern)[:30],
)
def test_a_pattern_that_is_worse_is_found(use: Use) -> None:
    assert faults_of(use)


@pytest.mark.parametrize("gap", [" ", "; ", "\t", "x ", "ext"])
def test_what_stands_between_a_pasted_numbers_digits_takes_time_by_its_length(gap: str) -> None:
    began = time.thread_time()
    with suppress(number_text.NotDialableError):
        number_text.normalize_number("+1" + gap * 50_000 + "4155550143")
    assert time.thread_time() - began < 1
