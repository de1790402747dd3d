"""HUM: `/api/mcp-servers*`: the MCP servers of an organization, and the approvals of their tools."""

from __future__ import annotations

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Query

from functions.hum.mcp_servers.schemas import (
    McpCheckQueued,
    McpServerChanges,
    McpServerInput,
    McpServerList,
    McpServerSummary,
    McpServerView,
    ToolApprovalList,
    ToolApprovalView,
)
from switchboard.dialects.hum.dialect import Hum
from switchboard.dialects.hum.shapes import DONE, Cursor, Limit, Ok
from switchboard.edge.api import Api
from switchboard.mcp_servers import service
from switchboard.mcp_servers.models import McpServer, McpServerSettings
from switchboard.team.permissions import Permission
from switchboard.tool_approvals import service as tool_approvals
from switchboard.tool_approvals.models import ApprovalState

api = Api(
    Hum(),
    "mcp_servers",
    tags={"MCP": "Servers of your own whose tools the flows may use, and the approvals of their use."},
)

_UNKNOWN = "There is no such MCP server."
_UNKNOWN_APPROVAL = "There is no such approval."
_DECIDED = "Another member decided otherwise: `already_decided`. Or nobody decided in time: `approval_expired`."
_INVALID = "A setting is not valid. For JSON in a text, the message names the line and the column."


def _view_of(server: McpServer) -> McpServerView:
    return McpServerView.of(server, service.list_tools(server))


@api.get(
    "/api/mcp-servers",
    summary="List MCP servers",
    operation_id="listMcpServers",
    description="All of them, the newest first, with the names of the tools that the last check found. A single server "
    "has their descriptions and arguments too. Credentials are never shown.",
    permission=Permission.MCP_SERVERS_READ,
)
def list_mcp_servers() -> McpServerList:
    found = service.list_servers(api.member.org_id)
    return McpServerList(mcp_servers=[McpServerSummary.of(server) for server in found])


@api.post(
    "/api/mcp-servers",
    summary="Create an MCP server",
    operation_id="createMcpServer",
    description="An organization has at most 20. The tools of a server that the platform dials are listed within "
    "moments: see `check_state`, `last_status` and `tools`.",
    status=201,
    permission=Permission.MCP_SERVERS_WRITE,
    responses={
        400: f"{_INVALID} Or the label is taken: `label_taken`.",
        402: "`mcp_server_limit`: the organization has 20 MCP servers.",
    },
)
def create_mcp_server(request: McpServerInput) -> McpServerView:
    given = request.given()
    credential = given.pop("credential", None)
    settings = McpServerSettings.model_validate(given)
    return _view_of(service.create_server(api.member, settings, credential, api.member.effect))


@api.get(
    "/api/mcp-servers/approvals",
    summary="List approvals of tools",
    operation_id="listMcpToolApprovals",
    description="The newest first. They are kept for 90 days.",
    permission=Permission.MCP_SERVERS_READ,
)
def list_mcp_tool_approvals(
    state: Annotated[ApprovalState | None, Query(description="Only approvals in this state.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> ToolApprovalList:
    found, after = tool_approvals.list_approvals(api.member.org_id, state, limit, cursor)
    return ToolApprovalList(approvals=[ToolApprovalView.of(approval) for approval in found], next_cursor=after)


@api.get(
    "/api/mcp-servers/approvals/<apr:approval_id>",
    summary="Get an approval of a tool",
    operation_id="getMcpToolApproval",
    permission=Permission.MCP_SERVERS_READ,
    responses={404: _UNKNOWN_APPROVAL},
)
def get_mcp_tool_approval(approval_id: str) -> ToolApprovalView:
    return ToolApprovalView.of(tool_approvals.get_approval(api.member.org_id, approval_id))


@api.post(
    "/api/mcp-servers/approvals/<apr:approval_id>/approve",
    summary="Let a tool run",
    operation_id="approveMcpTool",
    description="The tool runs once, in the background. Its result starts the next turn of the AI in the conversation."
    " A use that is approved already stays as it is.",
    permission=Permission.MCP_TOOLS_APPROVE,
    responses={404: _UNKNOWN_APPROVAL, 409: _DECIDED},
)
def approve_mcp_tool(approval_id: str) -> ToolApprovalView:
    return ToolApprovalView.of(tool_approvals.approve_tool(api.member, approval_id, api.member.effect))


@api.post(
    "/api/mcp-servers/approvals/<apr:approval_id>/deny",
    summary="Refuse the use of a tool",
    operation_id="denyMcpTool",
    description="The tool does not run. The AI gets to know that, and goes on with the conversation.",
    permission=Permission.MCP_TOOLS_APPROVE,
    responses={404: _UNKNOWN_APPROVAL, 409: _DECIDED},
)
def deny_mcp_tool(approval_id: str) -> ToolApprovalView:
    return ToolApprovalView.of(tool_approvals.deny_tool(api.member, approval_id, api.member.effect))


@api.get(
    "/api/mcp-servers/<mcp:server_id>",
    summary="Get an MCP server",
    operation_id="getMcpServer",
    permission=Permission.MCP_SERVERS_READ,
    responses={404: _UNKNOWN},
)
def get_mcp_server(server_id: str) -> McpServerView:
    return _view_of(service.get_server(api.member.org_id, server_id))


@api.patch(
    "/api/mcp-servers/<mcp:server_id>",
    summary="Update an MCP server",
    operation_id="updateMcpServer",
    description="A missing field stays unchanged. After a change of the connection, the tools are listed again, and "
    "none is offered until then.",
    permission=Permission.MCP_SERVERS_WRITE,
    responses={400: _INVALID, 404: _UNKNOWN},
)
def update_mcp_server(server_id: str, request: McpServerChanges) -> McpServerView:
    return _view_of(service.update_server(api.member, server_id, request.given(), api.member.effect))


@api.delete(
    "/api/mcp-servers/<mcp:server_id>",
    summary="Delete an MCP server",
    operation_id="deleteMcpServer",
    description="Flows no longer use its tools. A use that waits for its approval does not run any more.",
    permission=Permission.MCP_SERVERS_WRITE,
    responses={404: _UNKNOWN},
)
def delete_mcp_server(server_id: str) -> Ok:
    service.delete_server(api.member, server_id, api.member.effect)
    return DONE


@api.post(
    "/api/mcp-servers/<mcp:server_id>/check",
    summary="List the tools of an MCP server again",
    operation_id="checkMcpServer",
    description="Get the server after some seconds for the result. A request queues no other check while one is under "
    "way, and within 20 seconds.",
    status=202,
    permission=Permission.MCP_SERVERS_WRITE,
    responses={404: _UNKNOWN},
)
def check_mcp_server(server_id: str) -> McpCheckQueued:
    service.request_check(api.member, server_id, api.member.effect)
    return McpCheckQueued(ok=True, queued=True)


handler = api.handler
