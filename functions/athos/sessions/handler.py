"""Athos: `/api/external/v1/session` and `/api/external/v1/roleplay/session`."""

from __future__ import annotations

from functions.athos.sessions.schemas import (
    MintSessionRequest,
    MintSessionResponse,
    RedeemSessionRequest,
    RedeemSessionResponse,
)
from switchboard.edge import bearer, cors
from switchboard.edge.api import Api
from switchboard.edge.call import Call, Scheme
from switchboard.edge.dialects.athos import Athos
from switchboard.errors import Unauthenticated
from switchboard.roleplay import sessions, tokens

api = Api(Athos(), "sessions")


def _admit(call: Call) -> None:
    """Authenticate a call by the session token that it bears."""
    try:
        token = bearer.credential(call)
    except Unauthenticated:
        raise tokens.invalid() from None
    call.bearer = sessions.admit(token)


@api.post(
    "/api/external/v1/session",
    summary="Mint a session token",
    description="For your back end. The token is good for about five minutes and for one redemption.",
    operation_id="mintSession",
    tag="Sessions",
    responses={
        403: "The tenant is not active or its monthly quota is used up, or the key may not be used from this address.",
        503: "The session could not be stored.",
    },
)
def mint(request: MintSessionRequest) -> MintSessionResponse:
    return MintSessionResponse.of(sessions.mint(api.caller, request.external_user_id, request.external_agency_id))


@api.post(
    "/api/external/v1/roleplay/session",
    summary="Redeem a session token",
    description=(
        "For the rep's browser, from any origin. The token is spent before the call is set up: of the refusals,"
        " `INVALID_TOKEN`, `TOKEN_EXPIRED`, `INVALID_REQUEST` and `TENANT_INACTIVE` alone leave it unspent."
    ),
    operation_id="redeemSession",
    tag="Sessions",
    responses={
        400: "The body is not valid, or there is no such drill.",
        401: "The token is no token of ours, has expired, or was redeemed already.",
        403: "The tenant is no longer active.",
        503: "The voice transport is down.",
    },
    scheme=Scheme("SessionToken", _admit),
    cross_origin=cors.AnyOrigin(),
)
def redeem(request: RedeemSessionRequest) -> RedeemSessionResponse:
    return RedeemSessionResponse.of(sessions.redeem(api.call.bearer, request.wanted()))


handler = api.handler
