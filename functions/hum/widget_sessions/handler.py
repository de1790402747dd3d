"""HUM: `/api/widget/*`: what the pages of partners call, for visitors without an account.

The public key, or the token of a session, is the credential. A page may read a response if its origin is allowed.
"""

from __future__ import annotations

from functions.hum.widget_sessions.schemas import (
    SessionView,
    StartedSessionView,
    StartSessionInput,
    WidgetConfigView,
)
from switchboard.dialects.hum.dialect import Hum
from switchboard.dialects.hum.shapes import DONE, Ok
from switchboard.edge import cors, rate_limit, strangers
from switchboard.edge.api import Api
from switchboard.edge.dialect import read_bearer_token
from switchboard.edge.exchange import Exchange
from switchboard.edge.fields import is_id
from switchboard.edge.router import AuthenticationScheme
from switchboard.errors import NotFound, RateLimited, Unauthenticated
from switchboard.widgets import lead_forms, lifecycle, sessions
from switchboard.widgets.models import WidgetSession, WidgetToken

api = Api(Hum(), "widget_sessions", tags={"Widget Sessions": "For the pages that show a widget, without a sign-in."})

_MINUTE = 60
_UNKNOWN = "There is no such widget, or it is revoked or not active."
_OTHER_ORIGIN = "The page's origin is not one of the token's allowed origins."
_NO_SESSION = "There is no such session."


def _authenticate_key(exchange: Exchange) -> None:
    """Authenticates a page by a widget's public key."""
    key = read_bearer_token(exchange)
    if not key:
        raise Unauthenticated("The widget's key is missing: send Authorization: Bearer whk_….", code="missing")
    if not key.startswith("whk_"):
        raise Unauthenticated("This is not a widget's key: send Authorization: Bearer whk_….", code="malformed")
    if not is_id(key, "whk"):
        raise NotFound(_UNKNOWN, code="unknown_widget")
    with strangers.guarding_look_up(exchange, key):
        token = sessions.admit_key(key)
    exchange.bearer, exchange.credential, exchange.origins = token, key, token.allowed_origins


def _authenticate_session(exchange: Exchange) -> None:
    """Authenticates a page by the token of its session."""
    token = read_bearer_token(exchange)
    session = sessions.admit_visitor(token)
    exchange.bearer, exchange.credential, exchange.origins = session, token, [session.origin]


_BY_KEY = AuthenticationScheme("WidgetKey", _authenticate_key)
_BY_SESSION = AuthenticationScheme("WidgetSession", _authenticate_session)
_CORS = cors.TokenOrigins()


@api.get(
    "/api/widget/config",
    summary="Get what a page needs to show a widget",
    operation_id="getWidgetConfig",
    scheme=_BY_KEY,
    cross_origin=_CORS,
    responses={403: _OTHER_ORIGIN, 404: _UNKNOWN},
)
def get_config() -> WidgetConfigView:
    return WidgetConfigView.of(_token())


@api.post(
    "/api/widget/sessions",
    summary="Start a voice session of a visitor",
    operation_id="startWidgetSession",
    description="The answer has the ticket of a voice room, and a token that reads the talk as text. The platform ends "
    "the session at `expires_at`. A fourth session of one address at the same time is 429 `sessions_of_address`.",
    scheme=_BY_KEY,
    cross_origin=_CORS,
    secret=True,
    responses={
        400: "`invalid_lead`: a required field is missing, a field is not valid, or `consent` has other words."
        " `captcha_failed`. `no_flow`: the"
        " token has no flow.",
        402: "`daily_spend_cap`: the widgets' cap of the day is reached. `hard_cap`, `plan_quota`.",
        403: _OTHER_ORIGIN,
        404: _UNKNOWN,
        503: "`after_hours`, `lines_busy`, `no_rooms`, `no_captcha`, `captcha_down`.",
    },
)
def start_session(request: StartSessionInput) -> StartedSessionView:
    token, exchange = _token(), api.exchange
    assert exchange.origin is not None, "the policy of the operation sets it"
    assert exchange.correlation_id is not None, "the edge sets it"
    earlier = sessions.find_started_session(exchange.effect, token.org_id)
    if earlier is not None:
        return StartedSessionView.of(earlier)
    answers = lead_forms.read_answers(token.lead_fields, request.lead.to_answers())
    answers = lead_forms.read_consent(token, answers, request.consent)
    # The rate comes before the captcha: otherwise a stranger makes us ask the captcha without a limit.
    _count_session(token, exchange.request.source_ip)
    sessions.check_captcha(token, exchange.origin, request.captcha_token, exchange.request.source_ip)
    address = rate_limit.network_of(exchange.request.source_ip)
    return StartedSessionView.of(
        sessions.start_session(
            token, exchange.origin, answers, exchange.correlation_id, exchange.effect, address=address
        )
    )


def _count_session(token: WidgetToken, address: str) -> None:
    """Counts an attempt against the token's limit for an address. Raises RateLimited."""
    bucket = f"{token.org_id}#widget#{token.id}#{rate_limit.network_of(address)}"
    full = rate_limit.count_in_window(bucket, token.per_ip_rate_per_min, _MINUTE)
    if full is not None:
        raise RateLimited(
            "This address started too many sessions: wait a minute, then try again.",
            code="rate_limited",
            limit=full.limit,
            remaining=0,
            retry_after=full.wait_seconds,
        )


@api.get(
    "/api/widget/sessions/<wgs:session_id>",
    summary="Get a session and what was said so far",
    operation_id="getWidgetSession",
    description="For the page that started the session, until ten minutes after its latest end.",
    scheme=_BY_SESSION,
    cross_origin=_CORS,
    responses={403: _OTHER_ORIGIN, 404: _NO_SESSION},
)
def get_session(session_id: str) -> SessionView:
    return SessionView.of(sessions.read_talk(_session(session_id)))


@api.post(
    "/api/widget/sessions/<wgs:session_id>/end",
    summary="End a session",
    operation_id="endWidgetSession",
    description="The session ends after a moment. A session that is over stays as it is.",
    scheme=_BY_SESSION,
    cross_origin=_CORS,
    responses={403: _OTHER_ORIGIN, 404: _NO_SESSION},
)
def end_session(session_id: str) -> Ok:
    lifecycle.request_end(_session(session_id))
    return DONE


def _token() -> WidgetToken:
    token: WidgetToken = api.exchange.bearer
    return token


def _session(session_id: str) -> WidgetSession:
    session: WidgetSession = api.exchange.bearer
    if session.id != session_id:
        raise NotFound(f"{_NO_SESSION.removesuffix('.')}: check its id.")
    return session


handler = api.handler
