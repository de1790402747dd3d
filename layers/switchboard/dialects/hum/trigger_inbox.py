"""The public address of HUM's triggers: its limits, its bodies, and the senders' own ids of their events.

Other systems send here. They have no session, and no page of a browser is protected by one, so the steps of sessions
are left out. The token in the path is the only proof. Each trigger has a limit of its own, because the systems of many
organizations share the addresses of one sender. All triggers of an organization have a common limit too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple
from urllib.parse import unquote

from switchboard.dialects.hum.dialect import Hum
from switchboard.edge import idempotency, pipeline, rate_limit, strangers
from switchboard.edge.bodies import FORM, JSON, Body, parse_form
from switchboard.edge.exchange import Exchange, Reply
from switchboard.edge.router import AuthenticationScheme
from switchboard.errors import Invalid, RateLimited, UnsupportedMedia
from switchboard.kit import settings, texts
from switchboard.triggers import firing
from switchboard.triggers.firing import FiredEvent
from switchboard.triggers.models import MAX_BODY_BYTES, MAX_BODY_DEPTH

#: The headers in which other senders name an event. A repetition of the event has the same name. `svix-id` is the older
#: name of `webhook-id`. Their values have any form, because these headers are not ours.
_DELIVERY_HEADERS = ("x-github-delivery", "webhook-id", "svix-id", "x-shopify-webhook-id")
#: A body counts as one event of the organization for each part of this size that it begins.
BYTES_PER_COUNT = 8 * 1024
_CONTEXT = "The context of the flows that the event starts. Any other JSON is accepted too."


def require_valid_key(exchange: Exchange, proceed: pipeline.Proceed) -> Reply:
    """Raises Invalid for an Idempotency-Key that no operation accepts."""
    idempotency.read_key(exchange.request)
    return proceed()


class TriggerInbox(Hum):
    """HUM's dialect for other systems: its errors, without sessions, origins and kept answers."""

    # The mark of a delivery replaces the kept answer: the answer is always the same.
    idempotency_key = False
    correlation = False
    steps = (
        pipeline.route,
        pipeline.authenticate,
        pipeline.limit,
        pipeline.read_body,
        require_valid_key,
        pipeline.answer,
    )

    def count_request(self, exchange: Exchange) -> rate_limit.Limits:
        """Counts a request by its trigger, and an allowed one by its organization too.

        A request without an active trigger counts by its address. Raises RateLimited for the organization.
        """
        if exchange.bearer is None:
            return super().count_request(exchange)
        exchange.limits = rate_limit.count_request(
            f"{exchange.bearer.org_id}#trigger#{exchange.bearer.id}",
            settings.number("TRIGGER_PER_MINUTE", 60),
            settings.number("TRIGGER_PER_SECOND", 20),
        )
        # A refused event does not count: the flood of one trigger must not stop the others.
        if exchange.limits.allowed:
            _count_for_organization(exchange.bearer.org_id, len(exchange.request.body or ""))
        return exchange.limits


def _count_for_organization(org_id: str, size: int) -> None:
    """Counts an event of `size` bytes against the common limit of an organization's triggers. Raises RateLimited.

    All organizations share the tables. The bytes are those of the request, before any decoding.
    """
    limits = rate_limit.count_request(
        f"{org_id}#triggers",
        settings.number("TRIGGERS_PER_MINUTE", 600),
        settings.number("TRIGGERS_PER_SECOND", 100),
        size=max(1, -(-min(size, MAX_BODY_BYTES) // BYTES_PER_COUNT)),
    )
    if not limits.allowed:
        raise RateLimited(
            "The triggers of this organization take too many or too large events together: wait, then try again.",
            code="organization_rate_limited",
            limit=limits.full_window.limit,
            remaining=0,
            retry_after=limits.retry_after,
        )


def _authenticate_token(exchange: Exchange) -> None:
    """Finds the trigger of the token in the path. Raises NotFound, and RateLimited for a flood of unknown tokens."""
    token = exchange.request.path.rstrip("/").rpartition("/")[2]
    token = unquote(token)
    with strangers.guarding_look_up(exchange, token):
        exchange.bearer = firing.find_trigger(token)


TOKEN = AuthenticationScheme("triggerToken", _authenticate_token)


class ReceivedJson(NamedTuple):
    """The body of a request: its JSON text, and the value."""

    text: str
    value: Any


@dataclass(frozen=True, kw_only=True)
class EventBody(Body):
    """JSON of any kind, or a form whose parameter `payload` is JSON. An empty body is an empty object."""

    max_bytes: int | None = MAX_BODY_BYTES
    required: ClassVar[bool] = False
    #: All: an empty body may have any type. `parse_body` refuses the others.
    media_types: ClassVar[frozenset[str]] = frozenset()

    def parse_body(self, exchange: Exchange) -> None:
        text = _json_text(exchange)
        if not text.strip():
            text = "{}"
        value = texts.parse_json(text)
        if texts.is_deeper(value, MAX_BODY_DEPTH):
            raise Invalid(
                f"The body is nested too deeply: use at most {MAX_BODY_DEPTH} levels.",
                code="invalid_json",
                fields={"body": f"has more than {MAX_BODY_DEPTH} levels"},
            )
        exchange.body = ReceivedJson(text, value)

    def openapi_content(self, model: Mapping[str, Any] | None) -> dict[str, Any]:  # noqa: ARG002 the body has no model
        # As the contract has it. Another value than an object, and a form with its `payload`, are accepted too: the
        # description says so. Generators of clients make a wrong type of two media types.
        schema = {"type": "object", "additionalProperties": True, "description": _CONTEXT}
        return {JSON: {"schema": schema, "example": {"customer_name": "Ada"}}}


def _json_text(exchange: Exchange) -> str:
    if not exchange.raw.strip():
        return ""
    essence = exchange.media_type.essence if exchange.media_type else ""
    if essence == FORM:
        found = [value for name, value in parse_form(exchange.raw) if name == "payload"]
        if len(found) != 1:
            raise Invalid("Send the event as JSON, in the form's parameter payload.", code="invalid_form")
        return found[0]
    if essence in ("", JSON) or essence.endswith("+json"):
        return exchange.request.body_text()
    raise UnsupportedMedia(f"Send the body as {JSON} or {FORM}.", received=essence[:100])


def read_fired_event(exchange: Exchange) -> FiredEvent:
    """Returns the event of a request, with the sender's own id of it. Raises Invalid for a repeated header."""
    received: ReceivedJson = exchange.body
    request = exchange.request
    if key := idempotency.read_key(request):
        return FiredEvent(received.text, key, idempotency.HEADER)
    for name in _DELIVERY_HEADERS:
        if value := (request.header(name) or "").strip():
            return FiredEvent(received.text, value, name)
    if request.header_values("stripe-signature") and isinstance(received.value, dict):
        # Stripe names an event in the body alone.
        event_id = received.value.get("id")
        if isinstance(event_id, str) and event_id:
            return FiredEvent(received.text, event_id, "stripe")
    return FiredEvent(received.text)
