"""HUM: `/api/widget-tokens*`: the keys, rules, leads and usage of voice widgets on the pages of partners."""

from __future__ import annotations

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Query

from functions.hum.widget_tokens.schemas import (
    LeadList,
    WidgetTokenChanges,
    WidgetTokenInput,
    WidgetTokenList,
    WidgetTokenView,
    WidgetUsageView,
)
from switchboard.dialects.hum.dialect import Hum
from switchboard.dialects.hum.shapes import DONE, Cursor, Ok
from switchboard.dialects.hum.widget_views import LeadView
from switchboard.edge.api import Api
from switchboard.team.permissions import Permission
from switchboard.widgets import days, leads, service

api = Api(Hum(), "widget_tokens", tags={"Widget Tokens": "Voice widgets on the pages of partners. For admins."})

_UNKNOWN = "There is no such widget token."
_REFUSED = (
    "`invalid_origin`: the fields say what is wrong with each origin. `unknown_flow`. `flow_kind`: the flow answers no"
    " calls."
)


@api.get(
    "/api/widget-tokens",
    summary="List widget tokens",
    operation_id="listWidgetTokens",
    description="All tokens, the newest first. Revoked tokens stay in the list.",
    permission=Permission.WIDGETS_READ,
)
def list_widget_tokens() -> WidgetTokenList:
    return WidgetTokenList(
        widget_tokens=[WidgetTokenView.of(token) for token in service.list_tokens(api.member.org_id)]
    )


@api.post(
    "/api/widget-tokens",
    summary="Create a widget token",
    operation_id="createWidgetToken",
    description="The public key is no secret: a page shows it. The allowed origins, the captcha, the rate and the spend"
    " cap protect the widget.",
    permission=Permission.WIDGETS_WRITE,
    responses={400: _REFUSED, 402: "The organization has 50 tokens: `widget_token_limit`."},
)
def create_widget_token(request: WidgetTokenInput) -> WidgetTokenView:
    return WidgetTokenView.of(service.create_token(api.member, request.to_settings(), api.member.effect))


@api.patch(
    "/api/widget-tokens/<wgt:token_id>",
    summary="Update a widget token",
    operation_id="updateWidgetToken",
    description="Changes the given fields. Sessions that run keep their rules.",
    permission=Permission.WIDGETS_WRITE,
    responses={
        400: f"{_REFUSED} `widget_token_revoked`: a revoked token cannot be activated.",
        404: _UNKNOWN,
    },
)
def update_widget_token(token_id: str, request: WidgetTokenChanges) -> WidgetTokenView:
    return WidgetTokenView.of(service.update_token(api.member, token_id, request.to_changes(), api.member.effect))


@api.post(
    "/api/widget-tokens/<wgt:token_id>/revoke",
    summary="Revoke a widget token",
    operation_id="revokeWidgetToken",
    description="New sessions get 404 at once, and running sessions end. It cannot be undone.",
    permission=Permission.WIDGETS_WRITE,
    responses={404: _UNKNOWN},
)
def revoke_widget_token(token_id: str) -> WidgetTokenView:
    return WidgetTokenView.of(service.revoke_token(api.member, token_id, api.member.effect))


@api.get(
    "/api/widget-tokens/<wgt:token_id>/leads",
    summary="List the leads of a widget token",
    operation_id="listWidgetTokenLeads",
    description="The answers of visitors in the form, the newest first.",
    permission=Permission.WIDGETS_READ,
    responses={404: _UNKNOWN},
)
def list_widget_token_leads(
    token_id: str,
    limit: Annotated[int, Query(ge=1, le=200, description="The largest number of leads in a page.")] = 50,
    cursor: Cursor = None,
) -> LeadList:
    found, after = leads.list_leads(api.member.org_id, token_id, limit, cursor)
    return LeadList(leads=[LeadView.of(lead) for lead in found], next_cursor=after)


@api.delete(
    "/api/widget-tokens/<wgt:token_id>/leads/<led:lead_id>",
    summary="Delete a lead of a widget token",
    operation_id="deleteWidgetTokenLead",
    description="The call of the visitor stays, without the visitor's name, address and number. Its transcript"
    " stays too. A lead that nobody deletes is deleted at `kept_until`.",
    permission=Permission.WIDGETS_WRITE,
    responses={404: "There is no such lead."},
)
def delete_widget_token_lead(token_id: str, lead_id: str) -> Ok:
    leads.delete_lead(api.member, token_id, lead_id, api.member.effect)
    return DONE


@api.get(
    "/api/widget-tokens/<wgt:token_id>/usage",
    summary="Get the daily usage of widgets",
    operation_id="getWidgetTokenUsage",
    description="The sessions of all widgets of the organization on each of the last 30 days, in the organization's"
    " time zone. The cap is the token's own. It limits the spending of all widgets together.",
    permission=Permission.WIDGETS_READ,
    responses={404: _UNKNOWN},
)
def get_widget_token_usage(token_id: str) -> WidgetUsageView:
    return WidgetUsageView.of(days.get_usage(api.member.org_id, token_id))


handler = api.handler
