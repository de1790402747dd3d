"""The tools of MCP servers in calls: what a talk is offered, and the use of one while the call goes on.

A call does not wait for a person. So a talk is offered only tools that need no approval, and a use of another one is
refused. A use is recorded before its server is called, as `unconfirmed`. So a use that the talker repeats never runs
twice, and a worker that dies leaves a true record.
"""

from __future__ import annotations

from typing import Any

from switchboard import telemetry
from switchboard.calls import changes, store
from switchboard.calls.models import OVER_STATES, Call
from switchboard.carriers.voice.ports.reports import ToolUse
from switchboard.carriers.voice.ports.talker import TalkTool
from switchboard.carriers.voice.ports.tools import TalkToolCall, TalkToolResult
from switchboard.kit import clock, texts
from switchboard.mcp_servers import tools
from switchboard.mcp_servers.tools import OfferedTool
from switchboard.persistence import optimistic

#: The most uses of tools in one call.
MAX_USES = 40
_REFUSED = "This tool needs a person's approval, and a call does not wait for one."
_LOST = "This use was started before, and its result is not known: it may have run."


def list_talk_tools(org_id: str, flow_id: str | None) -> tuple[TalkTool, ...]:
    """Returns the tools that a talk of a flow may use. Without a flow there are none."""
    if flow_id is None:
        return ()
    return tuple(TalkTool(**tool.describe()) for tool in tools.list_offered_tools(org_id, flow_id, only_free=True))


def use_talk_tool(asked: TalkToolCall) -> TalkToolResult:
    """Runs a tool for the talk of a call, once, and records the use. Refusals and failures are results."""
    call = store.CALLS.get_object(asked.org_id, asked.call_id)
    if call is None or call.answered_at is None or call.state in OVER_STATES:
        telemetry.log_skip("the call is not in progress", org_id=asked.org_id, call_id=asked.call_id)
        return TalkToolResult("The call is not in progress.", done=False)
    uses = store.list_tool_uses(call.org_id, call.id)
    earlier = next((use for use in uses if use.id == asked.use_id), None)
    if earlier is not None:
        return TalkToolResult(earlier.result or _LOST, done=earlier.status == "completed")
    found = tools.find_offered_tool(call.org_id, call.flow_id, asked.name)
    if refusal := _refuse(found, asked, len(uses)):
        return _record_refusal(call, asked, refusal)
    assert found is not None, "an unknown tool is refused"
    use = _new_use(call, asked, "unconfirmed", None)
    if not optimistic.record_once(store.tool_use_writes(call, use)):
        return TalkToolResult(_LOST, done=False)
    began = clock.now()
    run = tools.run_tool(found.server, found.tool.name, asked.arguments, texts.digest(f"{call.id}#{asked.use_id}"))
    status = {"done": "completed", "failed": "failed"}.get(run.outcome, "unconfirmed")
    milliseconds = round((clock.now() - began).total_seconds() * 1000)
    ended = use.model_copy(update={"status": status, "result": run.text, "duration_ms": milliseconds})
    optimistic.record_once(store.tool_result_writes(call, ended), _event_write(call, ended))
    return TalkToolResult(run.text, done=run.done)


def _refuse(found: OfferedTool | None, asked: TalkToolCall, uses: int) -> str | None:
    if found is None:
        return "There is no such tool."
    if found.needs_approval:
        return _REFUSED
    if uses >= MAX_USES:
        return "Too many tools were used in this call."
    return tools.check_arguments(found.tool, asked.arguments)


def _record_refusal(call: Call, asked: TalkToolCall, why: str) -> TalkToolResult:
    use = _new_use(call, asked, "refused", why)
    optimistic.record_once(store.tool_use_writes(call, use), _event_write(call, use))
    return TalkToolResult(why, done=False)


def _new_use(call: Call, asked: TalkToolCall, status: str, result: str | None) -> ToolUse:
    assert call.answered_at is not None, "a talk begins with the answer"
    since = clock.now() - clock.parse(call.answered_at)
    start_ms = max(0, round(since.total_seconds() * 1000))
    return ToolUse(
        id=asked.use_id, name=asked.name, arguments=asked.arguments, result=result, status=status, start_ms=start_ms
    )


def _event_write(call: Call, use: ToolUse) -> Any:
    name, took = texts.to_code(use.name), use.duration_ms
    return changes.event_writes(call, "voice.call.tool", tool=name, status=use.status, duration_ms=took)
