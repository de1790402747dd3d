"""`/`: the home page."""

from __future__ import annotations

from typing import Any, NamedTuple

from aws_lambda_powertools.event_handler import Response

from functions.portal.site import api, show_page


class ApiCard(NamedTuple):
    """The home page's description of an API."""

    name: str
    title: str
    base: str
    about: str
    auth: str


_APIS = (
    ApiCard(
        "anima",
        "Anima",
        "/v1",
        "For AI agents and their owners: mail, calls, webhooks, a verifiable audit chain and a live event stream.",
        "A bearer key: ak_… of an agent, mk_… of the organization",
    ),
    ApiCard(
        "opticomm",
        "OptiComm",
        "/functions/v1",
        "For back ends: start an AI call with one request, follow its status, and receive its result by webhook.",
        "The header X-API-Key: sk_live_… or sk_test_…",
    ),
    ApiCard(
        "athos",
        "Athos",
        "/api/external/v1",
        "For resellers of sales training: roleplay calls with a simulated person, and their scores.",
        "A bearer key: ath_live_…",
    ),
    ApiCard(
        "hum",
        "HUM",
        "/api",
        "For voice and text teams: contacts, calls, voicemails, conversations, campaigns, numbers and billing.",
        "The session of a signed-in person",
    ),
)


@api.get("/", summary="Get the home page", operation_id="homePage", public=True)
def show_home() -> Response[Any]:
    return show_page("home.html", title="Switchboard", apis=_APIS)
