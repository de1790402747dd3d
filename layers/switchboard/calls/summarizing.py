"""Summarizes the talk of a call after its end, once.

The end of each answered call starts a job. The job waits some seconds for late turns. Then it asks
the language port, and commits the summary with its event. A second run finds the call summarized.

The words of an answering machine are nobody's wish: such a call has no outcome. A talk without words of the caller
needs no model. Neither does a simulated call, which must cost nothing. Where the model refuses, is throttled for long,
or has reached the organization's daily limit, rules make the summary.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from itertools import islice
from typing import Any

from switchboard import telemetry
from switchboard.accounts import organizations
from switchboard.aws.writes import commit
from switchboard.calls import changes, ending, store, summaries, summarizers
from switchboard.calls.changes import CallChange
from switchboard.calls.jobs import SummarizeCall
from switchboard.calls.models import AGENT_SPEAKER, CONSOLE_SOURCE, EVENT_SOURCE, FINAL_STATES, Call, CallerMessageState
from switchboard.calls.summaries import CallSummary
from switchboard.calls.summarizers import RULES
from switchboard.calls.summarizers.models import Party, TalkSummary, TalkTurn
from switchboard.errors import NotFound, QuotaExceeded
from switchboard.flows import service as flows
from switchboard.flows import values
from switchboard.kit import chance, clock, texts
from switchboard.persistence.collection import next_version
from switchboard.timers import service as timers
from switchboard.usage import service as usage

#: How long after the end late turns may still arrive.
SETTLE_TIME = timedelta(seconds=5)
#: How long after the end a busy model is asked again, and about how long between two attempts.
_MODEL_LIMIT, _THROTTLE_DELAY = timedelta(minutes=10), timedelta(seconds=30)
#: The most talks of an organization that a model summarizes in a day. A bug or an attack must not cost more.
MODEL_SUMMARIES_PER_DAY = 5_000
#: The most turns and characters that are read. A longer talk keeps its beginning and its end.
MAX_TURNS, MAX_CHARACTERS = 2_000, 24_000
_MIN_WORDS = 3
_LEFT = (CallerMessageState.LEFT, CallerMessageState.RECORDED)
#: A larger outcome is not kept, and no deeper one than `texts.MAX_JSON_DEPTH`.
MAX_OUTCOME_CHARACTERS = 16_000
_MAX_OUTCOME_NAME = 60


def summarize_call(org_id: str, call_id: str, tries: int = 0) -> None:
    """Summarizes a call that is over. Does nothing for a call without an answer, or with a summary.

    `tries` is the number of earlier runs in which the model was busy. Only the first one counts as a use of the model.
    """
    call = store.CALLS.get_object(org_id, call_id)
    if call is None or call.summarized_at or call.state not in FINAL_STATES or not call.connected_at:
        telemetry.log_skip("the call has no talk to summarize now", org_id=org_id, call_id=call_id)
        return
    if _ended_within(call, SETTLE_TIME):
        _summarize_later(call, SETTLE_TIME, tries)
        return
    turns = _read_turns(call)
    schema = None if _met_machine(call) else _find_schema(call)
    try:
        if _met_machine(call):
            made_by, found = RULES, _summarize_machine(call)
        else:
            made_by, found = _summarize(call, turns, schema, tries)
    except summarizers.ThrottledError:
        _summarize_later(call, _THROTTLE_DELAY * chance.between(0.5, 1.5), tries + 1)
        return
    # A talk without words has no outcome that could be wrong.
    wanted = schema if _has_words(turns) else None
    summary = _checked(found, wanted, made_by=made_by, turns=len(turns))
    store.CALLS.change_object(org_id, call_id, lambda now: _summarized(now, summary))


def _read_turns(call: Call) -> list[TalkTurn]:
    found = list(islice(store.list_turns(call.org_id, call.id), MAX_TURNS))
    if len(found) == MAX_TURNS:
        head = found[: MAX_TURNS // 4]
        latest = store.list_turns(call.org_id, call.id, newest_first=True)
        found = [*head, *reversed(list(islice(latest, MAX_TURNS - len(head))))]
    return [TalkTurn(turn.speaker == AGENT_SPEAKER, turn.text) for turn in found]


def _ended_within(call: Call, time: timedelta) -> bool:
    return clock.parse(call.over_since) + time > clock.now()


def _summarize_later(call: Call, pause: timedelta, tries: int) -> None:
    telemetry.log_skip("the call is summarized later", org_id=call.org_id, call_id=call.id)
    job = SummarizeCall(org_id=call.org_id, call_id=call.id, tries=tries)
    commit(timers.schedule(job, clock.now() + pause).write)


def _met_machine(call: Call) -> bool:
    """Whether our side talked to a machine. Only a person is transferred, or asks for no more calls."""
    person = call.opted_out_at or call.transferred_to
    return call.direction == "OUTBOUND" and ending.is_machine(call.answered_by) and not person


def _summarize_machine(call: Call) -> TalkSummary:
    left = " Our message was left." if call.message_left_at else ""
    return TalkSummary(f"A machine answered.{left}", [], [], "neutral", {})


def _find_schema(call: Call) -> dict[str, Any] | None:
    """Returns the schema of the outcome, by the version of the flow with which the call began."""
    if call.flow_id is None:
        return None
    try:
        if call.flow_version is not None:
            return flows.get_flow_version(call.org_id, call.flow_id, call.flow_version).outcome_schema
        return flows.get_flow(call.org_id, call.flow_id).outcome_schema
    except NotFound:
        return None


def _summarize(
    call: Call, turns: Sequence[TalkTurn], schema: dict[str, Any] | None, tries: int
) -> tuple[str, TalkSummary]:
    """Returns the name of the summarizer, and its summary. Raises ThrottledError if the model shall be asked again."""
    if not _has_words(turns):
        return RULES, _summarize_silence(call, turns)
    party = _party(call)
    chosen = summarizers.choose_summarizer(modeled=not call.simulated)
    if chosen.name == RULES:
        return RULES, chosen.summarize(turns, schema, party)
    try:
        if not tries:
            _count_model_use(call)
        return chosen.name, chosen.summarize(_shorten(turns), schema, party)
    except summarizers.ThrottledError:
        if _ended_within(call, _MODEL_LIMIT):
            raise
        reason = "the model is throttled"
    except summarizers.RefusedError as refusal:
        reason = str(refusal)
    except QuotaExceeded:
        reason = "the organization's daily limit is reached"
    telemetry.emit_metric("SummaryWithoutModel")
    telemetry.logger().warning("summary without a model", extra={"call_id": call.id, "reason": reason})
    return RULES, summarizers.choose_summarizer(modeled=False).summarize(turns, schema, party)


def _party(call: Call) -> Party:
    return "caller" if call.direction == "INBOUND" else "person"


def _has_words(turns: Sequence[TalkTurn]) -> bool:
    """Whether the other party said more than a word or two."""
    return sum(len(turn.text.split()) for turn in turns if not turn.by_agent) >= _MIN_WORDS


def _summarize_silence(call: Call, turns: Sequence[TalkTurn]) -> TalkSummary:
    said = " ".join(" ".join(turn.text for turn in turns if not turn.by_agent).split())
    if said:
        tldr = f"The {_party(call)} said only: “{said[:100]}”"
    elif call.voicemail in _LEFT:
        tldr = "The caller left a message."
    else:
        tldr = f"The {_party(call)} said nothing." if turns else "Nobody spoke."
    return TalkSummary(tldr, [], [], "neutral")


def _count_model_use(call: Call) -> None:
    """Counts a use of the model before it costs money. Raises QuotaExceeded at the organization's daily limit."""
    org = organizations.get_organization(call.org_id)
    usage.commit_within([usage.unbilled_charge(org, "model_summaries", MODEL_SUMMARIES_PER_DAY)])


