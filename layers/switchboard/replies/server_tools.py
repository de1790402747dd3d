"""The tools of MCP servers in a turn of the AI: run at once, or after a person approved."""

from __future__ import annotations

import json

from switchboard.flows.models import Flow
from switchboard.mcp_servers import tools as mcp_tools
from switchboard.mcp_servers.tools import OfferedTool
from switchboard.replies import tools
from switchboard.replies.models import ToolRound
from switchboard.replies.repliers.models import ToolCall, ToolResult
from switchboard.replies.tools import Effects, UseOnce
from switchboard.replies.turns import ReplyTurn
from switchboard.tool_approvals import service as tool_approvals
from switchboard.tool_approvals.models import ToolApproval, ToolRequest

#: The characters of the arguments of one use.
MAX_ARGUMENTS_CHARACTERS = 8_000
_WAITS = (
    "A person of the team has to approve this use, and was asked. The result comes later, in another turn. Tell the "
    "contact that you will come back to it, and promise no result."
)


def list_tools(flow: Flow) -> dict[str, OfferedTool]:
    """Returns the tools of servers that a flow may use, by the names by which the AI knows them."""
    # A tool of the flow itself goes before one of the same name.
    taken = {tool["name"] for tool in tools.describe_tools(flow)}
    return {tool.name: tool for tool in mcp_tools.list_offered_tools(flow.org_id, flow.id) if tool.name not in taken}


def use_tool(
    turn: ReplyTurn, asked: ToolRound, offered: OfferedTool, call: ToolCall, effects: Effects, use_once: UseOnce
) -> ToolResult:
    """Runs a tool, or asks for its approval. Wrong arguments and a server that fails are results too.

    `asked` is the round of the call. Raises UseUnderWayError.
    """
    problem = mcp_tools.check_arguments(offered.tool, call.arguments)
    if problem is None and len(json.dumps(call.arguments)) > MAX_ARGUMENTS_CHARACTERS:
        problem = f"The arguments have more than {MAX_ARGUMENTS_CHARACTERS:,} characters: shorten them."
    if problem:
        return ToolResult(call.name, problem, done=False)
    if offered.needs_approval:
        approval = tool_approvals.request_approval(_request_of(turn, asked, offered, call), asked.asked_at)
        if approval.result is not None:
            # The AI asks for the same use again.
            return result_of(approval)
        effects.approvals += 1
        return ToolResult(call.name, _WAITS, done=False)

    def run(key: str) -> ToolResult:
        told = mcp_tools.run_tool(offered.server, offered.tool.name, call.arguments, key)
        return ToolResult(call.name, told.text, told.done)

    result = use_once(run)
    effects.called = [*effects.called, (call.name, result.done)]
    return result


def _request_of(turn: ReplyTurn, asked: ToolRound, offered: OfferedTool, call: ToolCall) -> ToolRequest:
    return ToolRequest(
        org_id=turn.org.id,
        conversation_id=turn.talk.id,
        # A repeated turn may have a newer text, and finds the approval by that of its first run.
        message_id=asked.message_id,
        correlation_id=turn.newest.correlation_id,
        flow_id=turn.flow.id,
        server_id=offered.server.id,
        server_label=offered.server.label,
        tool=offered.tool.name,
        name=offered.name,
        arguments=call.arguments,
        fingerprint=offered.fingerprint,
    )


def result_of(approval: ToolApproval) -> ToolResult:
    """Returns the result of a use that a person decided about, with the arguments of the use."""
    asked = json.dumps(approval.arguments, ensure_ascii=False)
    text = f"You asked for this before, with the arguments {asked}.\n{approval.result}"
    return ToolResult(approval.name, text, approval.outcome == "done")
