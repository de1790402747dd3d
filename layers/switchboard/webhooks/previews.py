"""Shows what a template makes of an event, before anything is stored or sent."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from switchboard.errors import Invalid
from switchboard.webhooks import bodies, schema_paths, settings, template
from switchboard.webhooks.catalog import CatalogEntry, EventCatalog


class TemplateWarning(NamedTuple):
    """A placeholder that has no value in some events."""

    path: str
    message: str


class TemplatePreview(NamedTuple):
    """The body of a delivery. `is_shortened` says that the values of the body were cut, or the template ignored."""

    payload: Any
    size_bytes: int
    is_shortened: bool
    warnings: list[TemplateWarning]


def preview_template(
    catalog: EventCatalog,
    shape: str,
    *,
    event: str | None = None,
    body: dict[str, Any] | None = None,
    filters: Sequence[str] = (),
) -> TemplatePreview:
    """Fills a template with the example of an event, or with a body. `filters` are the events of a webhook.

    Raises Invalid for a template that is not valid, for an unknown event or filter, and unless there is either an event
    or a body.
    """
    if (event is None) == (body is None):
        raise Invalid("Send an event or a body: see the fields.", fields={"event": "send either `event` or `body`"})
    entry = catalog.get_entry(event) if event else None
    placeholders = list(dict.fromkeys(one.path for one in template.list_placeholders(shape)))
    given = entry.example if entry else body or {}
    shaped = bodies.shape_body(shape, given)
    subscribed = catalog.list_matching(settings.check_filters(filters, catalog.kind)) if filters else []
    warnings = [*_missing_here(placeholders, entry, given), *_missing_elsewhere(placeholders, subscribed)]
    return TemplatePreview(json.loads(shaped.text), len(shaped.text.encode()), shaped.is_shortened, warnings)


def _missing_here(paths: list[str], entry: CatalogEntry | None, body: dict[str, Any]) -> Iterator[TemplateWarning]:
    for path in paths:
        if entry and not schema_paths.has_path(entry.schema, path):
            yield TemplateWarning(path, f"{entry.name} has no such value")
        elif not entry and not template.has_value(body, path):
            yield TemplateWarning(path, "the body has no such value")


def _missing_elsewhere(paths: list[str], subscribed: list[CatalogEntry]) -> Iterator[TemplateWarning]:
    for path in paths:
        without = [entry.name for entry in subscribed if not schema_paths.has_path(entry.schema, path)]
        if subscribed and len(without) == len(subscribed):
            yield TemplateWarning(path, "no subscribed event has such a value: the template cannot be saved")
        elif without:
            yield TemplateWarning(path, f"these subscribed events have no such value: {', '.join(without)}")
