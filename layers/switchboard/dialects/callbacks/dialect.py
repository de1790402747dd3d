"""Callbacks: the responses to requests of providers. An error response has a status and no body.

Most providers retry a callback after a 5xx response. Many retry after every response other than 2xx. An error on our
side is 500, so the provider retries. A callback about an unknown object is 404. A route that wants no retry returns
`answer_nothing()`.

Every operation is signed (`FormBody` or `RawBody` with `verify`). An unsigned operation refuses all requests. A route
records the bytes (`api.raw`) before it interprets them.
"""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import Response

from switchboard.edge.dialect import Dialect
from switchboard.edge.exchange import Exchange, Reply
from switchboard.errors import DomainError, Forbidden, MethodNotAllowed

#: The type that a route of this dialect returns.
Answer = Response[str]


class Callbacks(Dialect):
    """The dialect of callbacks."""

    name = "callbacks"
    base_path = "/callbacks"
    idempotency_key = False
    #: A callback belongs to the workflow of its object.
    correlation = False

    def authenticate(self, exchange: Exchange) -> None:  # noqa: ARG002 refuses all requests
        raise Forbidden("This callback is not signed.", code="bad_signature")

    def error_body(self, status: int, error: DomainError, exchange: Exchange) -> tuple[Any, str]:  # noqa: ARG002 no body
        return "", ""

    def gateway_body(self, status: int, default_code: str) -> tuple[str, str]:  # noqa: ARG002 no body
        return "", "text/plain"

    def error_reply(self, error: DomainError, exchange: Exchange) -> Reply:  # noqa: ARG002 no body
        reply = Reply(self.status_of(error))
        if isinstance(error, MethodNotAllowed):
            reply.headers["Allow"] = ", ".join(error.details["allow"])
        if "retry_after" in error.details:
            reply.headers["Retry-After"] = str(error.details["retry_after"])
        return reply

    def response_headers(self, exchange: Exchange) -> dict[str, str]:
        return {"x-request-id": exchange.request_id, "cache-control": "no-store", "x-content-type-options": "nosniff"}


def answer_twiml(xml: str) -> Answer:
    """Returns a response with instructions for a call or a text message. The route must escape the values in `xml`."""
    return Response(HTTPStatus.OK, "text/xml; charset=utf-8", xml)


def answer_nothing(status: int = HTTPStatus.OK) -> Answer:
    """Returns a response without a body: the callback is accepted."""
    return Response(status, None, "")


def answer_json(value: Any, status: int = HTTPStatus.OK) -> Answer:
    """Returns a response with the JSON that the provider requested."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return Response(status, "application/json", text)
