"""Computes the fact of a call, and the tallies that a fact adds to. Both are pure.

The tallies are always the sum of all facts: a change of a fact and the difference to its tallies are one commit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from switchboard.analytics.models import MAX_FLOWS, MAX_OUTCOMES, REST, SENTIMENTS, CallFact, CountedNames
from switchboard.calls.models import OVER_STATES, Call, State
from switchboard.carriers.voice.ports.reports import EndReason
from switchboard.kit import clock

#: Tallies count by quarters of an hour: in every time zone a day and an hour begin at one of them.
QUARTER_MINUTES = 15
#: How many flows have their lines in one item. DynamoDB charges an update for the whole item, so few lines are cheap to
#: write. All lines in the organization's own tallies cost each event of 500 flows 300 times as much as of one flow.
FLOWS_PER_GROUP = 10
#: The counters of a flow's line. Their first letters stand for them in a tally.
LINE_COUNTERS = ("calls", "answered", "talks", "seconds")


class TallyKey(NamedTuple):
    """A tally of an hour (`hour#2026-01-15T17`) or a day (`day#2026-01-15`) in UTC.

    It is that of the whole organization or of one flow. With a `group` it has the lines of a group of flows in the
    organization's reports, and nothing else.
    """

    flow_id: str | None
    period: str
    group: int | None = None


Tallies = Mapping[TallyKey, Counter[str]]


def is_counted(call: Call) -> bool:
    """Whether a call is counted. Calls of test keys and test calls of flows are not."""
    return not (call.simulated or call.is_test)


def make_fact(call: Call, sentiment: str | None, names: CountedNames) -> tuple[CallFact, CountedNames]:
    """Returns what is counted of a call, and the names with those of this call."""
    flows, flow = _number(names.flows, call.flow_id, MAX_FLOWS)
    outcomes, outcome = _number(names.outcomes, call.outcome, MAX_OUTCOMES)
    is_over, machine = call.state in OVER_STATES, call.end_reason is EndReason.VOICEMAIL
    answered = call.connected_at is not None and not machine and (not is_over or _is_talk(call))
    fact = CallFact(
        call_id=call.id,
        created_at=call.created_at,
        call_version=call.version,
        flow_id=call.flow_id,
        flow=flow,
        inbound=call.direction == "INBOUND",
        answered=answered,
        voicemail=machine or call.took_voicemail,
        transferred=call.transferred_to is not None,
        seconds=call.duration_seconds or 0 if answered and is_over else None,
        outcome=outcome,
        sentiment=sentiment if sentiment in SENTIMENTS else None,
    )
    return fact, names.model_copy(update={"flows": flows, "outcomes": outcomes})


def _is_talk(call: Call) -> bool:
    # An answer that is reported after an end that we supposed has no length yet. The report of the end counts it.
    return call.state in (State.ENDING, State.COMPLETED) or bool(call.duration_seconds)


def _number(known: list[str], name: str | None, most: int) -> tuple[list[str], int | None]:
    if name is None:
        return known, None
    if name in known:
        return known, known.index(name)
    return ([*known, name], len(known)) if len(known) < most else (known, REST)


def tallies_of(fact: CallFact) -> Tallies:
    """Returns what a fact adds to each of its tallies."""
    moment = clock.parse(fact.created_at)
    quarter = moment.minute // QUARTER_MINUTES
    of_day = moment.hour * 4 + quarter
    counts, lines = _counts(fact), _flow_line(fact)
    day = counts + Counter({f"{name[0]}{of_day}": counts[name] for name in ("calls", "seconds")})
    found: dict[TallyKey, Counter[str]] = {}
    for flow_id in dict.fromkeys((None, fact.flow_id)):
        found |= {
            TallyKey(flow_id, hour_of(moment)): _in_quarter(quarter, counts),
            TallyKey(flow_id, day_of(moment)): day,
        }
    group = max(fact.flow or 0, 0) // FLOWS_PER_GROUP
    return found | {
        TallyKey(None, hour_of(moment), group): _in_quarter(quarter, lines),
        TallyKey(None, day_of(moment), group): lines,
    }


def _in_quarter(quarter: int, counts: Counter[str]) -> Counter[str]:
    return Counter({f"{quarter}:{name}": by for name, by in counts.items()})


def hour_of(moment: datetime) -> str:
    """Returns the period of a tally: the hour of a moment in UTC."""
    return f"hour#{moment:%Y-%m-%dT%H}"


def day_of(moment: datetime) -> str:
    """Returns the period of a tally: the day of a moment in UTC."""
    return f"day#{moment:%Y-%m-%d}"


def counts_of_group(fact: CallFact) -> Counter[str]:
    """Returns the counts that a fact has in every group of calls."""
    return Counter(
        {
            "calls": 1,
            "inbound": int(fact.inbound),
            "answered": int(fact.answered),
            "voicemails": int(fact.voicemail),
            "transfers": int(fact.transferred),
            "talks": int(fact.seconds is not None),
            "seconds": fact.seconds or 0,
        }
    )


def _flow_line(fact: CallFact) -> Counter[str]:
    """Returns the counts of a fact in the line of its flow."""
    group = counts_of_group(fact)
    flow = "" if fact.flow is None else fact.flow
    return +Counter({f"f{flow}{name[0]}": group[name] for name in LINE_COUNTERS})


def is_flow_line(name: str) -> bool:
    """Whether a counter belongs to the line of a flow."""
    return name.startswith("f")


def _counts(fact: CallFact) -> Counter[str]:
    counts = +counts_of_group(fact)
    if fact.outcome is not None:
        counts[f"o:{fact.outcome}"] = 1
    if fact.sentiment is not None:
        counts[f"s:{fact.sentiment}"] = 1
    return counts


def counts_of(fact: CallFact, flow_id: str | None) -> Counter[str]:
    """Returns the counts of a fact among the calls of an organization, or of one flow."""
    return _counts(fact) + _flow_line(fact) if flow_id is None else _counts(fact)


def difference(before: CallFact | None, after: CallFact | None) -> Tallies:
    """Returns what a change of a fact adds to the tallies. Tallies without a difference are left out."""
    old = tallies_of(before) if before else {}
    new = tallies_of(after) if after else {}
    found: dict[TallyKey, Counter[str]] = {}
    for key in dict.fromkeys((*old, *new)):
        changed = Counter(new.get(key, Counter()))
        changed.subtract(old.get(key, Counter()))
        added = Counter({name: by for name, by in changed.items() if by})
        if added:
            found[key] = added
    return found
