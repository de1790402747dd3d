"""Pages of lists: HUM's parameters, and Anima's `pagination` object."""

from __future__ import annotations

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Query
from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

Limit = Annotated[int, Query(ge=1, le=100, description="The largest number of items in a page.")]
Cursor = Annotated[str | None, Query(description="`next_cursor` of the previous page.")]


class Pagination(BaseModel):
    """The position of the next page."""

    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True)

    next_cursor: str | None
    has_more: bool

    @classmethod
    def of(cls, cursor: str | None) -> Pagination:
        """Returns the pagination for the cursor of the next page; `None` is the end."""
        return cls(next_cursor=cursor, has_more=cursor is not None)
