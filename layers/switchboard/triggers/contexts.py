"""Reads the body of an event for a flow: whom to call or text, the variables, and the consent. Pure."""

from __future__ import annotations

from typing import Any

from switchboard.calls import task_context
from switchboard.compliance.models import StandingConsent
from switchboard.errors import Invalid
from switchboard.flows import event_paths
from switchboard.flows.models import Flow

#: Where an event has the number to call or text, if the flow names no path.
TARGETS = ("/to", "/phone")
#: The fields of an event that are looked at for a context. An agent reads no more.
_MAX_FIELDS = task_context.MAX_VALUES


def find_target(flow: Flow, body: Any) -> str | None:
    """Returns the number that an event names, `None` if it names none."""
    for path in (flow.trigger_target,) if flow.trigger_target else TARGETS:
        value = event_paths.find_value(path, body)
        if isinstance(value, str) and value.strip():
            return value.strip()
    return None


def build_context(flow: Flow, body: Any) -> dict[str, Any]:
    """Returns the facts of an event that the flow gets: its own variables, then the fields of the body.

    A field that does not fit into a context is left out, and plain values come before objects and lists.
    """
    context: dict[str, Any] = {}
    for name, path in flow.trigger_variables.items():
        if (value := event_paths.find_value(path, body)) is not None:
            _add(context, name, value)
    fields = list(body.items())[:_MAX_FIELDS] if isinstance(body, dict) else [("event", body)]
    for nested in (False, True):
        for name, value in fields:
            if name not in context and isinstance(value, dict | list) is nested and value is not None:
                _add(context, name, value)
    return context


def _add(context: dict[str, Any], name: str, value: Any) -> None:
    try:
        task_context.check_context({**context, name: value})
    except Invalid:
        return
    context[name] = value


def find_basis(flow: Flow, trigger_id: str, body: Any) -> StandingConsent | None:
    """Returns the consent that the event states, else the flow's own, `None` without both.

    The gate refuses a statement without a date, unless the ledger has a consent. The day of the event is not used:
    each event would renew the consent, and nobody would find out that the number has a new holder.
    """
    stated = body if isinstance(body, dict) else {}
    source, date = stated.get("consent_source"), stated.get("consent_date")
    if isinstance(source, str) and source:
        day = date if isinstance(date, str) and date else None
        return StandingConsent(source=source, date=day, of=f"trigger:{trigger_id}")
    return flow.basis
