"""Sends the text of a flow that an event starts: its greeting, with the values of the event."""

from __future__ import annotations

import re
from typing import Any

from switchboard.accounts.models import Organization
from switchboard.calls import task_context
from switchboard.carriers import spoken
from switchboard.compliance.models import Purpose, StandingConsent
from switchboard.errors import Invalid, NotFound
from switchboard.events.models import Origin
from switchboard.flows.models import Flow
from switchboard.kit import texts
from switchboard.messaging import acceptance
from switchboard.messaging.acceptance import SentText
from switchboard.numbers import service as numbers
from switchboard.numbers.models import Number
from switchboard.persistence.idempotency import IdempotencyGuard

#: How many of the organization's newest numbers are looked at for one that sends texts.
_NEWEST = 20
#: A keyword that ends texts, as a text that sells names it: in capital letters.
_OPT_OUT = re.compile(r"\b(?:STOP|ALTO)\b")


def send_event_text(
    origin: Origin,
    org: Organization,
    flow: Flow,
    to: str,
    context: dict[str, Any],
    *,
    basis: StandingConsent | None,
    once: IdempotencyGuard,
) -> SentText:
    """Sends the flow's greeting as a text, or schedules it in quiet hours. `to` is a valid number.

    Raises Invalid for a variable without a value and without a number that sends texts, and the errors of
    `messaging.acceptance.send_flow_text`.
    """
    body = _render_body(flow.greeting, task_context.context_variables(context))
    if flow.purpose is Purpose.TELEMARKETING:
        body = add_sender(body, org.name)
    number = _choose_number(org.id, flow)
    return acceptance.send_flow_text(origin, org, flow, number, to, body, basis=basis, once=once)


def _render_body(template: str, variables: dict[str, str]) -> str:
    missing = [name for name in spoken.find_variables(template) if name not in variables]
    if missing:
        raise Invalid(
            f"The event has no value for {missing[0]}, which the flow's greeting uses.", code="missing_variable"
        )
    return spoken.fill_variables(template, variables)


def add_sender(body: str, organization: str) -> str:
    """Returns a text that sells, with its sender's name and how to opt out, unless the text says so itself.

    Source: 47 CFR 64.1200(b)(1) and (d)(4), and the carriers' rules, CTIA Messaging Principles 5.1.
    """
    name = " ".join(organization.split())
    said = f" {texts.plain_words(body)} "
    if texts.plain_words(name) and f" {texts.plain_words(name)} " not in said:
        body = f"{name}: {body}"
    return body if _OPT_OUT.search(body) else f"{body.rstrip()} Reply STOP to get no more texts."


def _choose_number(org_id: str, flow: Flow) -> Number:
    """Returns the number that sends: the flow's own, else one whose texts the flow answers, else the newest one."""
    found = [
        *_own_number(org_id, flow),
        *(number for number in numbers.list_numbers_of_flow(org_id, flow.id) if number.sms_flow_id == flow.id),
        *numbers.list_newest_numbers(org_id, _NEWEST),
    ]
    for number in found:
        if number.active and number.capabilities.sms:
            return number
    raise Invalid("The organization has no number that sends texts: buy one, or give the flow one.", code="no_number")


def _own_number(org_id: str, flow: Flow) -> list[Number]:
    if flow.caller_id_number_id is None:
        return []
    try:
        return [numbers.get_number(org_id, flow.caller_id_number_id)]
    except NotFound:
        return []
