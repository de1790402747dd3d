"""The shared base of request and response models."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class View(BaseModel):
    """A request or response whose fields are in camel case."""

    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True)


def omit_default(schema: dict[str, Any]) -> None:
    """Removes the internal default of an optional field that is never null from the schema."""
    schema.pop("default", None)
