"""Anima: `/v1/agents*`, `/v1/keys*`, `/v1/billing/*`: administration with the master key."""

from __future__ import annotations

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Query

from functions.anima.management.schemas import (
    AgentList,
    AgentView,
    ApiKeyView,
    CreateAgent,
    CreateKey,
    HardCapView,
    KeyList,
    NewAgentView,
    NewApiKeyView,
    PlanTier,
    RotateKey,
    UsageView,
)
from switchboard.accounts import keys, organizations
from switchboard.agents import service as agents
from switchboard.dialects.anima.dialect import MASTER, Anima
from switchboard.dialects.anima.shapes import Cursor, Limit, Pagination
from switchboard.edge.api import Api
from switchboard.edge.fields import Pattern
from switchboard.usage import service as usage

api = Api(Anima(), "management", keys=MASTER)


@api.post(
    "/v1/agents",
    summary="Create an agent with an inbox and a key",
    operation_id="agentCreate",
    tag="Agents",
    status=201,
    secret=True,
    responses={
        400: "The request is not valid.",
        402: "The plan allows no more agents.",
        409: "The username is taken, or the Idempotency-Key conflicts with an earlier request.",
    },
)
def create_agent(request: CreateAgent) -> NewAgentView:
    made = agents.create_agent(api.caller, request.username, request.name or request.username, request.metadata)
    return NewAgentView.with_key(made.agent, made.key_text)


@api.get(
    "/v1/agents",
    summary="List agents, newest first",
    operation_id="agentList",
    tag="Agents",
    responses={400: "The limit or the cursor is not valid."},
)
def list_agents(limit: Limit = 20, cursor: Cursor = None) -> AgentList:
    found, after = agents.list_agents(api.caller.org_id, limit, cursor)
    return AgentList(items=[AgentView.of(agent) for agent in found], pagination=Pagination.of(after))


@api.get(
    "/v1/agents/<agt:agent_id>",
    summary="Get an agent",
    operation_id="agentGet",
    tag="Agents",
    description="An agent key can read its own agent only.",
    keys=None,
    responses={404: "The organization has no agent with this id."},
)
def get_agent(agent_id: str) -> AgentView:
    return AgentView.of(agents.get_visible_agent(api.caller, agent_id))


@api.post(
    "/v1/keys",
    summary="Create a key",
    operation_id="keyCreate",
    tag="Keys",
    status=201,
    secret=True,
    responses={400: "The request is not valid.", 404: "The organization has no agent with this id."},
)
def create_key(request: CreateKey) -> NewApiKeyView:
    return NewApiKeyView.with_text(
        agents.create_key(api.caller, request.key_kind, request.name, request.agent_id, request.expiry)
    )


@api.get(
    "/v1/keys",
    summary="List keys, newest first",
    operation_id="keyList",
    tag="Keys",
    responses={400: "The limit or the cursor is not valid."},
)
def list_keys(limit: Limit = 20, cursor: Cursor = None) -> KeyList:
    found, after = keys.list_keys(api.caller.org_id, limit, cursor)
    return KeyList(items=[ApiKeyView.of(key) for key in found], pagination=Pagination.of(after))


@api.post(
    "/v1/keys/<key:key_id>/rotate",
    summary="Rotate a key",
    description="Creates a new key. The old key keeps working during the overlap.",
    operation_id="keyRotate",
    tag="Keys",
    secret=True,
    responses={
        400: "The overlap is not valid.",
        404: "The organization has no key with this id.",
        409: "The key is already revoked, expired or rotated.",
    },
)
def rotate_key(key_id: str, request: RotateKey) -> NewApiKeyView:
    return NewApiKeyView.with_text(keys.rotate_key(api.caller, key_id, request.overlap_seconds))


@api.delete(
    "/v1/keys/<key:key_id>",
    summary="Revoke a key",
    operation_id="keyRevoke",
    tag="Keys",
    responses={404: "The organization has no key with this id."},
)
def revoke_key(key_id: str) -> ApiKeyView:
    return ApiKeyView.of(keys.revoke_key(api.caller, key_id))


@api.get(
    "/v1/billing/hard-cap",
    summary="Get the monthly spending cap",
    operation_id="hardCapGet",
    tag="Billing",
)
def get_hard_cap() -> HardCapView:
    return HardCapView.of(organizations.get_organization(api.caller.org_id).hard_cap)


@api.put(
    "/v1/billing/hard-cap",
    summary="Set the monthly spending cap",
    operation_id="hardCapPut",
    tag="Billing",
    responses={400: "The cap is not valid."},
)
def set_hard_cap(request: HardCapView) -> HardCapView:
    caller, cap = api.caller, request.to_cap()
    usage.set_hard_cap(caller, caller.organization, cap, caller.effect)
    return HardCapView.of(cap)


@api.get(
    "/v1/billing/usage",
    summary="Get the usage of a month",
    operation_id="usageGet",
    tag="Billing",
    responses={400: "The period is not valid."},
)
def get_usage(
    period: Annotated[
        Annotated[str, Pattern("^[0-9]{4}-(0[1-9]|1[0-2])$", "must be a month as YYYY-MM, such as 2026-06")] | None,
        Query(description="The month in UTC, as YYYY-MM. The default is the current month."),
    ] = None,
) -> UsageView:
    return UsageView.of(usage.get_monthly_usage(api.caller.org_id, period))


@api.get(
    "/v1/billing/tier",
    summary="Get the plan and its limits",
    operation_id="tierGet",
    tag="Billing",
)
def get_tier() -> PlanTier:
    return PlanTier.of(api.caller)


handler = api.handler
