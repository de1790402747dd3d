"""Records the content of a call: turns, tool uses and pressed keys. Recognizes requests for no more calls.

These reports do not write the call item, so that they do not conflict there. Only an opt-out writes it, once.

A person who was called opts out by any request or key, and is not kept on the line. A person who calls us opts out of
our calls only by an explicit request (47 CFR 64.1200(a)(10)). The caller's own call goes on.
"""

from __future__ import annotations

from switchboard import telemetry
from switchboard.aws.writes import Writes
from switchboard.calls import changes, store
from switchboard.calls.changes import CallChange
from switchboard.calls.jobs import HangUp
from switchboard.calls.models import AGENT_SPEAKER, Call
from switchboard.carriers.voice.ports.reports import Report, Turn
from switchboard.compliance import ledgers, opt_out_speech
from switchboard.compliance.models import OptOutSource
from switchboard.errors import Invalid
from switchboard.kit import clock
from switchboard.persistence import optimistic
from switchboard.persistence.collection import next_version
from switchboard.timers import service as timers

#: The kinds of reports about the content of a call.
SPEECH_KINDS = frozenset({"turn", "tool", "dtmf", "opt_out"})


def record_speech(report: Report) -> Call | None:
    """Records a turn, a tool use or pressed keys. Returns the call as it was before, `None` if it is gone."""
    call = store.CALLS.get_object(report.org_id, report.call_id)
    if call is None:
        telemetry.log_skip("the call is gone", org_id=report.org_id, call_id=report.call_id, report=report.kind)
        return None
    if turn := report.turn:
        told = changes.event_writes(
            call, "voice.call.turn", number=turn.number, speaker=turn.speaker, characters=len(turn.text)
        )
        said: Writes = [store.turn_writes(call, turn), told]
        if (
            turn.final
            and turn.speaker != AGENT_SPEAKER
            and opt_out_speech.asks_to_stop_in_turns(_with_neighbors(call, turn), explicit=_calls_us(call))
        ):
            _opt_out(call, "spoken", said)
        else:
            _record_once(report, said)
    if report.digits and not _calls_us(call) and opt_out_speech.presses_to_stop(report.digits):
        _opt_out(call, "key_press", None)
    if report.kind == "opt_out":
        _opt_out(call, "spoken", None)
    if tool := report.tool:
        told = changes.event_writes(
            call, "voice.call.tool", tool=tool.name, status=tool.status, duration_ms=tool.duration_ms
        )
        _record_once(report, [store.tool_use_writes(call, tool), told])
    return call


def _record_once(report: Report, fact: Writes) -> None:
    if not optimistic.record_once(fact):
        telemetry.log_skip(
            "the report was recorded before", org_id=report.org_id, call_id=report.call_id, report=report.kind
        )


def opt_out_by_cut_off_turns(org_id: str, call_id: str) -> None:
    """Applies a request for no more calls in a turn that never became final, because the person hung up."""
    call = store.CALLS.get_object(org_id, call_id)
    if call is None or call.answered_at is None:
        return
    for turn in store.list_turns(org_id, call_id):
        if turn.final or turn.speaker == AGENT_SPEAKER:
            continue
        if opt_out_speech.asks_to_stop(turn.text, explicit=_calls_us(call)):
            _opt_out(call, "spoken", None)
            return


def _with_neighbors(call: Call, turn: Turn) -> list[str]:
    """Returns a turn's text with the same person's turns before and after: recognizers cut sentences at pauses."""
    before, after = store.get_turns(call, turn.number - 1, turn.number + 1)
    return [one.text for one in (before, turn, after) if one and one.final and one.speaker == turn.speaker]


def _opt_out(call: Call, source: OptOutSource, said: Writes) -> None:
    """Records the other party's opt-out together with the report of it, and hangs up a call that we placed.

    All in one commit. So the ledger, which applies to every API and channel, never lags behind the transcript.
    """
    try:
        _, noted = ledgers.opt_out_writes(changes.call_origin(call), call.person_number, source)
    except Invalid:
        # A caller without a number cannot be called. The ledger has nothing to keep.
        _note(call, source, said, None)
        return
    try:
        _note(call, source, said, noted)
    except ledgers.AlreadyOptedOutError:
        # An earlier turn, another call or a request has already added the number to the ledger.
        _note(call, source, said, None)
        if not call.opted_out_at:
            # A keyword of the person no longer ends what was said on a call too.
            ledgers.record_opt_out(changes.call_origin(call), call.person_number, source)


def _note(call: Call, source: OptOutSource, said: Writes, ledger: Writes) -> None:
    if call.opted_out_at:
        # The call is already marked. If an operator removed the first entry from the ledger, this adds a new one.
        if said is not None or ledger is not None:
            optimistic.record_once([said, ledger, _hang_up_writes(call) if ledger is not None else None])
        return

    def decide(found: Call) -> CallChange:
        if found.opted_out_at:
            return next_version(found), [said, ledger]
        after = next_version(found, opted_out_at=clock.now_iso())
        return after, [
            said,
            ledger,
            _hang_up_writes(found),
            changes.event_writes(after, "voice.call.opted_out", source=source),
        ]

    store.CALLS.change_object(call.org_id, call.id, decide)


def _calls_us(call: Call) -> bool:
    return call.direction == "INBOUND"


def _hang_up_writes(call: Call) -> Writes:
    return None if call.is_over or _calls_us(call) else timers.job_write(HangUp(org_id=call.org_id, call_id=call.id))
