"""The body of a delivery: what an event says, in the shape of the endpoint's template, within a size."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from switchboard import telemetry
from switchboard.webhooks import template

#: What a body may have at most (conventions.md 8), in bytes. Beyond it texts and lists are cut.
MAX_BODY = 20_000
#: Characters of a text and entries of a list that are kept, in the order in which they are tried.
_KEPT = ((500, 50), (50, 20))


def text_of(shape: str | None, body: dict[str, Any]) -> str:
    """The JSON text of a body, in the shape of a template where there is one; at most MAX_BODY bytes."""
    shown = _shaped(shape, body) if shape else body
    text = _compact(shown)
    if _fits(text):
        return text
    telemetry.metric("WebhookBodyShortened")
    # A template can repeat a value as often as it likes: beyond all measure the plain body is told.
    return next(filter(_fits, _shorter(shown, body)), _compact(_cut(body, *_KEPT[-1])))


def _shaped(shape: str, body: dict[str, Any]) -> Any:
    try:
        return template.fill(shape, body)
    except template.UnfillableError:
        # No later attempt can fill it either: send the plain body instead of retrying the event.
        telemetry.logger().warning("template not filled: the plain body is sent")
        telemetry.metric("WebhookTemplateUnfillable")
        return body


def _fits(text: str) -> bool:
    return len(text.encode()) <= MAX_BODY


def _shorter(shown: Any, body: dict[str, Any]) -> Iterator[str]:
    for node in (shown, body):
        for kept in _KEPT:
            yield _compact(_cut(node, *kept))


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _cut(node: Any, characters: int, entries: int) -> Any:
    match node:
        case dict():
            return {name: _cut(part, characters, entries) for name, part in node.items()}
        case list():
            return [_cut(part, characters, entries) for part in node[:entries]]
        case str():
            return node if len(node) <= characters else f"{node[:characters]}…"
    return node
