"""HUM: `/auth/*`: sign in through the OpenID Connect issuer, and sign out."""

from __future__ import annotations

from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Query

from functions.hum.sign_in.failures import redirect_failure
from switchboard.dialects.hum import cookies
from switchboard.dialects.hum.dialect import COOKIE, Hum
from switchboard.edge.api import Api
from switchboard.people import sessions, sign_in
from switchboard.team import pending_invites

api = Api(Hum(), "sign_in", tags={"Authentication": "Sign in and out, in a browser."})

_FOUND = 302


@api.get(
    "/auth/login",
    summary="Sign in",
    operation_id="startLogin",
    description="Redirects the browser to the issuer. `return_to` must be a path of this host; other values are"
    " ignored.",
    status=_FOUND,
    public=True,
    responses={503: "The issuer does not respond."},
)
def start_sign_in(
    return_to: Annotated[
        str | None, Query(description="The path to open after signing in, such as `/console`.")
    ] = None,
) -> Response[Any]:
    begun = sign_in.begin_sign_in(return_to, api.exchange.request.cookie(cookies.BROWSER))
    api.exchange.cookies.append(cookies.format_browser_cookie(begun.browser))
    return _redirect(begun.url)


@api.get(
    "/auth/callback",
    summary="Finish signing in",
    operation_id="finishLogin",
    description="The issuer redirects the browser here. It works once per sign-in, in the browser that started it. A "
    "person without an organization who followed an invite's link joins that organization. A browser that asks for "
    "HTML gets a redirect to a page with the reason instead of an error.",
    status=_FOUND,
    public=True,
    responses={401: "The issuer refused this sign-in.", 503: "The issuer does not respond."},
)
def finish_sign_in(
    state: Annotated[str, Query(description="The value that the sign-in started with.")],
    code: Annotated[str | None, Query(description="The issuer's code for this sign-in.")] = None,
    error: Annotated[str | None, Query(description="The reason, if the issuer refused the sign-in.")] = None,
) -> Response[Any]:
    browser = api.exchange.request.cookie(cookies.BROWSER)
    if code is None:
        sign_in.abandon_sign_in(state, browser, error)
    finished = sign_in.finish_sign_in(state, code, browser)
    _end_session()
    org_id = pending_invites.choose_first_organization(finished.user, finished.invite_id)
    api.exchange.cookies.append(cookies.format_session_cookie(sessions.open_session(finished.user, org_id)))
    return _redirect(finished.return_to)


@api.get(
    "/auth/logout",
    summary="Sign out",
    operation_id="logout",
    description="Ends the session and redirects to the page `/signed-out`. If the issuer can end its own session, the "
    "redirect goes there first.",
    status=_FOUND,
    public=True,
)
def sign_out() -> Response[Any]:
    _end_session()
    api.exchange.cookies.append(cookies.format_expired_session_cookie())
    return _redirect(sign_in.sign_out_url())


def _end_session() -> None:
    """Ends the browser's previous session, because another person may have signed in."""
    cookie = sessions.parse_cookie(api.exchange.request.cookie(COOKIE) or "")
    if cookie:
        sessions.sign_out(cookie)


def _redirect(place: str) -> Response[Any]:
    return Response(_FOUND, headers={"Location": place})


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Serves a request. A failure in a browser leads to a page."""
    return redirect_failure(event, api.handler(event, context))
