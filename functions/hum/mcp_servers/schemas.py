"""Request and response models of HUM's MCP servers (docs/contracts/hum.md#mcp-servers)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from switchboard.dialects.hum.shapes import Ok
from switchboard.edge.fields import Bit, OneLine, Pattern
from switchboard.edge.schema import omit_default
from switchboard.mcp_servers.models import ApprovalDefault, AuthType, CheckState, McpServer, McpTool, Transport
from switchboard.mcp_servers.rules import LABEL_PATTERN, MAX_CREDENTIAL_CHARACTERS
from switchboard.tool_approvals.models import ApprovalState, ToolApproval

Label = Annotated[
    str,
    Field(min_length=1, max_length=64),
    Pattern(LABEL_PATTERN, "must have lower case letters, digits, hyphens and underscores only"),
]


class McpServerInput(BaseModel):
    """The settings of an MCP server. A field that ends in `_json` holds JSON as text.

    An error in such a text names the line and the column, for example `line 1: is not valid JSON: expecting value
    (column 2)`.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "label": "orders",
                    "transport": "worker_streamable_http",
                    "server_url": "https://tools.example.com/mcp",
                    "auth_type": "bearer",
                    "credential": "the server's token",
                    "allowed_tools_json": '["look_up", "cancel"]',
                    "auto_approve_tools_json": '["look_up"]',
                }
            ]
        }
    )

    label: Label = Field(
        description="It is unique in the organization, and begins the names of the tools: `orders__look_up`."
    )
    description: str | None = Field(
        default=None, max_length=500, description="Your own words about the server, for the model if it is hosted."
    )
    flow_id: str | None = Field(
        default=None, max_length=64, description="The id of the flow that may use the tools. `null` means every flow."
    )
    transport: Transport = Field(
        default="hosted",
        description="`worker_streamable_http`: the platform dials `server_url`. `hosted`: the vendor of the language "
        "model dials `server_url` or `connector_id`, if the model can.",
    )
    server_url: Annotated[str, Field(max_length=2048, json_schema_extra={"format": "uri"})] | None = Field(
        default=None, description="A public address that begins with https."
    )
    connector_id: Annotated[str, OneLine(128, least=1)] | None = Field(
        default=None, description="The id of a connector at the vendor of the language model."
    )
    auth_type: AuthType = Field(
        default="none",
        description="`bearer` and `oauth_token` send the credential as `Authorization: Bearer`, and `header` in "
        "`credential_header`.",
    )
    credential: str | None = Field(
        default=None,
        max_length=MAX_CREDENTIAL_CHARACTERS,
        description="The secret of `auth_type`. It is stored encrypted, and never returned. `null` deletes it. A change"
        " of `transport`, `server_url` or `connector_id` needs it again.",
        json_schema_extra={"writeOnly": True},
    )
    credential_header: str | None = Field(
        default=None, max_length=100, description="The header for `auth_type` `header`. Without one: `X-API-Key`."
    )
    allowed_tools_json: str | None = Field(
        default=None,
        max_length=20_000,
        description='JSON as text: a list of the tools that may be used, such as `["look_up"]`. `null` means all.',
    )
    auto_approve_tools_json: str | None = Field(
        default=None,
        max_length=20_000,
        description="JSON as text: a list of the tools that need no approval.",
    )
    require_approval_default: ApprovalDefault = Field(
        default="always", description="Whether each use of another tool needs a person's approval."
    )
    enabled: Bit = Field(default=1, description="Whether flows may use the tools: 1 or 0.")

    def given(self) -> dict[str, Any]:
        """Returns the fields that the request sent, with their values in the domain."""
        found = self.model_dump(exclude_unset=True)
        return found | {"enabled": bool(found["enabled"])} if "enabled" in found else found


def _require_label(schema: dict[str, Any]) -> None:
    schema["required"] = ["label"]
    schema["examples"] = [{"label": "orders", "enabled": 0}]


class McpServerChanges(McpServerInput):
    """The changes of an MCP server. A missing field stays unchanged, and its default has no effect.

    The contract requires `label`. A request without it is accepted, and the label stays.
    """

    model_config = ConfigDict(json_schema_extra=_require_label)

    label: Label = Field(
        default="",
        description="It is unique in the organization, and begins the names of the tools.",
        json_schema_extra=omit_default,
    )


class McpToolSummary(BaseModel):
    """A tool of an MCP server, without its description and its arguments."""

    name: str
    allowed: bool = Field(description="Whether `allowed_tools_json` has it.")
    needs_approval: bool = Field(description="Whether a person has to approve each use.")
    changed: bool = Field(
        description="Whether the tool has changed since it was first listed, or accepted. Each use needs an approval"
        " then, until a member accepts the tool."
    )

    @staticmethod
    def facts_of(server: McpServer, name: str) -> dict[str, Any]:
        """Returns the fields of a tool that follow from the server's settings."""
        return {
            "name": name,
            "allowed": server.allows(name),
            "needs_approval": server.needs_approval(name),
            "changed": server.has_changed(name),
        }


