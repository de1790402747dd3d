"""Adjustments of request models in the OpenAPI document."""

from __future__ import annotations

from typing import Any


def omit_default(schema: dict[str, Any]) -> None:
    """Remove the internal default of an optional field that is never null from the schema."""
    schema.pop("default", None)
