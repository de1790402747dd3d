"""An MCP server of an organization, its settings, and the tools that it lists."""

from __future__ import annotations

import json
import re
from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, Field

from switchboard.kit import texts

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
    #: Some tools are left out, or have changed. `last_status` says why.
    LIMITED = "limited"
    FAILED = "failed"
    #: A hosted server: the vendor of the language model dials it.
    NOT_DIALED = "not_dialed"


#: The longest name under which a language model knows a tool, and the characters that it refuses in a name.
MAX_OFFERED_NAME = 64
_NOT_OFFERED = re.compile(r"[^A-Za-z0-9_-]")
_SUFFIX_DIGITS = 8


def offered_name(label: str, tool: str) -> str:
    """Returns the name under which the AI knows a tool.

    The protocol allows dots and longer names than models do. Such a name is changed, and gets a digest of the whole
    name as its end, so that it is unique.
    """
    name = f"{label}__{tool}"
    fitting = _NOT_OFFERED.sub("_", name)
    if fitting == name and len(name) <= MAX_OFFERED_NAME:
        return name
    return f"{fitting[: MAX_OFFERED_NAME - 1 - _SUFFIX_DIGITS]}_{texts.digest(name)[:_SUFFIX_DIGITS]}"


class McpTool(BaseModel):
    """A tool that a server listed. `parameters` is the JSON Schema of its arguments.

    `hints` has what the server says about its effects. A stranger says it, so it decides nothing.
    """

    name: str
    description: str = ""
    parameters: dict[str, Any] = Field(default_factory=dict)
    hints: dict[str, bool] = Field(default_factory=dict)

    @property
    def digest(self) -> str:
        """The digest of everything that a server says about the tool: another one is another tool."""
        told = [self.name, self.description, self.parameters, self.hints]
        return texts.digest(json.dumps(told, sort_keys=True))[:32]

    def describe(self, label: str) -> dict[str, Any]:
        """Returns the tool of the server with this label as a language model reads it."""
        description = self.description or f"The tool {self.name} of {label}."
        return {"name": offered_name(label, self.name), "description": description, "parameters": self.parameters}


class ToolEntry(BaseModel):
    """A tool as the item of its server has it: enough to choose the tools of a turn without their schemas.

    `size` has the bytes of the tool as a language model reads it, and `part` the number of the item with its schema.
    `digest` is that of the whole tool (`McpTool.digest`).
    """

    name: str
    size: int
    part: int
    digest: str = ""


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
    #: The digests of tools as they were when the server first listed them, or when a member accepted them, by name.
    accepted_tools: dict[str, str] = Field(default_factory=dict)
    check_state: CheckState = CheckState.PENDING
    last_status: str | None = None
    last_checked_at: str | None = None
    #: When a check was last queued.
    check_queued_at: str | None = None
    #: The timer of the next regular check.
    check_timer: str | None = None
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
        """Whether a person has to approve each use of a tool. Nobody has agreed to what a changed tool does."""
        if self.has_changed(tool):
            return True
        if self.auto_approve_tools_json is not None and tool in json.loads(self.auto_approve_tools_json):
            return False
        return self.require_approval_default == "always"

    def has_changed(self, tool: str) -> bool:
        """Whether a tool is another one than the one that was accepted."""
        entry = self.find_tool(tool)
        return entry is not None and bool(entry.digest) and self.accepted_tools.get(tool) != entry.digest

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
