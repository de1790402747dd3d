"""The rules of an MCP server's settings, and of its credential."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from switchboard.aws import secret
from switchboard.carriers.mcp_tools import TOOL_NAME
from switchboard.errors import Invalid, NotFound
from switchboard.flows import service as flows
from switchboard.flows.source import PathError, SourceError, read_json
from switchboard.mcp_servers.models import USUAL_HEADER, McpServer, McpServerSettings
from switchboard.outbound import destination
from switchboard.outbound.loops import LOOP_HEADER
from switchboard.outbound.reserved_headers import RESERVED_HEADERS

LABEL_PATTERN = r"^[a-z0-9_-]+$"
MAX_CREDENTIAL_CHARACTERS = 4_096
#: The most names in a list of tools.
MAX_LISTED_NAMES = 200
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
#: The headers of the protocol, beside those that the client of all requests sets.
_PROTOCOL_HEADERS = re.compile(
    rf"accept|content-type|cookie|idempotency-key|mcp-.*|last-event-id|{LOOP_HEADER}", re.IGNORECASE
)
#: The settings that say who gets a credential. The path counts too: a host may serve the servers of many customers.
DESTINATION = ("transport", "server_url", "connector_id")
_CREDENTIAL = re.compile(r"[!-~](?:[ -~]*[!-~])?")


def check_settings(org_id: str, wanted: McpServerSettings) -> McpServerSettings:
    """Returns settings in their stored form. Raises Invalid with a problem for each wrong field."""
    problems: dict[str, str] = {}
    facts: dict[str, Any] = {}
    if wanted.server_url is not None:
        try:
            facts["server_url"] = destination.check_url(wanted.server_url)
        except Invalid as error:
            problems["server_url"] = error.details["fields"]["url"]
    elif wanted.transport == "worker_streamable_http":
        problems["server_url"] = "is missing: a server that we dial needs its URL"
    elif wanted.connector_id is None:
        problems["server_url"] = "is missing: a hosted server needs server_url or connector_id"
    for name in ("allowed_tools_json", "auto_approve_tools_json"):
        if problem := _find_list_problem(getattr(wanted, name)):
            problems[name] = problem
    if wanted.auth_type != "header":
        facts["credential_header"] = None
    elif problem := _find_header_problem(wanted.credential_header or USUAL_HEADER):
        problems["credential_header"] = problem
    else:
        facts["credential_header"] = wanted.credential_header or USUAL_HEADER
    if wanted.flow_id is not None:
        try:
            facts["flow_id"] = flows.get_flow(org_id, wanted.flow_id).id
        except NotFound:
            problems["flow_id"] = "must be the id of a flow of your organization"
    if problems:
        raise Invalid("The MCP server is not valid: see the fields.", fields=problems)
    return wanted.model_copy(update=facts)


def _find_list_problem(text: str | None) -> str | None:
    """Returns what is wrong with a JSON text that is to be a list of tools' names, with its line and column."""
    if text is None:
        return None
    try:
        source = read_json(text)
        try:
            _check_names(source.value)
        except PathError as error:
            return str(source.error(error))
    except SourceError as error:
        return str(error)
    return None


def _check_names(value: Any) -> None:
    if not isinstance(value, list):
        raise PathError((), 'must be a list of tools\' names, such as ["look_up"]')
    if len(value) > MAX_LISTED_NAMES:
        raise PathError((), f"has more than {MAX_LISTED_NAMES} names")
    for place, name in enumerate(value):
        if not isinstance(name, str) or not re.fullmatch(TOOL_NAME, name):
            raise PathError((place,), "must be a tool's name: 1 to 128 letters, digits, dots, hyphens and underscores")


def _find_header_problem(name: str) -> str | None:
    if _HEADER_NAME.fullmatch(name) and not _PROTOCOL_HEADERS.fullmatch(name) and name.lower() not in RESERVED_HEADERS:
        return None
    return "cannot be the header of a credential: use another name, such as X-API-Key"


def seal_credential(org_id: str, server_id: str, credential: str) -> str:
    """Returns a credential in its stored form. Raises Invalid."""
    if len(credential) > MAX_CREDENTIAL_CHARACTERS or not _CREDENTIAL.fullmatch(credential):
        problem = f"must have 1 to {MAX_CREDENTIAL_CHARACTERS:,} printable ASCII characters, without spaces at its ends"
        raise Invalid("The MCP server is not valid: see the fields.", fields={"credential": problem})
    return secret.seal(_purpose(org_id, server_id), credential)


def credential_headers(server: McpServer) -> dict[str, str]:
    """Returns the headers that prove who we are to a server."""
    if server.sealed_credential is None or server.auth_type == "none":
        return {}
    credential = secret.unseal(_purpose(server.org_id, server.id), server.sealed_credential)
    if server.auth_type == "header":
        return {(server.credential_header or USUAL_HEADER).lower(): credential}
    return {"authorization": f"Bearer {credential}"}


def check_kept_credential(before: McpServer, after: McpServer, changes: Mapping[str, Any]) -> None:
    """Raises Invalid if a change would send a stored credential to another server than the one it was stored for.

    Nobody can read a stored credential. Without this rule, a member could have it sent to a server of their own.
    """
    if before.sealed_credential is None or "credential" in changes or after.auth_type == "none":
        return
    moved = [name for name in DESTINATION if getattr(before, name) != getattr(after, name)]
    if moved:
        raise Invalid(
            "The MCP server is not valid: see the fields.",
            fields={"credential": f"must be sent again, because {' and '.join(moved)} changes who gets it"},
        )


def _purpose(org_id: str, server_id: str) -> str:
    return f"MCP server credential\x1f{org_id}\x1f{server_id}"
