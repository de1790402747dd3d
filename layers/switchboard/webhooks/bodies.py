"""Builds the body of a delivery: the event's data, shaped by the endpoint's template, within a size limit."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple, TypeGuard

from switchboard import telemetry
from switchboard.webhooks import template

#: The largest body, in bytes (docs/contracts/anima.md#webhooks). Longer texts and lists are cut.
MAX_BODY_BYTES = 20_000
#: How many characters a template may fill in. It is twice the size limit because a filled value may contain spaces
#: that the compact body leaves out.
_MAX_FILLED_CHARACTERS = 2 * MAX_BODY_BYTES
#: Pairs of (characters kept of each text, entries kept of each list), in the order in which they are tried.
_KEPT = ((500, 50), (50, 20))


class ShapedBody(NamedTuple):
    """The text of a body, and whether values of it were cut or the template was ignored because it was too long."""

    text: str
    is_shortened: bool


def body_text(shape: str | None, body: dict[str, Any]) -> str:
    """Returns a body as JSON text of at most MAX_BODY_BYTES, shaped by the template `shape` if there is one.

    Cuts the values of a body that is too long. If a shaped body is still too long, ignores the template.
    """
    shaped = shape_body(shape, body)
    if shaped.is_shortened:
        telemetry.emit_metric("WebhookBodyShortened")
    return shaped.text


def shape_body(shape: str | None, body: dict[str, Any]) -> ShapedBody:
    """Returns the text of `body_text`, and whether it was shortened."""
    text = _shaped(shape, body)
    if _fits(text):
        return ShapedBody(text, is_shortened=False)
    text = next(filter(_fits, _shorter(shape, body)), _compact(_cut(body, *_KEPT[-1])))
    return ShapedBody(text, is_shortened=True)


def _shaped(shape: str | None, body: dict[str, Any]) -> str | None:
    """Returns a body as JSON text, shaped by the template if there is one. Returns None if it is far too long."""
    if not shape:
        return _compact(body)
    try:
        return _compact(template.fill_template(shape, body, _MAX_FILLED_CHARACTERS))
    except template.TooLongError:
        return None
    except template.UnfillableError:
        # No later attempt can fill the template either: send the plain body instead of retrying the event.
        telemetry.logger().warning("template not filled: sending the plain body")
        telemetry.emit_metric("WebhookTemplateUnfillable")
        return _compact(body)


def _fits(text: str | None) -> TypeGuard[str]:
    return text is not None and len(text.encode()) <= MAX_BODY_BYTES


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
