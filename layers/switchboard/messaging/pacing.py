"""Paces texts: limits how many segments a second go out from a number, by the rate of its type.

Carriers count segments. A text that is handed over faster waits at the carrier, past its quiet hours and past an
opt-out. So a text takes as much time as its segments.

A single text goes out immediately if nobody has reserved the present time or a later one. Otherwise it reserves the
next free time by one conditional write, and its job returns at that time: nothing sleeps. The job carries the time,
and a text is claimed once, so each time is used once. A job that is much later has lost its time and reserves another.

A campaign takes only present times, for about one second or one text, and none while single texts have reserved later
ones. So a single text waits for at most about one second of a campaign, or for one long text. The five texts of a
campaign's turn may also take times that nobody used shortly before, and go out together: a turn for each text would
cost three times the requests. The carrier sends them one after another, so at one segment a second it may hold a single
text for four seconds more.

Texts of simulated numbers have no pace.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import accumulate

from switchboard.compliance import phone
from switchboard.compliance.phone import NumberKind
from switchboard.errors import Invalid
from switchboard.kit import clock, settings
from switchboard.messaging import pacing_store
from switchboard.messaging.models import TextMessage
from switchboard.numbers.models import Number
from switchboard.persistence.optimistic import StaleVersionError, retry_on_conflict

#: The segments a second that a carrier accepts from a number, by its type. Operators set the rates of their contract.
_RATES = {"LONG_CODE": 1, "TOLL_FREE": 3, "SHORT_CODE": 100}
#: The most digits of a short code.
_SHORT_CODE_DIGITS = 6
#: How far back the times are that a campaign may still take, in milliseconds, and how often it takes those of a second.
_MISSED_MS, _ROUNDS = 2_000, 2
#: The most texts of a campaign that go out together on unused times, and the segments for which those are kept.
_TOGETHER = 5
#: How late a job may be, in milliseconds, without losing its time: one second by the queue, and two by busy workers.
_MAX_LATE_MS = 3_000


def segments_per_second(number_e164: str) -> int:
    """Returns the rate of a number: that of a long code, a toll-free number or a short code."""
    kind = _type_of(number_e164)
    return max(1, settings.number(f"TEXTS_PER_SECOND_{kind}", _RATES[kind]))


def _type_of(number_e164: str) -> str:
    if len(number_e164.removeprefix("+")) <= _SHORT_CODE_DIGITS:
        return "SHORT_CODE"
    try:
        return "TOLL_FREE" if phone.parse(number_e164).kind is NumberKind.TOLL_FREE else "LONG_CODE"
    except Invalid:
        return "LONG_CODE"


def take_slots(number: Number, wanted: Sequence[int]) -> int:
    """Takes present times of a number for texts of a campaign, and returns for how many: those of about one second.

    `wanted` are the segments of the texts, in their order. A text of more segments than a second has is taken alone.
    Returns 0 while single texts wait for the number. Needs one request as a rule. A taken time that is not used is
    lost. A campaign that asks a little late gets the times that it missed in the last two seconds.
    """
    if number.provider == "simulator":
        return len(wanted)
    now, rate = _now_ms(), segments_per_second(number.e164)
    if len(wanted) <= _TOGETHER and (together := _take_unused(number, wanted, now, rate)):
        return together
    taken = 0
    for _ in range(_ROUNDS):
        more, segments = _count_fitting(wanted[taken:], rate)
        if not more:
            break
        span = math.ceil(segments * 1_000 / rate)
        tail = pacing_store.continue_slots(number.org_id, number.id, now, now - _MISSED_MS, span)
        if tail is None and not taken and pacing_store.take_present_slots(number.org_id, number.id, now, now + span):
            return more
        if tail is None:
            break
        taken += more
        if tail > now:
            break
    return taken


def count_together(number_e164: str, segments: int) -> int:
    """Returns how many texts of so many segments a campaign's turn may send on unused times of a number. At least 1."""
    rate = segments_per_second(number_e164)
    return max(1, min(_TOGETHER, _kept_ms(rate) * rate // 1_000 // segments))


def _kept_ms(rate: int) -> int:
    """Returns for how long a campaign may take unused times, in milliseconds."""
    return max(_MISSED_MS, math.ceil(_TOGETHER * 1_000 / rate))


def _take_unused(number: Number, wanted: Sequence[int], now: int, rate: int) -> int:
    """Takes times for several texts, all unused and none later than a second from now. Returns for how many texts."""
    missed = _kept_ms(rate)
    count, segments = _count_fitting(wanted, (missed + 1_000) * rate // 1_000)
    if count < 2:
        return 0
    span = math.ceil(segments * 1_000 / rate)
    since, latest = now - missed, min(now, now + 1_000 - span)
    if pacing_store.take_present_slots(number.org_id, number.id, since, since + span):
        return count
    return count if pacing_store.continue_slots(number.org_id, number.id, latest, since, span) is not None else 0


def _count_fitting(wanted: Sequence[int], room: int) -> tuple[int, int]:
    """Returns how many of the texts have `room` for their segments, and their segments together. At least the first."""
    segments = list(accumulate(wanted))
    count = max(1, bisect_right(segments, room)) if segments else 0
    return count, segments[count - 1] if count else 0


def reserve_slot(message: TextMessage, slot: int | None) -> int | None:
    """Reserves the time of a single text. Returns `None` if it may go out now, or its later time in milliseconds.

    `slot` is the time that the text reserved before, if it did. Raises Contended if other reservations keep winning.
    """
    now, interval = _now_ms(), _interval_ms(message)
    if message.simulated or (slot is not None and slot <= now <= slot + _MAX_LATE_MS):
        return None
    if slot is not None and now < slot:
        return slot

    def attempt() -> int | None:
        present = _now_ms()
        if pacing_store.take_present_slots(message.org_id, message.number_id, present, present + interval):
            return None
        later = pacing_store.reserve_next_slot(message.org_id, message.number_id, present, interval)
        if later is None:
            raise StaleVersionError
        return later

    return retry_on_conflict(attempt)


def moment_of(slot: int) -> datetime:
    """Returns a reserved time."""
    return datetime.fromtimestamp(slot / 1_000, UTC)


def _interval_ms(message: TextMessage) -> int:
    return math.ceil(message.segments * 1_000 / segments_per_second(message.number_e164))


def _now_ms() -> int:
    return int(clock.epoch() * 1_000)
