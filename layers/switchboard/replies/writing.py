"""Writes the answer of a turn: the model is asked, its tools are used, and it is asked again with their results."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from switchboard.kit import clock
from switchboard.mcp_servers.tools import OfferedTool, list_hosted_servers
from switchboard.messaging.models import Author, MessageStatus
from switchboard.replies import repliers, server_tools, tools
from switchboard.replies.models import ToolRound
from switchboard.replies.repliers import RULES, RefusedError
from switchboard.replies.repliers.models import Prompt, ThreadLine, ToolCall, ToolResult
from switchboard.replies.tool_rounds import ToolRounds
from switchboard.replies.tools import Effects
from switchboard.replies.turns import ReplyTurn
from switchboard.usage import service as usage

#: The rounds of tools before the answer, and the tools of others (HTTP, MCP) that one answer may call.
MAX_ROUNDS, MAX_HTTP_CALLS = 3, 5
#: No round and no tool begins later than this in a turn, in seconds. The last one may take 90 seconds, and the function
#: has 200.
_TURN_SECONDS = 80
#: The characters of a text that the writer reads.
MAX_LINE_CHARACTERS = 1_600
#: The most turns in which a model writes for an organization in a day (UTC), and the most questions to the model that
#: one contact causes at all numbers: so nobody uses up what the others need.
MODEL_REPLIES_PER_DAY, MODEL_CALLS_PER_CONTACT = 20_000, 120
_UNSEEN = frozenset({MessageStatus.FAILED, MessageStatus.CANCELED, MessageStatus.UNDELIVERED})


def write_answer(turn: ReplyTurn, effects: Effects, tries: int) -> str | None:
    """Returns the text of the answer, `None` if no answer is needed, after the tools that the writer calls.

    Raises ThrottledError and UseUnderWayError if a later attempt may succeed, RefusedError and OutcomeUnknownError if
    not, and QuotaExceeded at a daily limit of the model.
    """
    writer, called = repliers.choose_replier(), 0
    results = [server_tools.result_of(turn.approval)] if turn.approval else list[ToolResult]()
    # Rules call no tools of others, and cost nothing.
    offered = {} if writer.name == RULES else server_tools.list_tools(turn.flow)
    used = _ToolUser(turn, offered, ToolRounds(turn), effects)
    prompt, began = _new_prompt(turn, offered), clock.epoch()
    if repliers.dials_servers(writer):
        prompt = prompt._replace(servers=list_hosted_servers(turn.org.id, turn.flow.id))
    # A busy model is asked the same question again: that counts once.
    was_charged = tries > 0 or writer.name == RULES
    for number in range(MAX_ROUNDS + 1):
        _require_time(began)
        asked = used.rounds.find_round(number)
        if asked is None:
            if not was_charged:
                _charge_call(turn, is_first=number == 0)
            was_charged = writer.name == RULES
            answer = writer.reply(prompt._replace(results=tuple(results), is_last=number == MAX_ROUNDS))
            if not answer.calls:
                return answer.text
            asked = used.rounds.record_round(number, answer.calls)
        for place, call in enumerate(asked.calls):
            acts_outside = used.is_of_others(call.name)
            called += acts_outside
            if acts_outside and called > MAX_HTTP_CALLS:
                results.append(ToolResult(call.name, "Too many tools were called: answer now.", done=False))
                continue
            _require_time(began)
            results.append(used.use_tool(asked, place))
    raise RefusedError("the writer calls tools and does not answer")


class _ToolUser(NamedTuple):
    """The tools of a turn, with the record of their uses, and what they ask for."""

    turn: ReplyTurn
    offered: Mapping[str, OfferedTool]
    rounds: ToolRounds
    effects: Effects

    def is_of_others(self, name: str) -> bool:
        """Whether a tool acts outside of the platform."""
        return name in self.offered or any(tool.name == name for tool in self.turn.flow.tools)

    def use_tool(self, asked: ToolRound, place: int) -> ToolResult:
        """Runs a tool of a round, or returns the result of the run that has started it. Raises UseUnderWayError."""
        call = ToolCall(asked.calls[place].name, asked.calls[place].arguments)
        # First of all, because the tool may have been removed since its use.
        earlier = self.rounds.find_result(asked.number, place)
        if earlier is not None:
            self.effects.called = [*self.effects.called, (call.name, earlier.done)]
            return earlier

        def use_once(run: Callable[[str], ToolResult]) -> ToolResult:
            return self.rounds.use_once(asked.number, place, run)

        if call.name in self.offered:
            return server_tools.use_tool(self.turn, asked, self.offered[call.name], call, self.effects, use_once)
        return tools.run_tool(self.turn.flow, call, self.effects, use_once)


def _charge_call(turn: ReplyTurn, *, is_first: bool) -> None:
    """Counts a question to the model. Raises QuotaExceeded at a daily limit."""
    contact = turn.talk.contact_e164
    by_contact = usage.daily_charge_of_contact(turn.org, contact, "model_calls", MODEL_CALLS_PER_CONTACT)
    by_org = usage.unbilled_charge(turn.org, "model_replies", MODEL_REPLIES_PER_DAY)
    usage.commit_within([by_contact, by_org] if is_first else [by_contact])


def _require_time(began: float) -> None:
    """Raises RefusedError if the turn has taken too long. A turn that Lambda stops would begin again."""
    if clock.epoch() - began > _TURN_SECONDS:
        raise RefusedError("the turn takes too long")


def _new_prompt(turn: ReplyTurn, offered: Mapping[str, OfferedTool]) -> Prompt:
    lines = [
        ThreadLine(message.direction == "outbound", message.body[:MAX_LINE_CHARACTERS] or "(a file)")
        for message in reversed(turn.history)
        if message.status not in _UNSEEN and message.keyword is None and message.author is not Author.SYSTEM
    ]
    flow = turn.flow
    return Prompt(
        organization=turn.org.name,
        flow_name=flow.name,
        greeting=flow.greeting,
        instructions=flow.system_prompt,
        outcome_schema=flow.outcome_schema,
        lines=lines,
        tools=[*tools.describe_tools(flow), *(tool.describe() for tool in offered.values())],
    )
