"""The context of a deployment: `cdk.json`, and the pairs of a command line over it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import fields
from difflib import get_close_matches
from typing import Any

from infra import build
from infra.stacks.deployment import Deployment

#: The names that a deployment reads. The account and the region come from `accounts`.
NAMES = {field.name for field in fields(Deployment)} - {"account", "region"} | {"accounts"}


def parse_pairs(pairs: Iterable[str]) -> dict[str, Any]:
    """Returns pairs such as `stage=prod` by their names.

    Raises ValueError for a pair without a value, and for a name that nothing reads. The CDK's own names have a `:`.
    """
    found: dict[str, Any] = {}
    for pair in pairs:
        name, separator, value = pair.partition("=")
        if not (name and separator):
            raise ValueError(f"{pair!r} is not NAME=VALUE, such as stage=prod")
        if name not in NAMES and ":" not in name:
            near = get_close_matches(name, NAMES, n=1)
            hint = f"did you mean {near[0]}?" if near else "docs/deploying.md lists them"
            raise ValueError(f"the context has no {name}: {hint}")
        found[name] = value
    return found


def read_context(pairs: Iterable[str] = ()) -> dict[str, Any]:
    """Returns the context of `cdk.json` with pairs over it. Raises ValueError as `parse_pairs` does."""
    context: dict[str, Any] = json.loads((build.ROOT / "cdk.json").read_text())["context"]
    return context | parse_pairs(pairs)
