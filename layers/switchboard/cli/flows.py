"""`switchboard flow`: flows, the voices and scripts of calls."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar, get_args

import click

from switchboard.accounts.models import Organization
from switchboard.cli.arguments import CONSENT, E164, OneOf, Parsed
from switchboard.cli.commands import (
    command_group,
    confirm_destruction,
    operator_origin,
    organization_argument,
    print_rows,
)
from switchboard.compliance.models import Purpose
from switchboard.flows import changes as flow_changes
from switchboard.flows import service as flows
from switchboard.flows.models import Flow, FlowKind, FlowSettings

F = TypeVar("F", bound=Callable[..., Any])
_PAGE = 100

flow_command = command_group("flow")


def _template(text: str) -> str:
    if re.search(r"\{\{|\}\}", re.sub(r"\{\{\s*[A-Za-z_]\w*\s*\}\}", "", text)):
        raise ValueError(f"{text!r} has an incomplete variable: write it like {{{{customer_name}}}}")
    return text


TEMPLATE = Parsed("template", _template)


def _settings_options(command: F) -> F:
    """Adds the options of a flow's settings. An option that is not given has the value None."""
    for option in reversed(
        (
            click.option("--greeting", type=TEMPLATE, metavar="TEXT", help="Its first words; {{name}} is a variable."),
            click.option("--prompt", type=TEMPLATE, metavar="TEXT", help="Its instructions; {{name}} is a variable."),
            click.option("--voice", metavar="ID", help="A voice of the catalog, which decides the tier."),
            click.option("--provider-agent", metavar="ID", help="The voice provider's own agent, agent_…"),
            click.option("--caller-id", type=E164, metavar="E164", help="The number that its calls come from."),
            click.option(
                "--consent",
                type=CONSENT,
                metavar="SOURCE@DATE",
                help="The consent for calls without a consent of their own.",
            ),
            click.option(
                "--purpose",
                type=OneOf("a purpose", Purpose),
                help=f"The purpose of its calls; {Purpose.INFORMATIONAL} for a new flow.",
            ),
        )
    ):
        command = option(command)
    return command


def _given_settings(
    *,
    greeting: str | None,
    prompt: str | None,
    voice: str | None,
    provider_agent: str | None,
    caller_id: str | None,
    consent: tuple[str, str] | None,
    purpose: Purpose | None,
) -> dict[str, Any]:
    source, day = consent or (None, None)
    found = {
        "greeting": greeting,
        "system_prompt": prompt,
        "voice": voice,
        "provider_agent_id": provider_agent,
        "caller_id": caller_id,
        "consent_source": source,
        "consent_date": day,
        "purpose": purpose,
    }
    return {name: value for name, value in found.items() if value is not None}


@flow_command.command("create")
@organization_argument
@click.argument("name", metavar="NAME")
@click.option("--kind", type=OneOf("a kind of flow", get_args(FlowKind)), required=True)
@_settings_options
def create_flow(org: Organization, name: str, kind: FlowKind, **options: Any) -> None:
    """Create a flow. NAME is the name of the agent that talks."""
    settings = FlowSettings(name=name, kind=kind, **_given_settings(**options))
    print_rows(_whole(flows.create_flow(operator_origin(org.id), settings)))


@flow_command.command("list")
@organization_argument
def list_flows(org: Organization) -> None:
    """List an organization's flows, newest first."""
    found, after = flows.list_flows(org.id, _PAGE, None)
    while after:
        more, after = flows.list_flows(org.id, _PAGE, after)
        found += more
    print_rows([_row(flow) for flow in found], "The organization has no flows: create one with `flow create`.")


@flow_command.command("show")
@organization_argument
@click.argument("flow_id", metavar="FLOW")
def show_flow(org: Organization, flow_id: str) -> None:
    """Show a flow. FLOW is its id, a UUID."""
    print_rows(_whole(flows.get_flow(org.id, flow_id)))


@flow_command.command("update")
@organization_argument
@click.argument("flow_id", metavar="FLOW")
@click.option("--name", metavar="NAME", help="The name of the agent that talks.")
@_settings_options
def update_flow(org: Organization, flow_id: str, name: str | None, **options: Any) -> None:
    """Change the given settings of a flow. Calls in progress keep the version that they began with."""
    changes = ({} if name is None else {"name": name}) | _given_settings(**options)
    if not changes:
        raise click.UsageError("give a setting to change, for example --greeting TEXT")
    print_rows(_whole(flow_changes.update_flow(operator_origin(org.id), flow_id, changes)))


@flow_command.command("delete")
@organization_argument
@click.argument("flow_id", metavar="FLOW")
@click.option("--yes", "is_sure", is_flag=True, help="Do not ask.")
def delete_flow(org: Organization, flow_id: str, *, is_sure: bool) -> None:
    """Delete a flow that no number and no other flow uses. Its calls stay."""
    flow = flows.get_flow(org.id, flow_id)
    confirm_destruction(f"The flow {flow.name} of {org.name} is deleted.", flow.name, is_sure=is_sure)
    flow_changes.delete_flow(operator_origin(org.id), flow.id)
    print_rows({"flow": flow.id, "deleted": True})


def _row(flow: Flow) -> dict[str, Any]:
    return {
        "flow": flow.id,
        "kind": flow.kind,
        "provider_agent": flow.provider_agent_id,
        "purpose": flow.purpose.value,
        "consent": f"{flow.consent_source}@{flow.consent_date}" if flow.consent_source else None,
        "version": flow.version,
        "created_at": flow.created_at,
        "name": flow.name,
    }


def _whole(flow: Flow) -> dict[str, Any]:
    return {
        **_row(flow),
        "greeting": flow.greeting,
        "prompt": flow.system_prompt,
        "voice": flow.voice,
        "caller_id": flow.caller_id,
        "updated_at": flow.updated_at,
    }
