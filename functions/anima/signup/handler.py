"""Anima: `/v1/agent/*`."""

from __future__ import annotations

from functions.anima.signup.schemas import SignUpRequest, SignUpResponse
from switchboard.dialects.anima.dialect import Anima
from switchboard.edge import rate_limit
from switchboard.edge.api import Api
from switchboard.errors import RateLimited
from switchboard.kit import settings
from switchboard.signup import service as signup

_HOUR = 3_600

api = Api(Anima(), "signup", tag="Sign-up")


@api.post(
    "/v1/agent/sign-up",
    summary="Create an organization with an agent, its inbox and its keys",
    operation_id="agentSignUp",
    description="Also sends an email to the human. A human owns one organization; a username belongs to one agent.",
    public=True,
    secret=True,
    responses={
        400: "The request is not valid, or the username is reserved.",
        409: "The human already owns an organization, or the username is taken.",
        429: "Too many sign-ups from this IP address.",
    },
)
def sign_up(request: SignUpRequest) -> SignUpResponse:
    call = api.exchange
    bucket = f"sign-up#{rate_limit.network_of(call.request.source_ip)}"
    full = rate_limit.count_in_window(bucket, settings.number("SIGN_UPS_PER_HOUR", 20), _HOUR)
    if full:
        raise RateLimited(
            "Too many sign-ups from this IP address. Try again later.",
            limit=full.limit,
            remaining=0,
            retry_after=full.wait_seconds,
        )
    assert call.correlation_id is not None
    made = signup.sign_up(request.human_email, request.username, request.name, call.correlation_id, call.effect)
    return SignUpResponse.of(made)


handler = api.handler
