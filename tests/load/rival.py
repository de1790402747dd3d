"""The same endpoints in FastAPI behind Mangum: the same models, key check, limits, services and headers.

In two forms. As FastAPI's documentation has it for code that blocks, as botocore does: plain functions, which run in
its thread pool, and a middleware for the headers of every answer. And in the leanest form that gives the same good
answers: coroutines that block their loop, and headers set by a dependency, which errors go without.
"""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Query, Request, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from mangum import Mangum

from functions.anima.audit.schemas import Workflow
from functions.anima.email.schemas import Message, SendRequest
from functions.anima.signup.schemas import SignUpRequest, SignUpResponse
from switchboard.access import service as access
from switchboard.accounts.models import Caller
from switchboard.audit import service as audit
from switchboard.aws import ids
from switchboard.edge import rate_limit
from switchboard.edge.dialects.anima import KEYS
from switchboard.email import service as email
from switchboard.signup import service as signup

_bearer = HTTPBearer()


def handler(*, lean: bool) -> Mangum:
    """A Lambda entry point in one form or the other."""
    app = FastAPI()
    form = _coroutine if lean else _as_it_is
    if not lean:
        app.middleware("http")(_add_headers)

    def of_stranger(request: Request, response: Response) -> str:
        address = request.client.host if request.client else ""
        limits = rate_limit.take(f"ip#{address}", 600, 50)
        rate_limit.take_one(f"sign-up#{address}", 20, 3_600)
        return _note(request, response, limits)

    def of_caller(
        request: Request, response: Response, sent: Annotated[HTTPAuthorizationCredentials, Depends(_bearer)]
    ) -> Caller:
        snapshot = access.authenticate(sent.credentials, KEYS)
        terms = snapshot.organisation.terms
        limits = rate_limit.take(snapshot.organisation.id, terms.requests_per_minute, terms.requests_per_second)
        return access.caller(snapshot, _note(request, response, limits))

    def _note(request: Request, response: Response, limits: rate_limit.Limits) -> str:
        request.state.limits = limits
        request.state.correlation_id = request.headers.get("x-correlation-id") or ids.new("corr")
        if lean:
            response.headers.update(_headers(request))
        return str(request.state.correlation_id)

    def send(body: SendRequest, caller: Caller = Depends(form(of_caller))) -> Message:  # noqa: B008
        return Message.of(email.send(caller, body.draft()))

    def events(
        correlation_id: Annotated[str, Query(min_length=1, max_length=128)],
        limit: Annotated[int, Query(ge=1, le=500)] = 500,
        cursor: Annotated[str | None, Query()] = None,
        caller: Caller = Depends(form(of_caller)),  # noqa: B008
    ) -> Workflow:
        return Workflow.of(correlation_id, *audit.of_workflow(caller, correlation_id, limit, cursor))

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
        "x-request-id": ids.new("req"),
        "x-correlation-id": request.state.correlation_id,
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
