"""The dialect of an API: its paths, errors, headers, limits and authentication."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

from switchboard.access import keys as access
from switchboard.accounts.models import KeyKind
from switchboard.edge import rate_limit
from switchboard.edge.exchange import Exchange, Reply
from switchboard.edge.pipeline import PIPELINE, Step, correlation_of_header
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

#: The default status of each error. A dialect may override `status_of`.
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

#: The texts of errors that API Gateway sends itself.
_GATEWAY_TEXTS = {
    400: "The request is not valid: check its path, headers and body.",
    401: "The credentials are not valid: check them.",
    403: "The request is not allowed: check its credentials and its content.",
    404: "This path does not exist: the documentation at /docs lists all paths.",
    413: "The request is too large: send a smaller body.",
    415: "This media type is not supported: send the type that the API document names.",
    429: "Too many requests: wait a second, then try again.",
    500: "Something went wrong on our side: try again later.",
    502: "The request was interrupted on our side: try it again with the same Idempotency-Key or request_id.",
    503: "The service is unavailable for a moment: try again.",
}


def gateway_text(status: int) -> str:
    """Returns the text of an error response that API Gateway sends itself."""
    return _GATEWAY_TEXTS[status]


class Dialect(ABC):
    """The rules of one API."""

    #: The API's name, in the topology and in the URL of its document.
    name: str
    #: The prefix of all its paths.
    base_path: str
    #: The path that leads people in browsers to the API's documentation, `None` for an API without documentation.
    landing_path: str | None = None
    #: The largest accepted body, in bytes.
    max_body = 1_048_576
    #: Whether operations that change data accept an Idempotency-Key.
    idempotency_key = True

    @property
    def internal_text(self) -> str:
        """The text of an error on our side."""
        retry = "retry the request with the same Idempotency-Key" if self.idempotency_key else "try again later"
        return f"Something went wrong on our side: {retry}."

    #: Whether a client may send a correlation id, which names the workflow of a request.
    correlation = True
    #: Whether every response has the correlation id in the header x-correlation-id.
    shows_correlation = False
    #: The response headers that scripts of permitted origins may read (CORS).
    exposed: Sequence[str] = ("Retry-After", "x-request-id")
    #: The document's text of a 403, for operations that only some kinds of key may use.
    key_refusals: Mapping[frozenset[KeyKind], str] = MappingProxyType({})
    #: The steps of each request, in order.
    steps: Sequence[Step] = PIPELINE

    @abstractmethod
    def authenticate(self, exchange: Exchange) -> None:
        """Sets the client and the credential of the exchange. Raises Unauthenticated or Forbidden."""

    @abstractmethod
    def error_body(self, status: int, error: DomainError, exchange: Exchange) -> tuple[Any, str]:
        """Returns the body of an error response and its media type."""

    @abstractmethod
    def gateway_body(self, status: int, default_code: str) -> tuple[str, str]:
        """Returns the body template and media type of an error response that API Gateway sends itself."""

    def request_id(self) -> str:
        """Returns a new request id."""
        return ids.new_id("req")

    def count_request(self, exchange: Exchange) -> rate_limit.Limits:
        """Counts the request against its limits: of the client, of the signer, or of the IP address."""
        if exchange.client_identity:
            assert exchange.client_identity.organization is not None, "HUM counts persons itself"
            terms = exchange.client_identity.organization.terms
            return rate_limit.count_request(
                exchange.client_identity.bucket, terms.requests_per_minute, terms.requests_per_second
            )
        if exchange.signer:
            return rate_limit.take_for_signer(exchange.signer)
        return rate_limit.take_for_address(exchange.request.source_ip)

    def status_of(self, error: DomainError) -> int:
        """Returns the HTTP status of an error."""
        for kind in type(error).__mro__:
            if kind in STATUS:
                return STATUS[kind]
        return HTTPStatus.INTERNAL_SERVER_ERROR

    def error_reply(self, error: DomainError, exchange: Exchange) -> Reply:
        """Returns the response to an error."""
        status = self.status_of(error)
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
        """Returns the value of WWW-Authenticate."""
        return "Bearer"

    def response_headers(self, exchange: Exchange) -> dict[str, str]:
        """Returns the headers of every response."""
        # In lower case, as the headers of routes are, so that the headers of a route replace these.
        headers = {
            "x-request-id": exchange.request_id,
            "cache-control": "no-store",
            "x-content-type-options": "nosniff",
        }
        if exchange.limits:
            headers |= exchange.limits.headers()
        if exchange.replayed:
            headers["Idempotent-Replayed"] = "true"
        if self.shows_correlation:
            if exchange.correlation_id is None:
                # The request failed before the step that reads the id.
                exchange.correlation_id = correlation_of_header(exchange)
            headers["x-correlation-id"] = exchange.correlation_id
        return headers


class BearerDialect(Dialect):
    """The rules of an API whose clients send their key as `Authorization: Bearer …`."""

    #: The kinds of key that the API accepts.
    key_kinds: frozenset[KeyKind]

    def authenticate(self, exchange: Exchange) -> None:
        exchange.credential = read_bearer_token(exchange)
        if not exchange.credential:
            raise Unauthenticated("An API key is required: Authorization: Bearer <key>.", code="missing")
        exchange.key_identity = access.authenticate_key(exchange.credential, self.key_kinds, exchange.request.source_ip)


def read_bearer_token(exchange: Exchange) -> str:
    """Returns the bearer credential of a request, or an empty text.

    Raises Unauthenticated if there are several Authorization headers.
    """
    try:
        value = exchange.request.header("authorization") or ""
    except Invalid:
        raise Unauthenticated("There are several Authorization headers. Send one.", code="malformed") from None
    scheme, _, text = value.partition(" ")
    return text.strip() if scheme.lower() == "bearer" else ""
