"""The parameters and objects that several of Anima's groups share."""

from __future__ import annotations

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Query

from switchboard.edge.schema import View

Limit = Annotated[int, Query(ge=1, le=100)]
Cursor = Annotated[str | None, Query(description="`pagination.nextCursor` of the previous page.")]


class Pagination(View):
    """The position of the next page."""

    next_cursor: str | None
    has_more: bool

    @classmethod
    def of(cls, cursor: str | None) -> Pagination:
        """Returns the pagination for the cursor of the next page; `None` is the end."""
        return cls(next_cursor=cursor, has_more=cursor is not None)
