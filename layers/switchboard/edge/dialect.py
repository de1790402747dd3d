"""How an API speaks: its paths, its errors, its headers, and who may call it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from switchboard.edge import rate_limit
from switchboard.edge.exchange import Exchange
from switchboard.edge.http import Reply
from switchboard.edge.pipeline import PIPELINE, Step
from switchboard.errors import (
    Conflict,
    DomainError,
    Forbidden,
    Invalid,
    MethodNotAllowed,
    NotFound,
    QuotaExceeded,
    RateLimited,
    TooLarge,
    Unauthenticated,
    Unavailable,
    UnsupportedMedia,
)
from switchboard.kit import ids

#: The status of each refusal, in every dialect that does not say otherwise.
STATUS: dict[type[DomainError], HTTPStatus] = {
    Invalid: HTTPStatus.BAD_REQUEST,
    Unauthenticated: HTTPStatus.UNAUTHORIZED,
    QuotaExceeded: HTTPStatus.PAYMENT_REQUIRED,
    Forbidden: HTTPStatus.FORBIDDEN,
    NotFound: HTTPStatus.NOT_FOUND,
    MethodNotAllowed: HTTPStatus.METHOD_NOT_ALLOWED,
    Conflict: HTTPStatus.CONFLICT,
    TooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    UnsupportedMedia: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    RateLimited: HTTPStatus.TOO_MANY_REQUESTS,
    Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
}

INTERNAL = "Something went wrong on our side."


class Dialect(ABC):
    """How one API speaks."""

    #: The API's name, in the topology and in its document's address.
    name: str
    #: What every path of it begins with.
    base_path: str
    #: The largest body it reads, in bytes.
    max_body = 1_048_576
    #: Whether its mutating operations take an Idempotency-Key.
    idempotency_key = True
    #: Whether a caller may name the workflow that a request belongs to.
    correlation = True
    #: The headers that a script of another origin may read, where it may call at all (CORS).
    exposed: Sequence[str] = ("Retry-After", "x-request-id")
    #: The steps that each request passes, in their order.
    steps: Sequence[Step] = PIPELINE

    @abstractmethod
    def authenticate(self, exchange: Exchange) -> None:
        """Set the call's snapshot and credential. Raises Unauthenticated or Forbidden."""

    @abstractmethod
    def error_body(self, status: int, error: DomainError, exchange: Exchange) -> tuple[Any, str]:
        """An error's body and its media type."""

    @abstractmethod
    def gateway_body(self, status: int, default_code: str) -> tuple[str, str]:
        """The body template and media type of an error that API Gateway answers by itself."""

    def request_id(self) -> str:
        """A new id for a request."""
        return ids.new_id("req")

    def limit(self, exchange: Exchange) -> rate_limit.Limits:
        """Count the call against the limits that hold for it."""
        if exchange.admitted:
            assert exchange.admitted.organization is not None, "a person has limits of their own, in HUM"
            terms = exchange.admitted.organization.terms
            return rate_limit.count_request(
                exchange.admitted.bucket, terms.requests_per_minute, terms.requests_per_second
            )
        if exchange.signer:
            return rate_limit.take_for_signer(exchange.signer)
        return rate_limit.take_for_address(exchange.request.source_ip)

    def status(self, error: DomainError) -> int:
        """The HTTP status of a refusal."""
        for kind in type(error).__mro__:
            if kind in STATUS:
                return STATUS[kind]
        return HTTPStatus.INTERNAL_SERVER_ERROR

    def refuse(self, error: DomainError, exchange: Exchange) -> Reply:
        """A refusal as a reply."""
        status = self.status(error)
        body, media_type = self.error_body(status, error, exchange)
        reply = Reply.json(status, body, media_type)
        if isinstance(error, MethodNotAllowed):
            reply.headers["Allow"] = ", ".join(error.details["allow"])
        if "retry_after" in error.details:
            reply.headers["Retry-After"] = str(error.details["retry_after"])
        if status == HTTPStatus.UNAUTHORIZED:
            reply.headers["WWW-Authenticate"] = self.challenge()
        return reply

    def challenge(self) -> str:
        """What WWW-Authenticate asks for."""
        return "Bearer"

    def headers(self, exchange: Exchange) -> dict[str, str]:
        """The headers of every answer."""
        # In lower case, as a route's headers are, so that a route's own take their place.
        headers = {
            "x-request-id": exchange.request_id,
            "cache-control": "no-store",
            "x-content-type-options": "nosniff",
        }
        if exchange.limits:
            headers |= exchange.limits.headers()
        if exchange.replayed:
            headers["Idempotent-Replayed"] = "true"
        return headers
