"""Records the content of a call: turns, tool uses and pressed keys. Recognizes requests for no more calls.

These reports do not write the call item, so that they do not conflict there. Only an opt-out writes it, once.
"""

from __future__ import annotations

from switchboard.aws import clock
from switchboard.aws.table import Writes
from switchboard.calls import store, telling
from switchboard.calls.jobs import HangUp
from switchboard.calls.models import AGENT, Call
from switchboard.calls.telling import Change
from switchboard.carriers.voice.reports import Report, Turn
from switchboard.compliance import ledgers, wishes
from switchboard.compliance.models import OptOutSource
from switchboard.kit import change as kit
from switchboard.kit.collection import moved
from switchboard.timers import service as timers

#: The kinds of reports about the content of a call.
KINDS = frozenset({"turn", "tool", "dtmf", "opt_out"})


def hear(report: Report) -> None:
    """Records a turn, a tool use or pressed keys."""
    call = store.CALLS.get(report.org_id, report.call_id)
    if call is None:
        return
    if turn := report.turn:
        told = telling.event(
            call, "voice.call.turn", number=turn.number, speaker=turn.speaker, characters=len(turn.text)
        )
        said: Writes = [store.put_turn(call, turn), told]
        if turn.final and turn.speaker != AGENT and wishes.asks_to_stop_in(_with_neighbors(call, turn)):
            _opt_out(call, "spoken", said)
        else:
            kit.record(said)
    if report.digits and wishes.presses_to_stop(report.digits):
        _opt_out(call, "key_press", None)
    if report.kind == "opt_out":
        _opt_out(call, "spoken", None)
    if tool := report.tool:
        told = telling.event(call, "voice.call.tool", tool=tool.name, status=tool.status, duration_ms=tool.duration_ms)
        kit.record(store.put_tool(call, tool), told)


def hear_what_was_cut_off(org_id: str, call_id: str) -> None:
    """Applies a request for no more calls in a turn that never became final, because the person hung up."""
    call = store.CALLS.get(org_id, call_id)
    if call is None or call.answered_at is None:
        return
    for turn in store.turns(org_id, call_id):
        if not turn.final and turn.speaker != AGENT and wishes.asks_to_stop(turn.text):
            _opt_out(call, "spoken", None)
            return


def _with_neighbors(call: Call, turn: Turn) -> list[str]:
    """Returns a turn's text with the same person's turns before and after: recognizers cut sentences at pauses."""
    before, after = store.turns_at(call, turn.number - 1, turn.number + 1)
    return [one.text for one in (before, turn, after) if one and one.final and one.speaker == turn.speaker]


def _opt_out(call: Call, source: OptOutSource, said: Writes) -> None:
    """Records the called person's opt-out together with the report of it, and hangs the call up.

    All in one commit. So the ledger, which applies to every API and channel, never lags behind the transcript.
    """
    _, noted = ledgers.opt_out_writes(telling.origin(call), call.to_number, source)
    try:
        _note(call, source, said, noted)
    except ledgers.OptedOut:
        # An earlier turn, another call or a request has already added the number to the ledger.
        _note(call, source, said, None)


def _note(call: Call, source: OptOutSource, said: Writes, ledger: Writes) -> None:
    if call.opted_out_at:
        # The call is already marked. If an operator removed the first entry from the ledger, this adds a new one.
        if said is not None or ledger is not None:
            kit.record([said, ledger, _hanging_up(call) if ledger is not None else None])
        return

    def decide(found: Call) -> Change:
        if found.opted_out_at:
            return moved(found), [said, ledger]
        after = moved(found, opted_out_at=clock.stamp())
        return after, [said, ledger, _hanging_up(found), telling.event(after, "voice.call.opted_out", source=source)]

    store.CALLS.change(call.org_id, call.id, decide)


def _hanging_up(call: Call) -> Writes:
    return None if call.is_over else timers.soon(HangUp(org_id=call.org_id, call_id=call.id))
