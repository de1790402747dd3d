"""Reads the counts of a range, and adds them up.

At any number of calls it is one round trip. One request reads tallies by their keys. At most three more read the days
and the single calls of the first and the last quarter of an hour. The report of an organization takes a second round
trip for the lines of flows in the hours at both ends: only then is it known how many flows there are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

from switchboard.analytics import facts, message_tallies, store
from switchboard.analytics.facts import FLOWS_PER_GROUP, LINE_COUNTERS, QUARTER_MINUTES, TallyKey, day_of, hour_of
from switchboard.analytics.models import CallFact, CallFigures, CallRange, CountedNames, DayFigures, MessageFigures
from switchboard.analytics.ranges import divide_range
from switchboard.aws.dynamodb import Item
from switchboard.aws.reads import Ref
from switchboard.kit import clock
from switchboard.kit.background import BackgroundTask

#: A batch reads 100 keys. The caller may add its own.
_MAX_DAY_KEYS = 40
#: Queries of days and of single calls, all at once. Long ranges have their days in parts, so that a query seldom needs
#: a second page of one megabyte.
_MAX_QUERIES, _MIN_DAYS_OF_PART = 3, 92
_COUNTER_OF_LETTER = {name[0]: name for name in LINE_COUNTERS}
_QUARTER_COUNTERS = {"c": "calls", "s": "seconds"}


class RangeSums:
    """The sums of a range."""

    def __init__(self, wanted: CallRange, flow_id: str | None) -> None:
        self.wanted, self._flow_id = wanted, flow_id
        self.names = CountedNames()
        self._counts: Counter[str] = Counter()
        self._calls: Counter[date] = Counter()
        self._seconds: Counter[date] = Counter()
        self.hours = [0] * 24
        self.texts = MessageFigures()

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
            if facts.is_flow_line(name) and by:
                flow_id = _name(self.names.flows, name[1:-1])
                found.setdefault(flow_id, Counter())[_COUNTER_OF_LETTER[name[-1]]] += by
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
            if name[1:].isdigit():
                quarter = timedelta(minutes=QUARTER_MINUTES * int(name[1:]))
                self._place(day + quarter, _QUARTER_COUNTERS[name[0]], by)
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

    With `whole`, it also reads the texts of the organization, and the lines of its flows. The caller then adds
    `read_lines` to the sums.
    """

    def __init__(self, org_id: str, flow_id: str | None, wanted: CallRange, *, whole: bool = False) -> None:
        self._org_id, self._flow_id, self._wanted, self._whole = org_id, flow_id, wanted, whole
        self._parts = divide_range(wanted.start, wanted.end)
        self._hours = self._parts.hours()
        days = self._parts.days
        self._days = [] if whole or len(days) > _MAX_DAY_KEYS else days
        self.refs: list[Ref[Any]] = [
            store.names_ref(org_id),
            *(store.tally_ref(org_id, TallyKey(flow_id, hour_of(hour))) for hour in self._hours),
            *(store.tally_ref(org_id, TallyKey(flow_id, day_of(day))) for day in self._days),
            *(message_tallies.edge_refs(org_id, wanted.start, wanted.end) if whole else ()),
        ]
        self._of_calls = [BackgroundTask(partial(_list_facts, org_id, start, end)) for start, end in self._parts.calls]
        parts = _parts_of(days, _MAX_QUERIES - len(self._of_calls)) if len(days) > len(self._days) else []
        self._of_days = [
            BackgroundTask(partial(store.list_tallies, org_id, flow_id, _first_key(part[0], days[0]), day_of(part[-1])))
            for part in parts
        ]

    def start(self) -> None:
        """Starts the reads beside `refs`."""
        for of_days in self._of_days:
            of_days.start()
        for of_calls in self._of_calls:
            of_calls.start()

    def sums(self, answers: Sequence[Any]) -> RangeSums:
        """Returns the sums. `answers` are the objects of `refs`."""
        found = RangeSums(self._wanted, self._flow_id)
        names, *tallies = answers
        found.names = names or CountedNames()
        hours, tallies = tallies[: len(self._hours)], tallies[len(self._hours) :]
        days, edges = tallies[: len(self._days)], tallies[len(self._days) :]
        for hour, tally in zip(self._hours, hours, strict=True):
            found.add_quarters(hour, tally or Counter(), self._parts.has_quarter)
        for day, tally in zip(self._days, days, strict=True):
            found.add_day(day, tally or Counter())
        items = [item for of_days in self._of_days for item in of_days.result()]
        for item in items:
            if not message_tallies.is_month(item) and (day := _time_of(item)) >= self._parts.days[0]:
                found.add_day(day, store.read_tally(item))
        for of_calls in self._of_calls:
            for fact in of_calls.result():
                found.add_fact(fact)
        if self._whole:
            months = filter(message_tallies.is_month, items)
            of_edges = [edge for edge in edges if edge]
            sums = message_tallies.sum_range(months, of_edges, self._wanted.start, self._wanted.end)
            found.texts = MessageFigures(**sums)
        return found

    def line_refs(self, names: CountedNames) -> list[Ref[Counter[str]]]:
        """Returns the references to the lines of flows in the hours at both ends of the range."""
        groups = range(-(-max(len(names.flows), 1) // FLOWS_PER_GROUP))
        return [
            store.tally_ref(self._org_id, TallyKey(None, hour_of(hour), group))
            for hour in self._hours
            for group in groups
        ]

    def add_lines(self, sums: RangeSums, lines: Sequence[Counter[str] | None]) -> None:
        """Adds the objects of `line_refs` to the sums."""
        groups = len(lines) // len(self._hours) if self._hours else 0
        for place, tally in enumerate(lines):
            sums.add_quarters(self._hours[place // groups], tally or Counter(), self._parts.has_quarter)


def _parts_of(days: list[datetime], most: int) -> list[list[datetime]]:
    """Returns at most so many parts of days, each with enough of them for a query of its own."""
    number = max(1, min(most, len(days) // _MIN_DAYS_OF_PART))
    size = -(-len(days) // number)
    return [days[begin : begin + size] for begin in range(0, len(days), size)]


def _time_of(item: Item) -> datetime:
    """Returns the beginning of the day of a tally."""
    return datetime.fromisoformat(str(item["sk"]).split("#")[1]).replace(tzinfo=UTC)


def _first_key(day: datetime, first: datetime) -> str:
    """Returns the sort key from which a part of the days is read."""
    # The texts of a month stand before its first day. The first part also begins with those of its month.
    return day_of(day)[: len("day#YYYY-MM")] if day == first or day.day == 1 else day_of(day)


def _list_facts(org_id: str, start: datetime, end: datetime) -> list[CallFact]:
    return list(store.list_facts(org_id, start, end))
