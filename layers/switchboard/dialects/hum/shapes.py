"""The parameters and objects that several of HUM's groups share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Literal

from aws_lambda_powertools.event_handler.openapi.params import Query
from pydantic import BaseModel

from switchboard.edge.fields import Pattern

if TYPE_CHECKING:
    from switchboard.numbers.a2p import NumberWarning

Limit = Annotated[int, Query(ge=1, le=100, description="The largest number of items in a page.")]
#: The contract's pattern of a number to call or to text. The domain decides which numbers there are.
ContactNumber = Annotated[str, Pattern(r"^\+[1-9]\d{7,14}$", "must be a number in E.164, such as +14155550142")]
Cursor = Annotated[str | None, Query(description="`next_cursor` of the previous page.")]


class Ok(BaseModel):
    """The operation succeeded."""

    ok: Literal[True]


class WarningView(BaseModel):
    """A reason why texts may not arrive. It stops nothing."""

    code: str
    message: str

    @classmethod
    def list_of(cls, warnings: Sequence[NumberWarning]) -> list[WarningView]:
        """Returns the views of warnings."""
        return [cls(**warning._asdict()) for warning in warnings]


DONE = Ok(ok=True)
