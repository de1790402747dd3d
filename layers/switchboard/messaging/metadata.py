"""The metadata of a conversation: the caller's own JSON, changed by a JSON Merge Patch (RFC 7396)."""

from __future__ import annotations

from typing import Any

from switchboard.errors import Invalid
from switchboard.kit import texts
from switchboard.kit.merging import merge_patch

#: The largest metadata, as JSON in UTF-8.
MAX_METADATA_BYTES = 16 * 1_024


def merge_metadata(before: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    """Returns the metadata after a patch. Raises Invalid if it is too large or too deep."""
    after: dict[str, Any] = merge_patch(before, patch)
    if texts.is_deeper(after):
        raise _invalid(f"is nested too deeply: use at most {texts.MAX_JSON_DEPTH} levels")
    if len(texts.dump_json(after).encode()) > MAX_METADATA_BYTES:
        raise _invalid(f"is larger than {MAX_METADATA_BYTES // 1_024} KB after the change: delete keys by null")
    return after


def _invalid(problem: str) -> Invalid:
    return Invalid(f"The metadata {problem}.", code="invalid_metadata", fields={"metadata": problem})
