"""The tools of the AI in texts: five of every flow, and the HTTP tools of the flow itself.

A tool of every flow changes nothing by itself: `Effects` collects what it asks for, and one commit does it with the
answer. An HTTP tool is a request to the customer's URL by the guarded client. It is sent once in a turn, also if the
turn is repeated (`tool_rounds`), with an `Idempotency-Key` that no other use has.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple
from urllib.parse import urlencode

from switchboard import telemetry
from switchboard.flows import values
from switchboard.flows.models import Flow, Tool
from switchboard.kit import texts
from switchboard.mcp_servers.tools import UNTRUSTED
from switchboard.outbound.client import GuardedClient, NoResponseError
from switchboard.outbound.loops import LOOP_HEADER
from switchboard.replies.repliers import MAX_REPLY_CHARACTERS, tool_names
from switchboard.replies.repliers.models import ToolCall, ToolResult

#: The time of one HTTP tool, in seconds, and the characters of its result that the writer reads.
HTTP_SECONDS, MAX_RESULT_CHARACTERS = 8.0, 4_000
#: The longest time until a follow-up: texts are scheduled at most 90 days ahead.
MAX_FOLLOW_UP = timedelta(days=90)
_MAX_REASON_CHARACTERS, _MAX_OUTCOME_CHARACTERS, _MAX_OUTCOME_DEPTH = 300, 8_000, 6
_ERROR_STATUS = 400
#: A query with more characters than this is refused by many servers.
_MAX_QUERY_CHARACTERS = 2_000


class FollowUp(NamedTuple):
    """A text to send later."""

    text: str
    after: timedelta


@dataclass
class Effects:
    """The wishes of the tools of one turn."""

    escalation: str | None = None
    close: bool = False
    flow_id: str | None = None
    follow_up: FollowUp | None = None
    outcomes: dict[str, Any] | None = None
    outcome_errors: Sequence[str] = ()
    #: The names of the tools of others that were called, and whether each did its work.
    called: Sequence[tuple[str, bool]] = ()
    #: The uses of tools for which a person was asked.
    approvals: int = 0


def describe_tools(flow: Flow) -> list[dict[str, Any]]:
    """Returns the tools of a flow with the JSON Schemas of their arguments."""
    found = [
        _tool(tool_names.ASSIGN_TO_HUMAN, "Hand the conversation to a person of the team.", {"reason": _text()}),
        _tool(tool_names.CLOSE_CONVERSATION, "Close the conversation: the contact's matter is settled.", {}),
        _tool(
            tool_names.SCHEDULE_FOLLOW_UP,
            "Send another text later, if the contact asked for it. It is not sent if the contact writes before.",
            {"text": _text(), "minutes": {"type": "integer", "minimum": 1, "maximum": _minutes(MAX_FOLLOW_UP)}},
        ),
    ]
    if flow.flow_transfer_map:
        labels = {"type": "string", "enum": sorted(flow.flow_transfer_map)}
        found.append(
            _tool(tool_names.TRANSFER_TO_AGENT, "Hand the conversation to another assistant.", {"label": labels})
        )
    if flow.outcome_schema is not None:
        found.append(
            _tool(
                tool_names.REPORT_OUTCOMES, "Report the outcome of the conversation.", {"outcomes": flow.outcome_schema}
            )
        )
    return found + [
        {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
        for tool in flow.tools
        if tool.name not in tool_names.BUILT_IN
    ]


def _minutes(time: timedelta) -> int:
    return int(time.total_seconds() // 60)


def _text() -> dict[str, Any]:
    return {"type": "string", "minLength": 1, "maxLength": MAX_REPLY_CHARACTERS}


def _tool(name: str, description: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    parameters = {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }
    return {"name": name, "description": description, "parameters": parameters}


#: Runs a tool of others once in a turn. It gives the tool the key of the use.
UseOnce = Callable[[Callable[[str], ToolResult]], ToolResult]


def run_tool(flow: Flow, call: ToolCall, effects: Effects, use_once: UseOnce) -> ToolResult:
    """Runs a tool, and returns its result for the writer. `use_once` sends the request of an HTTP tool.

    An unknown tool, wrong arguments and a failed request are results too. Raises UseUnderWayError.
    """
    known = {tool["name"]: tool["parameters"] for tool in describe_tools(flow)}
    if call.name not in known:
        return ToolResult(call.name, "There is no such tool.", done=False)
    if call.name == tool_names.REPORT_OUTCOMES:
        # Apart from the others: references in the flow's schema begin at the schema.
        return _note_outcomes(flow.outcome_schema or {}, call, effects)
    if problems := values.validate_value(known[call.name], call.arguments):
        return ToolResult(call.name, f"The arguments do not fit: {'; '.join(problems)[:500]}", done=False)
    if call.name in tool_names.BUILT_IN:
        return _note_effect(flow, call, effects)
    tool = next(tool for tool in flow.tools if tool.name == call.name)
    result = use_once(lambda key: _call_http_tool(tool, call.arguments, key))
    effects.called = [*effects.called, (tool.name, result.done)]
    return result


def _note_effect(flow: Flow, call: ToolCall, effects: Effects) -> ToolResult:
    given = call.arguments
    match call.name:
        case tool_names.ASSIGN_TO_HUMAN:
            effects.escalation = str(given["reason"])[:_MAX_REASON_CHARACTERS]
            return ToolResult(call.name, "A person will take over after your answer.", done=True)
        case tool_names.CLOSE_CONVERSATION:
            effects.close = True
            return ToolResult(call.name, "The conversation closes after your answer.", done=True)
        case tool_names.TRANSFER_TO_AGENT:
            effects.flow_id = flow.flow_transfer_map[str(given["label"])]
            return ToolResult(call.name, "The other assistant answers the contact's next text.", done=True)
        case _:
            effects.follow_up = FollowUp(str(given["text"]), timedelta(minutes=int(given["minutes"])))
            return ToolResult(
                call.name,
                "The text is scheduled. It is not sent if the contact or a person of the team writes before.",
                done=True,
            )


def _note_outcomes(schema: dict[str, Any], call: ToolCall, effects: Effects) -> ToolResult:
    """Keeps outcomes, also if they do not fit the schema: the flow's owner sees both."""
    outcomes = call.arguments.get("outcomes")
    if not isinstance(outcomes, dict) or texts.is_deeper(outcomes, _MAX_OUTCOME_DEPTH):
        return ToolResult(call.name, "The outcomes must be one object that is not nested deeply.", done=False)
    if len(json.dumps(outcomes)) > _MAX_OUTCOME_CHARACTERS:
        return ToolResult(call.name, "The outcomes are too large.", done=False)
    effects.outcomes, effects.outcome_errors = outcomes, values.validate_value(schema, outcomes)
    told = "They are kept, and do not fit the schema." if effects.outcome_errors else "The outcomes are kept."
    return ToolResult(call.name, told, done=True)