def _shorten(turns: Sequence[TalkTurn]) -> list[TalkTurn]:
    """Returns the turns, those of a long talk without its middle: the end says what was agreed."""
    head = _take(turns, MAX_CHARACTERS // 4)
    tail = _take(list(reversed(turns[len(head) :])), MAX_CHARACTERS * 3 // 4)
    return [*head, *reversed(tail)]


def _take(turns: Sequence[TalkTurn], characters: int) -> list[TalkTurn]:
    taken: list[TalkTurn] = []
    for turn in turns:
        if characters <= 0:
            break
        taken.append(turn._replace(text=turn.text[:characters]))
        characters -= len(turn.text)
    return taken


def _checked(found: TalkSummary, schema: dict[str, Any] | None, *, made_by: str, turns: int) -> CallSummary:
    """Returns the summary with its outcome checked against the schema. An outcome that does not fit is kept."""
    outcome, errors = None, []
    if schema is not None:
        outcome = found.outcome or {}
        # The depth first: the text of a deep value is made by recursion.
        if texts.is_deeper(outcome):
            outcome, errors = {}, ["was nested too deeply to keep"]
        elif len(json.dumps(outcome)) > MAX_OUTCOME_CHARACTERS:
            outcome, errors = {}, ["was too large to keep"]
        else:
            errors = values.validate_value(schema, outcome)
    return CallSummary(
        tldr=found.tldr,
        key_points=found.key_points,
        next_actions=found.next_actions,
        sentiment=found.sentiment,
        outcome_data=outcome,
        outcome_valid=None if schema is None else not errors,
        outcome_errors=errors,
        made_by=made_by,
        turns=turns,
        created_at=clock.now_iso(),
    )


def _summarized(call: Call, summary: CallSummary) -> CallChange:
    if call.summarized_at:
        return None  # another run of the job was faster
    after = next_version(call, summarized_at=summary.created_at, **_row_facts(call, summary))
    facts = {"sentiment": summary.sentiment, "made_by": texts.to_code(summary.made_by), "turns": summary.turns}
    told = [changes.event_writes(after, "voice.call.summarized", **facts)]
    if summary.outcome_valid is not None:
        told.append(changes.event_writes(after, "voice.call.outcome_captured", valid=summary.outcome_valid))
    return after, [summaries.summary_write(call, summary), *told]


def _row_facts(call: Call, summary: CallSummary) -> dict[str, Any]:
    """Returns what lists show. A caller of another API keeps the analysis that its contract promises.

    A model's text replaces the provider's analysis of the talk, and a text by rules, which says less, does not.
    """
    if call.source not in (CONSOLE_SOURCE, EVENT_SOURCE) and call.direction != "INBOUND":
        return {"summary": call.summary or summary.tldr}
    told = (call.summary if summary.made_by == RULES else None) or summary.tldr
    named = (summary.outcome_data or {}).get("outcome")
    if summary.outcome_valid and isinstance(named, str) and 0 < len(named) <= _MAX_OUTCOME_NAME:
        return {"summary": told, "outcome": named}
    return {"summary": told}
