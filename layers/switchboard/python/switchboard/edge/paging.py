"""How Anima's lists say where they go on."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class Pagination(BaseModel):
    """Where a list goes on."""

    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True)

    next_cursor: str | None
    has_more: bool

    @classmethod
    def of(cls, cursor: str | None) -> Pagination:
        """What a page's cursor says."""
        return cls(next_cursor=cursor, has_more=cursor is not None)
