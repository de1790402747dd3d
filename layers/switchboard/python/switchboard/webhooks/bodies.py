"""The body of a delivery: what an event says, in the shape of the endpoint's template, within a size."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, TypeGuard

from switchboard import telemetry
from switchboard.webhooks import template

#: What a body may have at most (docs/contracts/common.md#webhooks), in bytes. Beyond it texts and lists are cut.
MAX_BODY = 20_000
#: How many characters a template may fill in. A value's text has spaces that the body leaves out: what fits is filled.
_MOST_FILLED = 2 * MAX_BODY
#: Characters of a text and entries of a list that are kept, in the order in which they are tried.
_KEPT = ((500, 50), (50, 20))


def text_of(shape: str | None, body: dict[str, Any]) -> str:
    """The JSON text of a body, in the shape of a template where there is one; at most MAX_BODY bytes.

    Where it is too long its values are cut. A template that repeats them so often that this does not help is left out.
    """
    text = _shaped(shape, body)
    if _fits(text):
        return text
    telemetry.metric("WebhookBodyShortened")
    return next(filter(_fits, _shorter(shape, body)), _compact(_cut(body, *_KEPT[-1])))


def _shaped(shape: str | None, body: dict[str, Any]) -> str | None:
    """The text of a body, in the shape of a template where there is one. Returns None where it is far too long."""
    if not shape:
        return _compact(body)
    try:
        return _compact(template.fill(shape, body, _MOST_FILLED))
    except template.TooLongError:
        return None
    except template.UnfillableError:
        # No later attempt can fill it either: send the plain body instead of retrying the event.
        telemetry.logger().warning("template not filled: the plain body is sent")
        telemetry.metric("WebhookTemplateUnfillable")
        return _compact(body)


def _fits(text: str | None) -> TypeGuard[str]:
    return text is not None and len(text.encode()) <= MAX_BODY


def _shorter(shape: str | None, body: dict[str, Any]) -> Iterator[str | None]:
    for kept in _KEPT:
        yield _shaped(shape, _cut(body, *kept))
    if shape:
        yield from (_compact(body), *_shorter(None, body))


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
