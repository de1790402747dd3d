"""The rounds of tools of a turn: recorded before anything runs, so that a repeated turn runs nothing twice.

A turn is repeated when the model is busy, and when its worker died. Then the model is not asked again for the rounds
that are recorded: their tools are gone through again. A tool of others whose use is recorded gets the result of its
first run. A use without a result was started by a run that goes on elsewhere, or that died.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

from switchboard.accounts import stops
from switchboard.aws.writes import commit
from switchboard.kit import clock, texts
from switchboard.replies import store
from switchboard.replies.models import RecordedCall, ToolRound, TurnToolUse
from switchboard.replies.repliers.models import ToolCall, ToolResult
from switchboard.replies.turns import ReplyTurn

#: A run of a turn has ended after this time: the function has 200 seconds.
RUN_TIME = timedelta(seconds=200)
_LOST = "This use was started before, and its result is not known: it may have run. Do not start it again by yourself."


class UseUnderWayError(Exception):
    """Another run of the turn may still wait for the result of a tool. A later attempt finds the result."""


class ToolRounds:
    """The recorded rounds of one turn."""

    def __init__(self, turn: ReplyTurn) -> None:
        self._turn = turn
        self._place = store.TurnPlace(turn.org.id, turn.talk.id, turn.id)
        self._rounds, self._uses = self._place.read_rounds()

    def find_round(self, number: int) -> ToolRound | None:
        """Returns the round with this number if an earlier run, or this one, has recorded it."""
        return self._rounds.get(number)

    def record_round(self, number: int, calls: Sequence[ToolCall]) -> ToolRound:
        """Records the tools that the model calls in a round. Returns the round of another run that was faster."""
        newest = self._turn.newest
        round_ = ToolRound(
            number=number,
            message_id=newest.id,
            asked_at=newest.created_at,
            calls=[RecordedCall(name=call.name, arguments=call.arguments) for call in calls],
        )
        try:
            commit(self._place.round_write(round_))
        except store.RoundRecordedError as earlier:
            round_ = earlier.round
        self._rounds[number] = round_
        return round_

    def find_result(self, number: int, place: int) -> ToolResult | None:
        """Returns the result of a use that an earlier run has started, `None` if there was none.

        Raises UseUnderWayError if that run may still go on.
        """
        use = self._uses.get((number, place))
        return _result_of(use, self._rounds[number].calls[place].name) if use else None

    def use_once(self, number: int, place: int, run: Callable[[str], ToolResult]) -> ToolResult:
        """Runs a tool of others, unless an earlier run of the turn has started it, and records its result.

        `run` gets the key of the use: no other use has it. Raises UseUnderWayError as `find_result` does.
        """
        call = self._rounds[number].calls[place]
        use = TurnToolUse(round=number, place=place, started_at=clock.now_iso())
        try:
            # A tool is neither a call nor a text: an unpaid subscription does not stop it.
            commit(self._place.use_write(use), stops.claim_checks(self._turn.org.id, None, sends=False))
        except store.UseRecordedError as earlier:
            return _result_of(earlier.use, call.name)
        except stops.StoppedError as stop:
            return ToolResult(call.name, f"The tool did not run: {stop}.", done=False)
        told = texts.dump_json([call.name, call.arguments])
        result = run(texts.digest(f"{self._turn.id}#{number}#{place}#{told}"))
        commit(self._place.result_write(use.model_copy(update={"result": result.text, "done": result.done})))
        return result


def _result_of(use: TurnToolUse, name: str) -> ToolResult:
    if use.result is not None:
        return ToolResult(name, use.result, use.done)
    if clock.now() - clock.parse(use.started_at) < RUN_TIME:
        raise UseUnderWayError
    return ToolResult(name, _LOST, done=False)
