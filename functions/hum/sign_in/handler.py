"""HUM: `/auth/*`: a browser signs in at the issuer, comes back with a session, and signs out again."""

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
    description="Sends the browser to the issuer. `return_to` is a path of this host; anything else leads home.",
    status=_FOUND,
    public=True,
    responses={503: "The issuer does not answer."},
)
def login(
    return_to: Annotated[str | None, Query(description="The path to come back to, such as `/api/me`.")] = None,
) -> Response[Any]:
    begun = sign_in.begin(return_to, api.call.request.cookie(cookies.BROWSER))
    api.call.cookies.append(cookies.browser(begun.browser))
    return _to(begun.url)


@api.get(
    "/auth/callback",
    summary="Come back from the issuer",
    operation_id="finishLogin",
    tag="Authentication",
    description="The issuer sends the browser here. It works once for each sign-in, in the browser that began it. A "
    "person who is in no organization yet, and who followed the link of an invite, joins by it.",
    status=_FOUND,
    public=True,
    responses={401: "The issuer does not vouch for this sign-in.", 503: "The issuer does not answer."},
)
def callback(
    state: Annotated[str, Query(description="What the sign-in began with.")],
    code: Annotated[str | None, Query(description="What the issuer knows the sign-in by.")] = None,
    error: Annotated[str | None, Query(description="Why the issuer refused, where it did.")] = None,
) -> Response[Any]:
    browser = api.call.request.cookie(cookies.BROWSER)
    if code is None:
        sign_in.abandon(state, browser)
        if error is None:
            raise Invalid("The issuer sent neither a code nor an error.", fields={"code": "is missing"})
        raise Unauthenticated("The issuer refused this sign-in.", code="sign_in_refused", reason=error[:100])
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
    description="Ends the session and leads home, by way of the issuer where that can end its own session, too.",
    status=_FOUND,
    public=True,
)
def logout() -> Response[Any]:
    _end_session()
    api.call.cookies.append(cookies.no_session())
    return _to(sign_in.end_url())


def _end_session() -> None:
    """End the session that the browser has so far: whoever comes next is somebody else."""
    cookie = people.read_cookie(api.call.request.cookie(COOKIE) or "")
    if cookie:
        people.sign_out(cookie)


def _to(place: str) -> Response[Any]:
    return Response(_FOUND, headers={"Location": place})


handler = api.handler
