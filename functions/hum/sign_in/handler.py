"""HUM: `/auth/*`: sign in through the OpenID Connect issuer, and sign out."""

from __future__ import annotations

from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Query

from switchboard.edge import cookies
from switchboard.edge.api import Api
from switchboard.edge.dialects.hum import COOKIE, Hum
from switchboard.errors import Invalid, Unauthenticated
from switchboard.people import service as people
from switchboard.people import sign_in
from switchboard.team import invites

api = Api(Hum(), "sign_in", tags={"Authentication": "Sign in and out, in a browser."})

_FOUND = 302


@api.get(
    "/auth/login",
    summary="Sign in",
    operation_id="startLogin",
    tag="Authentication",
    description="Redirects the browser to the issuer. Any `return_to` but a path of this host is ignored.",
    status=_FOUND,
    public=True,
    responses={503: "The issuer does not respond."},
)
def login(
    return_to: Annotated[str | None, Query(description="The path to open after signing in, such as `/api/me`.")] = None,
) -> Response[Any]:
    begun = sign_in.begin(return_to, api.call.request.cookie(cookies.BROWSER))
    api.call.cookies.append(cookies.browser(begun.browser))
    return _to(begun.url)


@api.get(
    "/auth/callback",
    summary="Finish signing in",
    operation_id="finishLogin",
    tag="Authentication",
    description="The issuer redirects the browser here. It works once per sign-in, in the browser that started it. A "
    "person without an organization who followed an invite's link joins that organization.",
    status=_FOUND,
    public=True,
    responses={401: "The issuer refused this sign-in.", 503: "The issuer does not respond."},
)
def callback(
    state: Annotated[str, Query(description="The value that the sign-in started with.")],
    code: Annotated[str | None, Query(description="The issuer's code for this sign-in.")] = None,
    error: Annotated[str | None, Query(description="The reason, if the issuer refused the sign-in.")] = None,
) -> Response[Any]:
    browser = api.call.request.cookie(cookies.BROWSER)
    if code is None:
        sign_in.abandon(state, browser)
        if error is None:
            raise Invalid("The issuer sent neither a code nor an error. Sign in again.", fields={"code": "is missing"})
        raise Unauthenticated(
            "The issuer refused this sign-in. Sign in again.", code="sign_in_refused", reason=error[:100]
        )
    finished = sign_in.finish(state, code, browser)
    _end_session()
    org_id = invites.arrive(finished.user, finished.invite_id)
    api.call.cookies.append(cookies.session(people.open_session(finished.user, org_id)))
    return _to(finished.return_to)


@api.get(
    "/auth/logout",
    summary="Sign out",
    operation_id="logout",
    tag="Authentication",
    description="Ends the session and redirects to the home page. If the issuer can end its own session, the redirect "
    "goes there first.",
    status=_FOUND,
    public=True,
)
def logout() -> Response[Any]:
    _end_session()
    api.call.cookies.append(cookies.no_session())
    return _to(sign_in.end_url())


def _end_session() -> None:
    """End the browser's previous session, because another person may have signed in."""
    cookie = people.read_cookie(api.call.request.cookie(COOKIE) or "")
    if cookie:
        people.sign_out(cookie)


def _to(place: str) -> Response[Any]:
    return Response(_FOUND, headers={"Location": place})


handler = api.handler
