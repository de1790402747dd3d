"""Athos: `/api/external/v1/session` and `/api/external/v1/roleplay/session`."""

from __future__ import annotations

from functions.athos.sessions.schemas import (
    MintSessionRequest,
    MintSessionResponse,
    RedeemSessionRequest,
    RedeemSessionResponse,
)
from switchboard.dialects.athos.dialect import Athos
from switchboard.edge import cors
from switchboard.edge.api import Api
from switchboard.edge.dialect import read_bearer_token
from switchboard.edge.exchange import Exchange
from switchboard.edge.router import AuthenticationScheme
from switchboard.errors import Unauthenticated
from switchboard.roleplay import sessions, tokens

api = Api(Athos(), "sessions", tag="Sessions")


def _authenticate_session(exchange: Exchange) -> None:
    """Authenticates a request by its session token."""
    try:
        token = read_bearer_token(exchange)
    except Unauthenticated:
        raise tokens.invalid_token() from None
    exchange.bearer = sessions.admit_token(token)


@api.post(
    "/api/external/v1/session",
    summary="Mint a session token",
    description="For your back end. The token is valid for about five minutes and can be redeemed once.",
    operation_id="mintSession",
    responses={
        403: "The tenant is not active, its monthly quota is used up, or the key does not allow this IP address.",
        503: "The session could not be stored.",
    },
)
def mint_session(request: MintSessionRequest) -> MintSessionResponse:
    return MintSessionResponse.of(
        sessions.mint_session(api.caller, request.external_user_id, request.external_agency_id)
    )


@api.post(
    "/api/external/v1/roleplay/session",
    summary="Redeem a session token",
    description=(
        "For the rep's browser, from any origin. The token is used up before the call is created. Only the errors"
        " `INVALID_TOKEN`, `TOKEN_EXPIRED`, `INVALID_REQUEST` and `TENANT_INACTIVE` leave it unused."
    ),
    operation_id="redeemSession",
    responses={
        400: "The body is not valid, or the drill does not exist.",
        401: "The token is invalid, expired or already redeemed.",
        403: "The tenant is no longer active.",
        503: "The voice transport is down.",
    },
    scheme=AuthenticationScheme("SessionToken", _authenticate_session),
    cross_origin=cors.AnyOrigin(),
)
def redeem_session(request: RedeemSessionRequest) -> RedeemSessionResponse:
    return RedeemSessionResponse.of(sessions.redeem_session(api.exchange.bearer, request.to_drill_request()))


handler = api.handler
