"""Callbacks: how providers that call back are answered. Errors are a status and nothing else.

Most providers repeat a callback that was answered with 5xx, and many of them one that was not answered with 2xx. So a
fault of ours is 500 and comes again; a callback whose object is unknown is 404, and a route that wants no repetition
answers `answer_nothing()`.

Every operation is signed (`Form` or `Raw` with `verify`): one that is not lets nobody in. A route records the bytes
first (`api.raw`), and understands them then.
"""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import Response

from switchboard.edge.dialect import Dialect
from switchboard.edge.exchange import Exchange
from switchboard.edge.http import Reply
from switchboard.errors import DomainError, Forbidden, MethodNotAllowed

#: What a route of this dialect returns.
Answer = Response[str]


class Callbacks(Dialect):
    """The dialect of providers' callbacks."""

    name = "callbacks"
    base_path = "/callbacks"
    idempotency_key = False
    #: A callback belongs to the workflow of the object that it is about.
    correlation = False

    def authenticate(self, exchange: Exchange) -> None:  # noqa: ARG002 nobody is let in  # noqa: ARG002 nobody is let in
        raise Forbidden("This callback is not signed.", code="bad_signature")

    def error_body(self, status: int, error: DomainError, exchange: Exchange) -> tuple[Any, str]:  # noqa: ARG002 it says nothing
        return "", ""

    def gateway_body(self, status: int, default_code: str) -> tuple[str, str]:  # noqa: ARG002 it says nothing
        return "", "text/plain"

    def refuse(self, error: DomainError, exchange: Exchange) -> Reply:  # noqa: ARG002 it says nothing
        reply = Reply(self.status(error))
        if isinstance(error, MethodNotAllowed):
            reply.headers["Allow"] = ", ".join(error.details["allow"])
        if "retry_after" in error.details:
            reply.headers["Retry-After"] = str(error.details["retry_after"])
        return reply

    def headers(self, exchange: Exchange) -> dict[str, str]:
        return {"x-request-id": exchange.request_id, "cache-control": "no-store", "x-content-type-options": "nosniff"}


def answer_twiml(xml: str) -> Answer:
    """Answer with instructions for a call or a text. The route escapes what it puts into them."""
    return Response(HTTPStatus.OK, "text/xml; charset=utf-8", xml)


def answer_nothing(status: int = HTTPStatus.OK) -> Answer:
    """Answer that the callback was taken."""
    return Response(status, None, "")


def answer_json(value: Any, status: int = HTTPStatus.OK) -> Answer:
    """Answer with JSON that the provider asked for."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return Response(status, "application/json", text)
