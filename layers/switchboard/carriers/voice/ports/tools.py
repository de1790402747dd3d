"""The use of a tool that a talker asks for while a call goes on. The platform runs it, and answers at once."""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field


class TalkToolCall(BaseModel):
    """A use of a tool. `use_id` is the talker's own id of it, and is the same in each repetition."""

    model_config = ConfigDict(frozen=True)

    org_id: str
    call_id: str
    use_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,100}$")]
    name: Annotated[str, Field(max_length=64)]
    arguments: dict[str, Any] = Field(default_factory=dict)


class TalkToolResult(NamedTuple):
    """The result of a tool for the talker, and whether the tool did its work."""

    text: str
    done: bool
