"""The parameters and objects that several of HUM's groups share."""

from __future__ import annotations

from typing import Annotated, Literal

from aws_lambda_powertools.event_handler.openapi.params import Query
from pydantic import BaseModel

Limit = Annotated[int, Query(ge=1, le=100, description="The largest number of items in a page.")]
Cursor = Annotated[str | None, Query(description="`next_cursor` of the previous page.")]


class Ok(BaseModel):
    """The operation succeeded."""

    ok: Literal[True]


DONE = Ok(ok=True)
