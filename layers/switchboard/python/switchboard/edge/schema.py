"""What the models of requests say of themselves in the document."""

from __future__ import annotations

from typing import Any


def no_default(schema: dict[str, Any]) -> None:
    """For a field that may be left out and is never null: the value that stands for that is nobody's business."""
    schema.pop("default", None)
