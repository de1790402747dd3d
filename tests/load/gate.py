"""The compliance gate: its speed, compared with parsing the number alone."""

from __future__ import annotations

import time
from collections.abc import Callable

import phonenumbers

from switchboard.compliance import phone, service, store
from switchboard.compliance.models import ContactAttempt, StatedConsent
from switchboard.kit import clock
from tests.load import report

_TIMES = 2_000
#: A number with its own zone, one whose area code covers two zones, and one in a stricter state.
_NUMBERS = {"California": "+14155512345", "two zones": "+14234001234", "Florida, capped": "+13055512345"}
_HOURS = {"allowed": "2026-01-15T18:00:00.000Z", "refused": "2026-01-15T04:00:00.000Z"}


def measure() -> None:
    """Print verdicts a second, over loaded facts. `dynamo` counts the reads of a placed call."""
    rows = [_row(f"{name}, {hour}", number, at) for name, number in _NUMBERS.items() for hour, at in _HOURS.items()]
    report.table(
        f"Gate: verdicts over known facts, {_TIMES} each, beside phonenumbers' own parsing and validity check",
        ("number", "verdicts/s", "parsings/s", "ratio"),
        rows,
    )


def _row(name: str, number: str, at: str) -> tuple[object, ...]:
    consent = StatedConsent(source="prior-express-consent", date="2025-06-01")
    contact = ContactAttempt(org_id="org_load", channel="voice", to=number, consent=consent)
    parsed, facts, now = phone.parse(number), store.Facts(), clock.parse(at)

    def decide() -> None:
        service.decide_verdict(contact, parsed, facts, now, lambda _: "no")

    def parse() -> None:
        phonenumbers.is_valid_number(phonenumbers.parse(number))

    verdicts, parsings = _rate(decide), _rate(parse)
    return name, f"{verdicts:,.0f}", f"{parsings:,.0f}", f"{verdicts / parsings:.2f}"


def _rate(work: Callable[[], None]) -> float:
    work()
    started = time.perf_counter()
    for _ in range(_TIMES):
        work()
    return _TIMES / (time.perf_counter() - started)
