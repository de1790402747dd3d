"""The length of a call, and the times that agree with it: one rule for reported, supposed and corrected ends.

The times of a record come from several clocks: ours, the line's and the talker's. After this rule they agree:
`started_at <= answered_at <= ended_at`, and `duration_seconds` is the time between the last two, in rounded seconds.
The reported length counts, because the provider charges it. So the end moves, and the answer if the end cannot.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from switchboard.calls.models import OVER_STATES, Call
from switchboard.carriers.voice.ports.reports import Turn
from switchboard.kit import clock
from switchboard.kit.spoken_times import limit_times

#: The maximum length of a call.
TALK_LIMIT = timedelta(hours=1)
TALK_LIMIT_SECONDS = int(TALK_LIMIT.total_seconds())
#: The length of a call whose end nobody reported. It may have ended at any time, so only the first minute is charged.
_UNREPORTED_SECONDS = 60
#: The maximum length to believe, in seconds. No provider allows a call of more than four hours.
_MAX_REPORTED_SECONDS = 4 * 3_600


class CallTimes(NamedTuple):
    """When a call was answered and ended, and its length in seconds. It is 0 without an answer."""

    answered_at: str | None
    ended_at: str
    seconds: int


def fit_times(call: Call, end: datetime, reported: int | None, *, provisional: bool = False) -> CallTimes:
    """Returns the times of a call with the answer in `call`. `reported` is the line's length in seconds, if it told.

    A `provisional` end is our own conclusion.
    """
    if not call.answered_at:
        # Some providers report the ringing time.
        return CallTimes(None, clock.format_iso(max(_begin(call), end)), 0)
    answered = max(_begin(call), clock.parse(call.answered_at))
    ended = max(answered, end)
    passed = clock.seconds_between(answered, ended)
    if reported is None:
        # A lost report must not cost the customer.
        seconds = min(passed, _UNREPORTED_SECONDS if provisional else TALK_LIMIT_SECONDS)
    else:
        seconds = limit_seconds(reported)
    if seconds != passed:
        length = timedelta(seconds=seconds)
        if answered + length > clock.now():
            # The report of the answer had no time of its own, and came late.
            answered = max(_begin(call), ended - length)
        ended = answered + length
    return CallTimes(clock.format_iso(answered), clock.format_iso(ended), seconds)


def suppose_answer(call: Call, end: datetime, seconds: int | None) -> str:
    """Returns when a call was answered, by its end and its length. Without a length it was answered at its end."""
    return clock.format_iso(max(min(_begin(call), end), end - timedelta(seconds=limit_seconds(seconds or 0))))


def limit_seconds(seconds: int) -> int:
    """Limits a reported length to possible values, in seconds."""
    return max(0, min(seconds, _MAX_REPORTED_SECONDS))


def count_minutes(seconds: int) -> int:
    """Returns the started minutes of a length in seconds. They are what a call costs."""
    return -(-seconds // 60)


def fit_turns(call: Call, turns: Iterable[Turn]) -> Iterator[Turn]:
    """Yields the turns of a call with times within the call. A talker's clock may run ahead of the line's.

    A call that nobody answered has no talk: what a talker says before the answer reaches nobody.
    """
    if call.state not in OVER_STATES or call.ended_at is None:
        yield from turns
        return
    if call.answered_at is None:
        return
    yield from limit_times(turns, clock.parse(call.ended_at) - clock.parse(call.answered_at))


def _begin(call: Call) -> datetime:
    return clock.parse(call.started_at or call.created_at)
