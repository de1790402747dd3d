"""The context of a deployment: `cdk.json`, and the pairs of a command line over it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from infra import build


def read_context(pairs: Iterable[str]) -> dict[str, Any]:
    """Returns the context with pairs such as `stage=prod`. Raises ValueError for a pair without a value."""
    context: dict[str, Any] = json.loads((build.ROOT / "cdk.json").read_text())["context"]
    for pair in pairs:
        name, separator, value = pair.partition("=")
        if not (name and separator):
            raise ValueError(f"{pair!r} is not NAME=VALUE, such as stage=prod")
        context[name] = value
    return context
