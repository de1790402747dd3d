"""An MCP server of an organization, its settings, and the tools that it lists."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, Field

Transport = Literal["hosted", "worker_streamable_http"]
AuthType = Literal["none", "bearer", "header", "oauth_token"]
ApprovalDefault = Literal["never", "always"]
#: The header of a credential with `auth_type` header, if the request names none.
USUAL_HEADER = "X-API-Key"


class CheckState(StrEnum):
    """The result of the last check of a server."""

    #: No check has ended since the server was created, or since its connection changed.
    PENDING = "pending"
    OK = "ok"
    #: Some tools are left out. `last_status` says why.
    LIMITED = "limited"
    FAILED = "failed"
    #: A hosted server: the vendor of the language model dials it.
    NOT_DIALED = "not_dialed"


def offered_name(label: str, tool: str) -> str:
    """Returns the name under which the AI knows a tool."""
    return f"{label}__{tool}"


class McpTool(BaseModel):
    """A tool that a server listed. `parameters` is the JSON Schema of its arguments."""

    name: str
    description: str = ""
    parameters: dict[str, Any] = Field(default_factory=dict)

    def describe(self, label: str) -> dict[str, Any]:
        """Returns the tool of the server with this label as a language model reads it."""
        description = self.description or f"The tool {self.name} of {label}."
        return {"name": offered_name(label, self.name), "description": description, "parameters": self.parameters}


class ToolEntry(BaseModel):
    """A tool as the item of its server has it: enough to choose the tools of a turn without their schemas.

    `size` has the bytes of the tool as a language model reads it, and `part` the number of the item with its schema.
    """

    name: str
    size: int
    part: int


class McpServerSettings(BaseModel):
    """The fields of an MCP server that a request sets, without the credential.

    The fields that end in `_json` have the JSON text of the request.
    """

    label: str
    description: str | None = None
    flow_id: str | None = None
    transport: Transport = "hosted"
    server_url: str | None = None
    connector_id: str | None = None
    auth_type: AuthType = "none"
    credential_header: str | None = None
    allowed_tools_json: str | None = None
    auto_approve_tools_json: str | None = None
    require_approval_default: ApprovalDefault = "always"
    enabled: bool = True


class McpServer(McpServerSettings):
    """An MCP server of an organization. `version` counts its changes, and `sealed_credential` is encrypted."""

    id: str
    org_id: str
    version: int = 1
    sealed_credential: str | None = None
    tools: list[ToolEntry] = Field(default_factory=list)
    check_state: CheckState = CheckState.PENDING
    last_status: str | None = None
    last_checked_at: str | None = None
    #: When a check was last queued.
    check_queued_at: str | None = None
    created_at: str
    updated_at: str

    @property
    def has_credential(self) -> bool:
        """Whether a credential is stored."""
        return self.sealed_credential is not None

    @property
    def lacks_credential(self) -> bool:
        """Whether the server needs a credential, and none is stored. A server without it is not used."""
        return self.auth_type != "none" and not self.has_credential

    def allows(self, tool: str) -> bool:
        """Whether the server's list of allowed tools has a tool. Without a list, every tool is allowed."""
        return self.allowed_tools_json is None or tool in json.loads(self.allowed_tools_json)

    def needs_approval(self, tool: str) -> bool:
        """Whether a person has to approve each use of a tool."""
        if self.auto_approve_tools_json is not None and tool in json.loads(self.auto_approve_tools_json):
            return False
        return self.require_approval_default == "always"

    def list_free_tools(self) -> list[str] | None:
        """Returns the names of the tools that need no approval, `None` if none of the server's tools needs one."""
        allowed = None if self.allowed_tools_json is None else json.loads(self.allowed_tools_json)
        if self.require_approval_default == "never":
            return allowed
        approved = json.loads(self.auto_approve_tools_json or "[]")
        return [name for name in approved if allowed is None or name in allowed]

    def find_tool(self, name: str) -> ToolEntry | None:
        """Returns the entry of the tool with this name, `None` if the server does not list it."""
        return next((tool for tool in self.tools if tool.name == name), None)
