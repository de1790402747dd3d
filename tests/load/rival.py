"""The same endpoints in FastAPI behind Mangum: the same models, key check, limits, services and headers.

Two variants. First as FastAPI's documentation recommends for blocking code such as botocore: plain functions in its
thread pool, and a middleware for the headers of every response. Second the leanest variant with the same successful
responses: coroutines that block their loop, and headers from a dependency, which error responses lack.
"""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Query, Request, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from mangum import Mangum

from functions.anima.audit.schemas import WorkflowView
from functions.anima.email.schemas import MessageView
from functions.anima.email.send_schemas import EmailSendRequest
from functions.anima.signup.schemas import SignUpRequest, SignUpResponse
from switchboard.access import keys as access
from switchboard.accounts.models import Caller
from switchboard.audit import service as audit
from switchboard.dialects.anima.dialect import KEYS
from switchboard.edge import rate_limit
from switchboard.email import service as email
from switchboard.kit import ids
from switchboard.signup import service as signup

_bearer = HTTPBearer()


def make_handler(*, lean: bool) -> Mangum:
    """A Lambda entry point in one variant."""
    app = FastAPI()
    form = _coroutine if lean else _as_it_is
    if not lean:
        app.middleware("http")(_add_headers)

    def of_stranger(request: Request, response: Response) -> str:
        address = request.client.host if request.client else ""
        limits = rate_limit.count_request(f"ip#{address}", 600, 50)
        rate_limit.count_in_window(f"sign-up#{address}", 20, 3_600)
        return _note(request, response, limits)

    def of_caller(
        request: Request, response: Response, sent: Annotated[HTTPAuthorizationCredentials, Depends(_bearer)]
    ) -> Caller:
        snapshot = access.authenticate_key(sent.credentials, KEYS)
        terms = snapshot.organization.terms
        limits = rate_limit.count_request(
            snapshot.organization.id, terms.requests_per_minute, terms.requests_per_second
        )
        return access.caller_of(snapshot, _note(request, response, limits))

    def _note(request: Request, response: Response, limits: rate_limit.Limits) -> str:
        request.state.limits = limits
        request.state.correlation_id = request.headers.get("x-correlation-id") or ids.new_id("corr")
        if lean:
            response.headers.update(_headers(request))
        return str(request.state.correlation_id)

    def send(body: EmailSendRequest, caller: Caller = Depends(form(of_caller))) -> MessageView:  # noqa: B008
        return MessageView.of(email.send_message(caller, body.to_draft()))

    def events(
        correlation_id: Annotated[str, Query(min_length=1, max_length=128)],
        limit: Annotated[int, Query(ge=1, le=500)] = 500,
        cursor: Annotated[str | None, Query()] = None,
        caller: Caller = Depends(form(of_caller)),  # noqa: B008
    ) -> WorkflowView:
        return WorkflowView.of(correlation_id, *audit.list_workflow_events(caller, correlation_id, limit, cursor))

    def sign_up(body: SignUpRequest, correlation_id: str = Depends(form(of_stranger))) -> SignUpResponse:
        made = signup.sign_up(body.human_email, body.username, body.name, correlation_id, None)
        return SignUpResponse.of(made)

    app.post("/v1/email/send")(form(send))
    app.get("/v1/audit/events")(form(events))
    app.post("/v1/agent/sign-up")(form(sign_up))
    return Mangum(app, lifespan="off")


def _as_it_is(function: Callable[..., Any]) -> Callable[..., Any]:
    return function


def _coroutine(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    async def run(*args: Any, **named: Any) -> Any:
        return function(*args, **named)

    return run


async def _add_headers(request: Request, proceed: Callable[[Request], Awaitable[Response]]) -> Response:
    response = await proceed(request)
    response.headers.update(_headers(request))
    return response


def _headers(request: Request) -> dict[str, str]:
    return {
        **request.state.limits.headers(),
        "x-request-id": ids.new_id("req"),
        "x-correlation-id": request.state.correlation_id,
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
