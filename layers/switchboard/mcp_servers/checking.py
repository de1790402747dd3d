"""Lists the tools of servers in the background, and says in words what is wrong with them."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from switchboard import telemetry
from switchboard.aws.writes import commit
from switchboard.carriers import mcp_tools
from switchboard.carriers.mcp_tools import LeftOutTool, ListedTool, ToolServer
from switchboard.events import service as events
from switchboard.events.models import Actor, Subject, SystemActor
from switchboard.flows.json_schemas import check_schema
from switchboard.flows.source import PathError, format_path
from switchboard.kit import clock, ids
from switchboard.mcp_servers import rules, store, tool_parts
from switchboard.mcp_servers.jobs import CheckServer
from switchboard.mcp_servers.models import CheckState, McpServer, McpTool, offered_name
from switchboard.persistence.optimistic import Decision
from switchboard.timers import service as timers

#: The bytes of all tools of a server: one commit replaces them.
MAX_TOOLS_BYTES = 200_000
#: The longest name under which a language model knows a tool.
MAX_OFFERED_NAME = 64
#: The most tools of servers that one turn of the AI, or one call, is offered, and the bytes of their JSON. A model
#: reads all of it with each question of a turn.
MAX_OFFERED_TOOLS, MAX_OFFERED_BYTES = 32, 40_000
#: The tools that a status names, if they are left out.
_MAX_NAMED = 5
_HOSTED = "The vendor of the language model dials this server, if the model can use such servers. Others leave it out."


class _CheckResult(NamedTuple):
    state: CheckState
    status: str
    tools: list[McpTool]


def check_server(job: CheckServer) -> None:
    """Lists the tools of a server and stores the result. It may run several times."""
    server = store.SERVERS.get_object(job.org_id, job.server_id)
    if server is None:
        telemetry.log_skip("the MCP server is gone", org_id=job.org_id, server_id=job.server_id)
        return
    found, changed = _check(server), False

    def decide(before: McpServer) -> Decision[McpServer]:
        nonlocal changed
        changed = _connection_of(before) != _connection_of(server)
        if changed:
            return None
        entries = tool_parts.list_entries(before.label, found.tools)
        after = before.model_copy(
            update={
                "version": before.version + 1,
                "tools": entries,
                "check_state": found.state,
                "last_status": found.status,
                "last_checked_at": clock.now_iso(),
            }
        )
        subject = Subject(type="mcp_server", id=after.id, version=after.version)
        facts = {"state": found.state.value, "tools": len(found.tools)}
        return after, [
            *tool_parts.replace_writes(before, entries, found.tools),
            events.new_event_write(_worker(job.org_id), "mcp_server.checked", subject, **facts),
        ]

    store.SERVERS.change_object(job.org_id, job.server_id, decide)
    if changed:
        # The change queued no check of its own, because this one was under way.
        telemetry.log_skip("the MCP server changed during its check", org_id=job.org_id, server_id=job.server_id)
        commit(timers.job_write(job))


def _connection_of(server: McpServer) -> tuple[Any, ...]:
    return (
        server.label,
        server.transport,
        server.server_url,
        server.auth_type,
        server.credential_header,
        server.sealed_credential,
    )


def _check(server: McpServer) -> _CheckResult:
    if server.lacks_credential:
        status = f"The server needs a credential for auth_type {server.auth_type}: send `credential`."
        return _CheckResult(CheckState.FAILED, status, [])
    if server.transport == "hosted":
        return _CheckResult(CheckState.NOT_DIALED, _HOSTED, [])
    assert server.server_url is not None, "the rules require it"
    listing = mcp_tools.list_tools(ToolServer(server.server_url, rules.credential_headers(server)))
    tools, left_out = _choose_tools(server, listing.tools)
    left_out = [*listing.left_out, *left_out]
    if not tools and listing.problem:
        return _CheckResult(CheckState.FAILED, listing.problem, [])
    words = [f"{len(tools)} {'tool' if len(tools) == 1 else 'tools'}."]
    if listing.problem:
        words.append(listing.problem)
    if left_out:
        named = "; ".join(f"{one.name or '(no name)'}: {one.reason}" for one in left_out[:_MAX_NAMED])
        words.append(f"Left out: {named}{' …' if len(left_out) > _MAX_NAMED else ''}.")
    allowed = [tool for tool in tools if server.allows(tool.name)]
    crowded = len(allowed) > MAX_OFFERED_TOOLS or sum(map(_size_of, allowed)) > MAX_OFFERED_BYTES
    if crowded:
        words.append(
            f"A turn of the AI is offered {MAX_OFFERED_TOOLS} tools and {MAX_OFFERED_BYTES // 1_000} KB of them at "
            "most: choose some with allowed_tools_json."
        )
    limited = listing.problem is not None or bool(left_out) or crowded
    return _CheckResult(CheckState.LIMITED if limited else CheckState.OK, " ".join(words), tools)


def _choose_tools(server: McpServer, listed: Any) -> tuple[list[McpTool], list[LeftOutTool]]:
    tools: list[McpTool] = []
    left_out: list[LeftOutTool] = []
    size = 0
    for one in listed:
        tool = McpTool(name=one.name, description=one.description, parameters=_parameters_of(one))
        size_of_tool = _size_of(tool)
        reason = _refuse_tool(server, tool)
        if reason is None and size + size_of_tool > MAX_TOOLS_BYTES:
            reason = f"all tools together are larger than {MAX_TOOLS_BYTES // 1_000} KB"
        if reason is None:
            size += size_of_tool
            tools.append(tool)
        else:
            left_out.append(LeftOutTool(one.name, reason))
    return tools, left_out


def _size_of(tool: McpTool) -> int:
    return len(json.dumps(tool.model_dump()).encode())


def _parameters_of(tool: ListedTool) -> dict[str, Any]:
    # Most servers name an older dialect, and use what all dialects have in common.
    return {name: value for name, value in tool.parameters.items() if name not in ("$schema", "$id")}


def _refuse_tool(server: McpServer, tool: McpTool) -> str | None:
    if len(offered_name(server.label, tool.name)) > MAX_OFFERED_NAME:
        return f"label and name together have more than {MAX_OFFERED_NAME - 2} characters: use a shorter label"
    try:
        check_schema(tool.parameters)
    except PathError as error:
        place = format_path(error.path)
        return f"its schema {f'at {place} ' if place else ''}{error.problem}"[:300]
    return None


def _worker(org_id: str) -> SystemActor:
    return SystemActor(
        org_id=org_id,
        actor=Actor(type="system", id="mcp_servers"),
        agent_id=None,
        correlation_id=ids.new_id("corr"),
    )