class McpToolHintsView(BaseModel):
    """The statements of a server about the effects of a tool. Nobody checks them."""

    read_only: bool | None = None
    destructive: bool | None = None
    idempotent: bool | None = None
    open_world: bool | None = None


class McpToolView(McpToolSummary):
    """A tool of an MCP server."""

    description: str
    hints: McpToolHintsView
    digest: str = Field(description="It changes with everything that the server says about the tool.")
    input_schema: dict[str, Any] = Field(description="The JSON Schema of the tool's arguments.")


class _McpServerFacts(BaseModel):
    id: str
    label: str
    description: str | None
    flow_id: str | None
    transport: Transport
    server_url: str | None
    connector_id: str | None
    auth_type: AuthType
    credential_header: str | None
    has_credential: bool
    allowed_tools_json: str | None
    auto_approve_tools_json: str | None
    require_approval_default: ApprovalDefault
    enabled: Bit
    check_state: CheckState = Field(description="The result of the last check. `pending`: a check is queued.")
    last_status: str | None = Field(description="The result of the last check in words.")
    last_checked_at: str | None
    created_at: str
    updated_at: str


def _facts_of(server: McpServer) -> dict[str, Any]:
    facts = server.model_dump(exclude={"tools", "accepted_tools", "check_timer"})
    return facts | {"enabled": int(server.enabled), "has_credential": server.has_credential}


class McpServerSummary(_McpServerFacts):
    """An MCP server in a list, without its credential."""

    tools: list[McpToolSummary] = Field(description="The tools that the last check found, by their names.")

    @classmethod
    def of(cls, server: McpServer) -> McpServerSummary:
        """Returns HUM's view of an MCP server in a list."""
        tools = [McpToolSummary.facts_of(server, tool.name) for tool in server.tools]
        return cls.model_validate(_facts_of(server) | {"tools": tools})


class McpServerView(_McpServerFacts):
    """An MCP server, without its credential."""

    tools: list[McpToolView] = Field(description="The tools that the last check found.")

    @classmethod
    def of(cls, server: McpServer, tools: Iterable[McpTool]) -> McpServerView:
        """Returns HUM's view of an MCP server with its tools."""
        shown = [
            McpToolView.facts_of(server, tool.name)
            | {
                "description": tool.description,
                "hints": tool.hints,
                "digest": tool.digest,
                "input_schema": tool.parameters,
            }
            for tool in tools
        ]
        return cls.model_validate(_facts_of(server) | {"tools": shown})


class McpServerList(BaseModel):
    """All MCP servers of the organization."""

    mcp_servers: list[McpServerSummary]


class ToolApprovalView(BaseModel):
    """The use of a tool that waits for a person's approval, or waited."""

    id: str
    state: ApprovalState = Field(
        description="`approved` and `running` are on their way to `finished`. `unconfirmed`: the run was begun, its "
        "result was lost, and it is not repeated."
    )
    server_id: str
    server_label: str
    tool: str = Field(description="The name of the tool at its server.")
    name: str = Field(description="The name by which the AI knows the tool.")
    arguments: dict[str, Any]
    flow_id: str
    conversation_id: str
    expires_at: str = Field(description="When a pending approval expires: 24 hours after the request.")
    decided_by: str | None
    decided_by_name: str | None
    decided_at: str | None
    outcome: Literal["done", "failed", "unknown"] | None = Field(description="Whether the tool did its work.")
    result: str | None = Field(description="The text that the AI gets. A tool's own text is that of a third party.")
    finished_at: str | None
    created_at: str

    @classmethod
    def of(cls, approval: ToolApproval) -> ToolApprovalView:
        """Returns HUM's view of an approval."""
        return cls.model_validate(approval.model_dump())


class ToolApprovalList(BaseModel):
    """A page of approvals."""

    approvals: list[ToolApprovalView]
    next_cursor: str | None


class SeenTool(BaseModel):
    """A tool that a member has read."""

    name: Annotated[str, Field(min_length=1, max_length=128)]
    digest: Annotated[str, Field(min_length=32, max_length=32)] = Field(description="The `digest` of the tool.")


class AcceptToolsInput(BaseModel):
    """The changed tools that a member accepts."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"tools": [{"name": "look_up", "digest": "0123456789abcdef0123456789abcdef"}]}]}
    )

    tools: Annotated[
        list[SeenTool],
        Field(min_length=1, max_length=64, description="The tools as the member has read them, with their digests."),
    ]


class McpCheckQueued(Ok):
    """The check is queued."""

    queued: Literal[True]
