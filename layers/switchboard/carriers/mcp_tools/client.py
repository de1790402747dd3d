"""Lists and calls the tools of a server by the official client of MCP, over streamable HTTP."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple, TypeVar

import httpx2
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client
from mcp_types import (
    PARSE_ERROR,
    REQUEST_TIMEOUT,
    CallToolRequest,
    CallToolRequestParams,
    CallToolResult,
    Implementation,
    ListToolsRequest,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
    Tool,
    ToolAnnotations,
)
from pydantic import ValidationError

from switchboard import telemetry
from switchboard.carriers.mcp_tools import (
    MAX_DESCRIPTION_CHARACTERS,
    MAX_RESULT_CHARACTERS,
    MAX_SCHEMA_BYTES,
    MAX_SCHEMA_LEVELS,
    MAX_TOOLS,
    NO_HINTS,
    NO_TOOLS,
    TOOL_NAME,
    LeftOutTool,
    ListedTool,
    ToolHints,
    ToolListing,
    ToolReply,
    ToolServer,
)
from switchboard.carriers.mcp_tools.transport import MAX_RESPONSE_BYTES, REQUEST_SECONDS, GuardedTransport
from switchboard.kit.texts import UNSAFE_CHARACTERS, is_deeper
from switchboard.outbound.client import GuardedClient
from switchboard.outbound.loops import LOOP_HEADER
from switchboard.outbound.sent_secrets import SentSecrets

#: The time of a whole session with all its requests, in seconds. The last one is of a call for which nobody waits.
LIST_SECONDS, CALL_SECONDS, PATIENT_CALL_SECONDS = 30.0, 20.0, 75.0
#: The time of one request of a call for which nobody waits, in seconds.
PATIENT_REQUEST_SECONDS = 60.0
_MAX_PAGES = 10
_MAX_ERROR_CHARACTERS, _MAX_SHOWN_NAME = 200, 80
_CALL = "tools/call"
_UNAUTHORIZED = (401, 403)
_ERROR_STATUS = 400
T = TypeVar("T")

# The client logs what a server sent. That belongs to the customer, and not in our logs.
logging.getLogger("mcp").setLevel(logging.CRITICAL)
for _name in ("client", "httpx2"):
    logging.getLogger(_name).setLevel(logging.CRITICAL)


def list_tools(server: ToolServer) -> ToolListing:
    """Returns the tools of a server. Raises nothing."""
    found = _Found(_secrets_of(server))

    async def work(client: Client) -> None:
        await _read_pages(client, found)

    problem = asyncio.run(_run(server, server.headers, work, _Patience(REQUEST_SECONDS, LIST_SECONDS))).problem
    if problem is None and found.problem is None and not (found.tools or found.left_out):
        found.problem = NO_TOOLS
    return ToolListing(found.tools, found.left_out, problem or found.problem)


def call_tool(server: ToolServer, name: str, arguments: Mapping[str, Any], key: str, *, patient: bool) -> ToolReply:
    """Calls a tool. Raises nothing."""
    replies: list[ToolReply] = []
    secrets = _secrets_of(server)

    async def work(client: Client) -> None:
        request = CallToolRequest(params=CallToolRequestParams(name=name, arguments=dict(arguments)))
        # Not `client.call_tool`: it would check the result with a schema of the server, which may cost any time.
        replies.append(_reply_of(await client.session.send_request(request, CallToolResult), secrets))

    usual = _Patience(REQUEST_SECONDS, CALL_SECONDS)
    patience = _Patience(PATIENT_REQUEST_SECONDS, PATIENT_CALL_SECONDS) if patient else usual
    end = asyncio.run(_run(server, {**server.headers, "Idempotency-Key": key}, work, patience))
    if replies:
        # The result counts, even if the session did not end well.
        return replies[0]
    text = f"The tool gave no result. {end.problem or 'The server sent none.'}"
    return ToolReply(text, "unknown" if end.may_have_run else "failed", len(text))


def _secrets_of(server: ToolServer) -> SentSecrets:
    return SentSecrets(server.headers.values())


class _Patience(NamedTuple):
    """The time of one request, and of the whole session, in seconds."""

    request: float
    session: float


class _Found:
    def __init__(self, secrets: SentSecrets) -> None:
        self.secrets = secrets
        self.tools: list[ListedTool] = []
        self.left_out: list[LeftOutTool] = []
        self.problem: str | None = None


class _SessionEnd:
    """How a session ended: its problem in words, and whether a tool was called that the server did not refuse."""

    def __init__(self, problem: str | None, transport: GuardedTransport) -> None:
        asked = transport.asked
        self.problem = problem
        self.may_have_run = (
            asked is not None and asked.method == _CALL and not (asked.was_refused or asked.has_refusing_status)
        )


async def _run(
    server: ToolServer, headers: Mapping[str, str], work: Callable[[Client], Awaitable[None]], patience: _Patience
) -> _SessionEnd:
    async with GuardedClient(max_body=MAX_RESPONSE_BYTES) as web:
        transport = GuardedTransport(web, server.url, patience.request)
        try:
            async with (
                asyncio.timeout(patience.session),
                _open_session(transport, server.url, headers, patience.request) as client,
            ):
                await work(client)
        except Exception as error:  # noqa: BLE001 every failure of a stranger's server is a result
            return _SessionEnd(_describe_failure(transport, error, patience, _secrets_of(server)), transport)
        return _SessionEnd(None, transport)


@asynccontextmanager
async def _open_session(
    transport: GuardedTransport, url: str, headers: Mapping[str, str], request_seconds: float
) -> AsyncIterator[Client]:
    # httpx2 has its own timeouts. Those of the transport apply instead.
    async with httpx2.AsyncClient(
        transport=transport,
        # The server may be our own: its tools could start the flow that is using it.
        headers={**headers, LOOP_HEADER: "1"},
        timeout=None,
        max_redirects=0,
        trust_env=False,
    ) as http:
        client = Client(
            streamable_http_client(url, http_client=http, max_sse_event_size=MAX_RESPONSE_BYTES),
            read_timeout_seconds=request_seconds + 1,
            client_info=Implementation(name="switchboard", version="1"),
            cache=None,
        )
        async with client:
            yield client


async def _read_pages(client: Client, found: _Found) -> None:
    cursor: str | None = None
    cursors, names = set[str](), set[str]()
    for _ in range(_MAX_PAGES):
        request = ListToolsRequest(params=PaginatedRequestParams(cursor=cursor))
        page = await client.session.send_request(request, ListToolsResult)
        for tool in page.tools:
            if len(found.tools) == MAX_TOOLS:
                found.problem = f"It has more than {MAX_TOOLS} tools: only the first {MAX_TOOLS} are used."
                return
            _add_tool(tool, names, found)
        cursor = page.next_cursor
        if cursor is None:
            return
        if cursor in cursors:
            found.problem = "Its list of tools never ends: a page leads back to an earlier one."
            return
        cursors.add(cursor)
    found.problem = f"Its list of tools has more than {_MAX_PAGES} pages: only those are used."


def _add_tool(tool: Tool, names: set[str], found: _Found) -> None:
    if len(found.left_out) >= MAX_TOOLS:
        return
    reason = _refuse_tool(tool, names, found.secrets)
    if reason:
        found.left_out.append(LeftOutTool(_one_line(tool.name, found.secrets)[:_MAX_SHOWN_NAME], reason))
        return
    names.add(tool.name)
    told = found.secrets.hide(tool.description or tool.title or "")
    description = " ".join(UNSAFE_CHARACTERS.sub(" ", told).split())
    parameters = found.secrets.hide_in_json(tool.input_schema)
    found.tools.append(
        ListedTool(tool.name, description[:MAX_DESCRIPTION_CHARACTERS], parameters, _hints_of(tool.annotations))
    )


def _hints_of(told: ToolAnnotations | None) -> ToolHints:
    if told is None:
        return NO_HINTS
    return ToolHints(told.read_only_hint, told.destructive_hint, told.idempotent_hint, told.open_world_hint)


def _refuse_tool(tool: Tool, names: set[str], secrets: SentSecrets) -> str | None:
    if secrets.are_in(tool.name):
        return "its name has the server's credential"
    if not re.fullmatch(TOOL_NAME, tool.name):
        return "its name must have 1 to 128 letters, digits, dots, hyphens and underscores"
    if tool.name in names:
        return "another tool has its name"
    if is_deeper(tool.input_schema, MAX_SCHEMA_LEVELS):
        return f"its schema has more than {MAX_SCHEMA_LEVELS} levels"
    try:
        size = len(json.dumps(tool.input_schema, ensure_ascii=False, allow_nan=False).encode())
    except ValueError:
        return "its schema is not valid JSON"
    return f"its schema is larger than {MAX_SCHEMA_BYTES // 1_024} KB" if size > MAX_SCHEMA_BYTES else None


def _reply_of(result: CallToolResult, secrets: SentSecrets) -> ToolReply:
    parts = [part.text if isinstance(part, TextContent) else f"({part.type} left out)" for part in result.content]
    text = "\n".join(parts)
    if not text and result.structured_content is not None:
        text = json.dumps(result.structured_content, ensure_ascii=False)
    # Half of a surrogate pair cannot be stored.
    text = secrets.hide(text.encode(errors="replace").decode())
    kept = "".join(" " if UNSAFE_CHARACTERS.match(one) and one not in "\n\t" else one for one in _beginning(text))
    return ToolReply(kept, "failed" if result.is_error else "done", len(text))


def _beginning(text: str) -> str:
    return text[:MAX_RESULT_CHARACTERS]


def _describe_failure(transport: GuardedTransport, error: Exception, patience: _Patience, secrets: SentSecrets) -> str:
    causes = list(_flatten(error))
    answer = next((cause for cause in causes if isinstance(cause, MCPError)), None)
    telemetry.logger().info(
        "an MCP server failed", extra={"reason": ", ".join(sorted({type(cause).__name__ for cause in causes}))}
    )
    asked = transport.asked
    status = asked.status if asked else 0
    if transport.problem:
        return f"The server cannot be used: {transport.problem}."
    if any(isinstance(cause, TimeoutError) for cause in causes):
        return f"The server was not done within {patience.session:g} s."
    if status in _UNAUTHORIZED:
        return f"The server refused the credential (HTTP {status})."
    if status >= _ERROR_STATUS:
        return f"The server answered HTTP {status}."
    if answer is not None:
        return _describe_error(answer, secrets, patience, is_own=asked is not None and asked.was_refused)
    if any(isinstance(cause, ValidationError) for cause in causes):
        return "The server's answer does not have the form of the protocol."
    return f"The server broke the protocol: {type(causes[0]).__name__}."


def _describe_error(error: MCPError, secrets: SentSecrets, patience: _Patience, *, is_own: bool) -> str:
    """Returns an error of the client in words. `is_own` says whether the server sent it."""
    said = _one_line(error.error.message, secrets)
    if is_own:
        return f"The server answered an error: {said}."
    if error.error.code == REQUEST_TIMEOUT:
        return f"The server did not answer within {patience.request:g} s."
    if error.error.code == PARSE_ERROR:
        return "The server's response is not valid JSON-RPC."
    return f"The server gave no answer: {said}."


def _flatten(error: BaseException) -> list[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        return [cause for one in error.exceptions for cause in _flatten(one)]
    return [error]


def _one_line(text: str, secrets: SentSecrets) -> str:
    shown = UNSAFE_CHARACTERS.sub(" ", secrets.hide(text.encode(errors="replace").decode()))
    return " ".join(shown.split())[:_MAX_ERROR_CHARACTERS].rstrip(".")
