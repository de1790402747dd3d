"""Creates, reads, changes and deletes the MCP servers of an organization, and asks for checks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from switchboard.accounts import organizations
from switchboard.aws.writes import Put, Writes
from switchboard.errors import Invalid, NotFound
from switchboard.events import service as events
from switchboard.events.models import Origin, Subject
from switchboard.kit import clock, ids
from switchboard.mcp_servers import rules, store, tool_parts
from switchboard.mcp_servers.jobs import CheckServer
from switchboard.mcp_servers.models import CheckState, McpServer, McpServerSettings, McpTool
from switchboard.persistence.collection import next_version
from switchboard.persistence.idempotency import IdempotencyKey, commit_once, find_earlier_effect
from switchboard.persistence.optimistic import Decision, retry_on_conflict
from switchboard.timers import service as timers

#: How many servers an organization may have. Each turn of the AI reads all of them.
MAX_SERVERS = 20
#: A further request within this time queues no other check.
CHECK_PAUSE = timedelta(seconds=20)
#: When a check that has not ended counts as lost. A request then queues another one.
CHECK_LOST_AFTER = timedelta(minutes=10)
_GAUGE = "mcp_servers"
#: The settings that say how a server is reached, or what its tools are called. A change of them needs a new check.
_CONNECTION = frozenset(
    {"label", "transport", "server_url", "connector_id", "auth_type", "credential_header", "sealed_credential"}
)


def create_server(
    origin: Origin, wanted: McpServerSettings, credential: str | None = None, effect: IdempotencyKey | None = None
) -> McpServer:
    """Creates an MCP server and queues its check. A repeated request returns the first one's.

    Raises Invalid, QuotaExceeded.
    """
    if earlier := find_earlier_effect(effect):
        return get_server(origin.org_id, earlier.subject_id)
    checked, now, id_ = rules.check_settings(origin.org_id, wanted), clock.now_iso(), ids.new_id("mcp")
    server = McpServer(
        **checked.model_dump(),
        id=id_,
        org_id=origin.org_id,
        sealed_credential=_sealed(origin.org_id, id_, checked, credential),
        check_queued_at=now,
        created_at=now,
        updated_at=now,
    )
    done = commit_once(
        effect,
        server.id,
        organizations.one_more_write(
            origin.org_id, _GAUGE, MAX_SERVERS, things="MCP servers", advice="delete one", code="mcp_server_limit"
        ),
        store.SERVERS.create_write(server),
        store.label_write(server),
        _event_write(origin, server, "mcp_server.created", transport=server.transport, auth_type=server.auth_type),
        _check_write(server),
    )
    return get_server(origin.org_id, done.subject_id) if done else server


def _sealed(org_id: str, server_id: str, settings: McpServerSettings, credential: str | None) -> str | None:
    if credential is None:
        return None
    if settings.auth_type == "none":
        raise Invalid(
            "The MCP server is not valid: see the fields.",
            fields={"credential": "needs an auth_type: bearer, header or oauth_token"},
        )
    return rules.seal_credential(org_id, server_id, credential)


def get_server(org_id: str, server_id: str) -> McpServer:
    """Returns an MCP server of an organization. Raises NotFound."""
    server = store.SERVERS.get_object(org_id, server_id)
    if not server:
        raise NotFound("There is no such MCP server: check its id.")
    return server


def list_tools(server: McpServer) -> list[McpTool]:
    """Returns the tools that the last check of a server found, with their schemas."""
    return tool_parts.list_tools(server)


def list_servers(org_id: str) -> list[McpServer]:
    """Returns the organization's MCP servers, the newest first."""
    return store.list_servers(org_id)[::-1]


def update_server(
    origin: Origin, server_id: str, changes: Mapping[str, Any], effect: IdempotencyKey | None = None
) -> McpServer:
    """Changes the given fields of an MCP server. `credential` may be one. Raises NotFound, Invalid, Contended."""

    def decide(before: McpServer) -> Decision[McpServer]:
        settings = McpServerSettings.model_validate(before.model_dump() | dict(changes))
        facts: dict[str, Any] = rules.check_settings(origin.org_id, settings).model_dump()
        facts["sealed_credential"] = before.sealed_credential
        if settings.auth_type == "none":
            facts["sealed_credential"] = None
        if "credential" in changes:
            facts["sealed_credential"] = _sealed(origin.org_id, before.id, settings, changes["credential"])
        changed = {name: value for name, value in facts.items() if getattr(before, name) != value}
        if not changed:
            return None
        after = next_version(before, **changed)
        rules.check_kept_credential(before, after, changes)
        fields = sorted("credential" if name == "sealed_credential" else name for name in changed)
        writes: list[Writes] = [_event_write(origin, after, "mcp_server.updated", fields=fields)]
        if before.label != after.label:
            writes += [store.label_delete_write(before), store.label_write(after)]
        if _CONNECTION & changed.keys():
            now = clock.now_iso()
            writes += tool_parts.delete_writes(before)
            # The tools of another server, or under another label, are no longer offered.
            after = after.model_copy(
                update={"tools": [], "check_state": CheckState.PENDING, "last_status": None, "check_queued_at": now}
            )
            # A check that is under way finds the change at its end, and queues the next check.
            if not _is_checking(before):
                writes.append(_check_write(after))
        return after, writes

    changed = store.SERVERS.change_object(origin.org_id, server_id, decide, once=effect)
    return changed or get_server(origin.org_id, server_id)


def delete_server(origin: Origin, server_id: str, effect: IdempotencyKey | None = None) -> None:
    """Deletes an MCP server. Its tools are no longer offered. Raises NotFound, Contended."""
    if find_earlier_effect(effect):
        return

    def attempt() -> bool:
        server = get_server(origin.org_id, server_id)
        commit_once(
            effect,
            server.id,
            store.SERVERS.delete_write(server),
            *tool_parts.delete_writes(server),
            store.label_delete_write(server),
            organizations.gauge_write(origin.org_id, _GAUGE, -1, None, None),
            _event_write(origin, server, "mcp_server.deleted"),
        )
        return True

    retry_on_conflict(attempt)


def request_check(origin: Origin, server_id: str, effect: IdempotencyKey | None = None) -> McpServer:
    """Queues a check of an MCP server, unless one is under way or was queued in the last moments.

    Raises NotFound, Contended.
    """

    def decide(before: McpServer) -> Decision[McpServer]:
        queued = before.check_queued_at
        if _is_checking(before) or (queued is not None and clock.parse(queued) > clock.now() - CHECK_PAUSE):
            return None
        after = before.model_copy(update={"version": before.version + 1, "check_queued_at": clock.now_iso()})
        return after, [_event_write(origin, after, "mcp_server.check_requested"), _check_write(after)]

    changed = store.SERVERS.change_object(origin.org_id, server_id, decide, once=effect)
    return changed or get_server(origin.org_id, server_id)


def _is_checking(server: McpServer) -> bool:
    """Whether a check is queued or runs. One server keeps at most one worker busy, however often it changes."""
    queued, ended = server.check_queued_at, server.last_checked_at
    if queued is None or (ended is not None and clock.parse(queued) <= clock.parse(ended)):
        return False
    return clock.parse(queued) > clock.now() - CHECK_LOST_AFTER


def _check_write(server: McpServer) -> Put:
    return timers.job_write(CheckServer(org_id=server.org_id, server_id=server.id))


def _event_write(origin: Origin, server: McpServer, type_: str, **data: Any) -> Put:
    subject = Subject(type="mcp_server", id=server.id, version=server.version)
    return events.new_event_write(origin, type_, subject, **data)
