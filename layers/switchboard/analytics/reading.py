"""Reads the counts of a range, and adds them up.

At any number of calls it is one round trip. One request reads tallies by their keys. At most two more read the tallies
of many days, and at most two the single calls of the first and the last quarter of an hour. The lines of flows, if they
are wanted, are at most four requests more: of the days, and of the hours at both ends.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

from switchboard.analytics import facts, store
from switchboard.analytics.facts import QUARTER_MINUTES, TallyKey, day_of, hour_of
from switchboard.analytics.models import CallFact, CallFigures, CallRange, CountedNames, DayFigures
from switchboard.analytics.ranges import divide_range
from switchboard.aws.reads import Ref
from switchboard.kit import clock
from switchboard.kit.background import BackgroundTask

#: A batch reads 100 keys. The caller may add its own.
_MAX_DAY_KEYS = 40
_DAY = timedelta(days=1)


class RangeSums:
    """The sums of a range."""

    def __init__(self, wanted: CallRange, flow_id: str | None) -> None:
        self.wanted, self._flow_id = wanted, flow_id
        self.names = CountedNames()
        self._counts: Counter[str] = Counter()
        self._calls: Counter[date] = Counter()
        self._seconds: Counter[date] = Counter()
        self.hours = [0] * 24

    @property
    def totals(self) -> CallFigures:
        """All calls of the range."""
        return CallFigures(**{name: self._counts[name] for name in CallFigures._fields})

    @property
    def days(self) -> list[DayFigures]:
        """Each day that the range touches."""
        start, end = (
            moment.astimezone(self.wanted.zone).date()
            for moment in (self.wanted.start, self.wanted.end - timedelta(milliseconds=1))
        )
        days = [start + timedelta(days=place) for place in range((end - start).days + 1)]
        return [DayFigures(day, self._calls[day], self._seconds[day]) for day in days]

    @property
    def outcomes(self) -> dict[str, int]:
        """The calls with each outcome, the most frequent first. Outcomes beyond the limit of names are `other`."""
        found = Counter[str]()
        for kind, number, calls in self._lines("o"):
            del kind
            found[_name(self.names.outcomes, number) or "other"] += calls
        return dict(sorted(found.items(), key=lambda one: (-one[1], one[0])))

    @property
    def sentiments(self) -> dict[str, int]:
        """The calls with each sentiment."""
        return {word: calls for _, word, calls in self._lines("s")}

    @property
    def flows(self) -> dict[str | None, CallFigures]:
        """The calls of each flow, the most calls first. `None` stands for no flow, and for flows beyond the limit."""
        found: dict[str | None, Counter[str]] = {}
        for name, by in self._counts.items():
            kind, _, rest = name.partition(":")
            if kind == "f" and by:
                number, _, counter = rest.partition(":")
                found.setdefault(_name(self.names.flows, number), Counter())[counter] += by
        figures = {flow_id: CallFigures(**counts) for flow_id, counts in found.items()}
        return dict(sorted(figures.items(), key=lambda one: (-one[1].calls, one[0] or "")))

    def _lines(self, kind: str) -> Iterable[tuple[str, str, int]]:
        for name, by in self._counts.items():
            first, _, rest = name.partition(":")
            if first == kind and by:
                yield first, rest, by

    def add_day(self, day: datetime, tally: Counter[str]) -> None:
        """Adds the tally of a day."""
        for name, by in tally.items():
            kind, _, rest = name.partition(":")
            if kind == "q":
                quarter, _, counter = rest.partition(":")
                self._place(day + timedelta(minutes=QUARTER_MINUTES * int(quarter)), counter, by)
            else:
                self._counts[name] += by

    def add_quarters(self, hour: datetime, tally: Counter[str], has_quarter: Callable[[datetime], bool]) -> None:
        """Adds the quarters of an hour that are in the range."""
        for name, by in tally.items():
            quarter, _, counter = name.partition(":")
            moment = hour + timedelta(minutes=QUARTER_MINUTES * int(quarter))
            if has_quarter(moment):
                self._counts[counter] += by
                self._place(moment, counter, by)

    def add_fact(self, fact: CallFact) -> None:
        """Adds a single call."""
        if self._flow_id not in (None, fact.flow_id):
            return
        for name, by in facts.counts_of(fact, self._flow_id).items():
            self._counts[name] += by
            self._place(clock.parse(fact.created_at), name, by)

    def _place(self, moment: datetime, counter: str, by: int) -> None:
        if counter not in ("calls", "seconds"):
            return
        local = moment.astimezone(self.wanted.zone)
        if counter == "seconds":
            self._seconds[local.date()] += by
            return
        self._calls[local.date()] += by
        self.hours[local.hour] += by


def _name(names: Sequence[str], number: str) -> str | None:
    return names[int(number)] if number.isdigit() and int(number) < len(names) else None


class RangeReading:
    """The reads of a range. The caller reads `refs`, perhaps with others, between `start` and `sums`.

    `with_lines` also reads the lines of flows.
    """

    def __init__(self, org_id: str, flow_id: str | None, wanted: CallRange, *, with_lines: bool = False) -> None:
        self._flow_id, self._wanted = flow_id, wanted
        self._parts = divide_range(wanted.start, wanted.end)
        self._hours = self._parts.hours()
        days = self._parts.days
        self._days = days if len(days) <= _MAX_DAY_KEYS else []
        self.refs: list[Ref[Any]] = [
            store.names_ref(org_id),
            *(store.tally_ref(org_id, TallyKey(flow_id, hour_of(hour))) for hour in self._hours),
            *(store.tally_ref(org_id, TallyKey(flow_id, day_of(day))) for day in self._days),
        ]
        halves = _halves(days) if len(days) > _MAX_DAY_KEYS else []
        self._of_days = [
            BackgroundTask(partial(_list_days, org_id, flow_id, day_of(half[0]), day_of(half[-1]))) for half in halves
        ]
        spans = [(day_of(part[0]), day_of(part[-1])) for part in (halves or [days] if days else [])]
        # `end` is not a part of its span.
        spans += [(hour_of(start), hour_of(end - timedelta(minutes=1))) for start, end in self._parts.quarters]
        self._of_lines = [BackgroundTask(partial(_list_lines, org_id, *span)) for span in spans if with_lines]
        self._of_calls = [BackgroundTask(partial(_list_facts, org_id, start, end)) for start, end in self._parts.calls]

    def start(self) -> None:
        """Starts the reads beside `refs`."""
        for of_days in self._of_days:
            of_days.start()
        for of_lines in self._of_lines:
            of_lines.start()
        for of_calls in self._of_calls:
            of_calls.start()

    def sums(self, answers: Sequence[Any]) -> RangeSums:
        """Returns the sums. `answers` are the objects of `refs`."""
        found = RangeSums(self._wanted, self._flow_id)
        names, *tallies = answers
        found.names = names or CountedNames()
        hours, days = tallies[: len(self._hours)], tallies[len(self._hours) :]
        for hour, tally in zip(self._hours, hours, strict=True):
            found.add_quarters(hour, tally or Counter(), self._parts.has_quarter)
        for day, tally in zip(self._days, days, strict=True):
            found.add_day(day, tally or Counter())
        for task in self._of_days:
            for period, tally in task.result():
                found.add_day(_time_of(period), tally)
        for of_lines in self._of_lines:
            for period, tally in of_lines.result():
                if period.startswith("day#"):
                    found.add_day(_time_of(period), tally)
                else:
                    found.add_quarters(_time_of(period), tally, self._parts.has_quarter)
        for of_calls in self._of_calls:
            for fact in of_calls.result():
                found.add_fact(fact)
        return found


def _halves(days: list[datetime]) -> list[list[datetime]]:
    middle = len(days) // 2
    return [days[:middle], days[middle:]]


def _time_of(period: str) -> datetime:
    """Returns the beginning of an hour or a day."""
    return datetime.fromisoformat(period.partition("#")[2]).replace(tzinfo=UTC)


def _list_lines(org_id: str, first: str, last: str) -> list[tuple[str, Counter[str]]]:
    return list(store.list_flow_lines(org_id, first, last))


def _list_days(org_id: str, flow_id: str | None, first: str, last: str) -> list[tuple[str, Counter[str]]]:
    return list(store.list_days(org_id, flow_id, first, last))


def _list_facts(org_id: str, start: datetime, end: datetime) -> list[CallFact]:
    return list(store.list_facts(org_id, start, end))
