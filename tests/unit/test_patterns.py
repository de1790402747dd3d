"""A regular expression's time grows linearly with the size of hostile input.

Every pattern of the layer and the functions is tested with texts made from its own parts. To add a pattern, add nothing
here. A failing pattern may begin at too many positions a match that it cannot end. Begin it with a fixed character
instead of a repeated part, or bound the repetition. Or bound the text before the pattern sees it, and add it to SPARED.
"""

from __future__ import annotations

import re
import time
from contextlib import suppress
from typing import Any

import pytest

from switchboard.compliance import number_text
from tests.unit.patterns import UNKNOWN, Use, list_costly_texts, list_uses, make_text, measure_seconds

#: Uses of patterns that are not linear, with the reason why they are cheap. Keep this list short.
SPARED = {
    "switchboard.email.outgoing_headers.text_header": "blanks at the end, which make it slow, are stripped before",
    "switchboard.persistence.retention._pattern": "it reads our own table of keys",
}
#: A linear pattern handles this many repetitions, then this many characters, quickly. The steps are small at first,
#: so that an exponential or cubic pattern is found at a step that ends.
REPETITIONS = (8, 12, 18, 27, 40, 60, 90, 130)
SIZES = (400, 1_200, 4_000)
#: The limit in seconds for the longest text that a bounded non-linear pattern sees.
BUDGET = 0.02
#: Seconds. Shorter times are not examined: a quadratic pattern takes ten milliseconds for 4,000 characters.
FLOOR = 0.002
#: Four times as many characters take four times as long, and sixteen times for a quadratic pattern.
MOST = 8.0


def grows_too_much(use: Use, method: str, family: tuple[str, str, str]) -> str | None:
    """The growth of a method's time with such a text, if it is worse than linear."""
    sizes = {*(len(family[1]) * number for number in REPETITIONS), *SIZES, use.most or SIZES[-1]}
    steps = sorted(size for size in sizes if size <= SIZES[-1])
    for size in steps:
        if use.most is not None and size > use.most:
            break
        if measure_seconds(use, method, make_text(family, size)) < FLOOR:
            continue
        if size < SIZES[-1]:
            if is_quick(use, method, family, size):
                continue
            return f"{use.place} {method} {family}: {size} characters take milliseconds"
        # One measurement is enough if it is good. On a busy machine a second one follows, with more repetitions.
        for start, best_of in ((size, 1), (size, 5), (2 * size, 5)):
            short, long = (
                measure_seconds(use, method, make_text(family, of), best_of=best_of) for of in (start, 4 * start)
            )
            if long <= MOST * short:
                break
        else:
            return f"{use.place} {method} {family}: four times as much takes {long / short:.0f} times as long"
    return None


def is_quick(use: Use, method: str, family: tuple[str, str, str], size: int) -> bool:
    """Whether a text takes no time to speak of, or in proportion to a third of it.

    A pattern of many words takes some milliseconds for a thousand characters. On a busy machine, measurements repeat.
    """
    for best_of in (5, 5, 10, 20):
        long = measure_seconds(use, method, make_text(family, size), best_of=best_of)
        if long < (FLOOR if use.most is None else BUDGET):
            return True
        if long <= 5 * measure_seconds(use, method, make_text(family, size // 3), best_of=best_of):
            return True
    return False


def faults_of(use: Use) -> list[str]:
    for method in sorted(use.methods):
        for family in list_costly_texts(use.pattern):
            if fault := grows_too_much(use, method, family):
                return [fault]
    return []


def test_time_grows_with_size_for_every_pattern() -> None:
    found = list_uses()
    assert len(found) > 100
    assert {"switchboard.email.mime_headers._ADDRESS", "switchboard.compliance.number_text._EXTENSION"} <= {
        use.place for use in found
    }
    faults = {use.place: fault for use in found for fault in faults_of(use)}
    unheard = [fault for place, fault in faults.items() if place not in SPARED]
    assert not unheard
    assert set(SPARED) <= set(faults), "a pattern that is linear, or was removed, must leave SPARED"


def use_of(text: str | bytes, *methods: str) -> Use:
    pattern: re.Pattern[Any] = re.compile(text, re.IGNORECASE)
    return Use("here", pattern, frozenset(methods) or UNKNOWN)


@pytest.mark.parametrize(
    "use",
    [
        # The old pattern of an address in a mail's header.
        use_of(r"[^\s<>,;:\"()\[\]\\]+@[^\s<>,;:\"()\[\]\\@]+", "findall"),
        # The old pattern of an extension behind a pasted number.
        use_of(r"(?:;?\s*(?<![a-z])ext(?:ension|n)?\b|;?\s*\bx(?=[\s.:]*[0-9])|[#*,]).*", "search"),
        use_of(r"\s+$", "sub"),
        use_of(r"(a|a)*b", "fullmatch"),
        use_of(r"(\w+\s?)*:", "match"),
        use_of(r"a*a*a*b", "match"),
        use_of(rb"([a-z]+ ?)*:", "search"),
        use_of(r'"(?:[^"\\]|\\.)*"', "search"),
    ],
    ids=lambda use: str(use.pattern.pattern)[:30],
)
def test_a_slow_pattern_is_found(use: Use) -> None:
    assert faults_of(use)


@pytest.mark.parametrize("gap", [" ", "; ", "\t", "x ", "ext"])
def test_separators_in_a_pasted_number_take_linear_time(gap: str) -> None:
    began = time.thread_time()
    with suppress(number_text.NotDialableError):
        number_text.normalize_number("+1" + gap * 50_000 + "4155550143")
    assert time.thread_time() - began < 1
