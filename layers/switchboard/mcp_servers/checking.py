"""Lists the tools of servers in the background, and says in words what is wrong with them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from switchboard import telemetry
from switchboard.aws.writes import Writes, commit
from switchboard.carriers import mcp_tools
from switchboard.carriers.mcp_tools import LeftOutTool, ListedTool, ToolServer
from switchboard.events import service as events
from switchboard.events.models import Actor, Subject, SystemActor
from switchboard.flows.json_schemas import check_schema
from switchboard.flows.source import PathError, format_path
from switchboard.kit import clock, ids
from switchboard.mcp_servers import rules, store, tool_parts
from switchboard.mcp_servers.jobs import CheckServer, RecheckServer
from switchboard.mcp_servers.models import CheckState, McpServer, McpTool, ToolEntry
from switchboard.persistence.optimistic import Decision
from switchboard.timers import service as timers

#: The bytes of all tools of a server: one commit replaces them.
MAX_TOOLS_BYTES = 200_000
#: The most tools of servers that one turn of the AI, or one call, is offered, and the bytes of their JSON. A model
#: reads all of it with each question of a turn.
MAX_OFFERED_TOOLS, MAX_OFFERED_BYTES = 32, 40_000
#: The tools that a status names, if they are left out.
_MAX_NAMED = 5
_HOSTED = "The vendor of the language model dials this server, if the model can use such servers. Others leave it out."


#: When a server is checked again: it may list other tools, or other meanings behind the same names. A server that
#: failed is checked again sooner.
CHECKED_AGAIN, FAILED_AGAIN = timedelta(hours=6), timedelta(minutes=20)
#: The most tools of a server that are accepted without a member, in all its checks.
MAX_ACCEPTED = 256


class _CheckResult(NamedTuple):
    """The result of a check. Without `tools`, those of the last check stay: the server did not say that they ended."""

    state: CheckState
    status: str
    tools: list[McpTool] | None


def check_server(job: CheckServer | RecheckServer) -> None:
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
        after = before.model_copy(
            update={
                "version": before.version + 1,
                "check_state": found.state,
                "last_status": found.status,
                "last_checked_at": clock.now_iso(),
            }
        )
        writes: list[Writes] = []
        if found.tools is not None:
            entries = tool_parts.list_entries(before.label, found.tools)
            after = after.model_copy(update={"tools": entries, "accepted_tools": _accept_new(before, entries)})
            after = _name_changes(after)
            writes += tool_parts.replace_writes(before, entries, found.tools)
        after, timer_writes = _check_again(before, after)
        subject = Subject(type="mcp_server", id=after.id, version=after.version)
        facts = {"state": after.check_state.value, "tools": len(after.tools), "changed": len(_list_changed(after))}
        told = events.new_event_write(_worker(job.org_id), "mcp_server.checked", subject, **facts)
        return after, [*writes, *timer_writes, told]

    store.SERVERS.change_object(job.org_id, job.server_id, decide)
    if changed:
        # The change queued no check of its own, because this one was under way.
        telemetry.log_skip("the MCP server changed during its check", org_id=job.org_id, server_id=job.server_id)
        commit(timers.job_write(CheckServer(org_id=job.org_id, server_id=job.server_id)))


def _accept_new(server: McpServer, entries: Sequence[ToolEntry]) -> dict[str, str]:
    """Returns the accepted tools with the new ones. A tool that went away and came back changed is not new."""
    accepted = dict(server.accepted_tools)
    for entry in entries:
        if entry.name not in accepted and len(accepted) < MAX_ACCEPTED:
            accepted[entry.name] = entry.digest
    return accepted


def _list_changed(server: McpServer) -> list[str]:
    return [entry.name for entry in server.tools if server.has_changed(entry.name)]


def _name_changes(server: McpServer) -> McpServer:
    changed = _list_changed(server)
    if not changed:
        return server
    more = " …" if len(changed) > _MAX_NAMED else ""
    words = f"Changed: {', '.join(changed[:_MAX_NAMED])}{more}. Each use needs an approval until a member accepts them."
    return server.model_copy(update={"check_state": CheckState.LIMITED, "last_status": f"{server.last_status} {words}"})


def _check_again(before: McpServer, after: McpServer) -> tuple[McpServer, list[Writes]]:
    """Returns the server with the timer of its next check, in the place of an earlier timer."""
    cancel = timers.cancel_writes(before.check_timer)
    if after.transport == "hosted":
        return after.model_copy(update={"check_timer": None}), [cancel]
    pause = FAILED_AGAIN if after.check_state is CheckState.FAILED else CHECKED_AGAIN
    job = RecheckServer(org_id=after.org_id, server_id=after.id)
    timer = timers.schedule(job, clock.now() + pause)
    return after.model_copy(update={"check_timer": timer.ref}), [cancel, timer.write]


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
    tools, left_out = _choose_tools(listing.tools)
    left_out = [*listing.left_out, *left_out]
    if not tools and listing.problem:
        return _CheckResult(CheckState.FAILED, listing.problem, [] if listing.problem == mcp_tools.NO_TOOLS else None)
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


def _choose_tools(listed: Sequence[ListedTool]) -> tuple[list[McpTool], list[LeftOutTool]]:
    tools: list[McpTool] = []
    left_out: list[LeftOutTool] = []
    size = 0
    for one in listed:
        hints = {name: hint for name, hint in one.hints._asdict().items() if hint is not None}
        tool = McpTool(name=one.name, description=one.description, parameters=_parameters_of(one), hints=hints)
        size_of_tool = _size_of(tool)
        reason = _refuse_tool(tool)
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


def _refuse_tool(tool: McpTool) -> str | None:
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