def _call_http_tool(tool: Tool, arguments: Mapping[str, Any], key: str) -> ToolResult:
    headers = {"Idempotency-Key": key, "Accept": "application/json", LOOP_HEADER: "1"}
    try:
        if tool.method == "GET":
            query = urlencode(
                {name: value if isinstance(value, str) else json.dumps(value) for name, value in arguments.items()}
            )
            if len(query) > _MAX_QUERY_CHARACTERS:
                return ToolResult(tool.name, "The arguments are too long for a GET request.", done=False)
            url = tool.url if not query else f"{tool.url}{'&' if '?' in tool.url else '?'}{query}"
            response = asyncio.run(_request(url, headers, None))
        else:
            body = json.dumps(arguments).encode()
            response = asyncio.run(_request(tool.url, {**headers, "Content-Type": "application/json"}, body))
    except NoResponseError as error:
        telemetry.logger().info("a tool did not answer", extra={"tool": tool.name, "reason": type(error).__name__})
        return ToolResult(tool.name, "The tool did not answer.", done=False)
    status, content = response
    text = content.decode(errors="replace")[:MAX_RESULT_CHARACTERS]
    shown = f"{status}: {text}" if status >= _ERROR_STATUS else text
    return ToolResult(tool.name, UNTRUSTED + shown, done=status < _ERROR_STATUS)


async def _request(url: str, headers: Mapping[str, str], body: bytes | None) -> tuple[int, bytes]:
    async with GuardedClient() as web:
        found = await (
            web.get(url, headers, HTTP_SECONDS) if body is None else web.post(url, headers, body, HTTP_SECONDS)
        )
        return found.status, found.body
