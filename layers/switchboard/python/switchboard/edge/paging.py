"""How lists are paged: what HUM's take, and how Anima's say where they go on."""

from __future__ import annotations

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Query
from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

Limit = Annotated[int, Query(ge=1, le=100, description="How many to answer.")]
Cursor = Annotated[str | None, Query(description="`next_cursor` of the page before.")]


class Pagination(BaseModel):
    """Where a list goes on."""

    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True)

    next_cursor: str | None
    has_more: bool

    @classmethod
    def of(cls, cursor: str | None) -> Pagination:
        """What a page's cursor says."""
        return cls(next_cursor=cursor, has_more=cursor is not None)
