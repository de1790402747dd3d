"""`switchboard flow`: flows, the voices and scripts of calls."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any, get_args

from switchboard.accounts import organizations
from switchboard.cli.commands import CommandGroup, consent_argument, enum_argument, operator_origin, print_rows
from switchboard.compliance.models import Purpose
from switchboard.flows import service as flows
from switchboard.flows.models import Flow, FlowKind, FlowSettings

if TYPE_CHECKING:
    from switchboard.cli.commands import Nouns

_PAGE = 100


def add_to(nouns: Nouns) -> None:
    """Adds the commands."""
    flow = CommandGroup(nouns, "flow", "flows, the voices and scripts of calls")
    create = flow.add_command("create", _create, "create a flow")
    create.add_argument("org", metavar="ORG")
    create.add_argument("name", metavar="NAME", help="the name of the agent that talks")
    create.add_argument("--kind", choices=get_args(FlowKind), required=True)
    create.add_argument("--greeting", default="", metavar="TEXT", help="its first words; {{name}} is a variable")
    create.add_argument("--prompt", default="", metavar="TEXT", help="its instructions; {{name}} is a variable")
    create.add_argument("--voice", metavar="ID", help="a voice of the catalog, which decides the tier")
    create.add_argument("--provider-agent", metavar="ID", help="the voice provider's own agent, agent_…")
    create.add_argument("--caller-id", metavar="E164", help="the number that its calls come from")
    create.add_argument(
        "--consent",
        type=consent_argument,
        metavar="SOURCE@DATE",
        help="the consent for calls without a consent of their own",
    )
    create.add_argument(
        "--purpose",
        type=enum_argument(Purpose),
        choices=list(Purpose),
        default=Purpose.INFORMATIONAL,
        metavar="PURPOSE",
        help=f"the purpose of its calls: {', '.join(Purpose)}; {Purpose.INFORMATIONAL} by default",
    )
    flow.add_command("list", _list, "list an organization's flows, newest first").add_argument("org", metavar="ORG")
    shown = flow.add_command("show", _show, "show a flow")
    shown.add_argument("org", metavar="ORG")
    shown.add_argument("flow", metavar="FLOW", help="its id, a UUID")


def _create(args: argparse.Namespace) -> None:
    org = organizations.get_organization(args.org)
    source, day = args.consent or (None, None)
    settings = FlowSettings(
        name=args.name,
        kind=args.kind,
        greeting=args.greeting,
        system_prompt=args.prompt,
        voice=args.voice,
        provider_agent_id=args.provider_agent,
        caller_id=args.caller_id,
        consent_source=source,
        consent_date=day,
        purpose=args.purpose,
    )
    print_rows(args, _whole(flows.create_flow(operator_origin(org.id), settings)))


def _list(args: argparse.Namespace) -> None:
    org = organizations.get_organization(args.org)
    found, after = flows.list_flows(org.id, _PAGE, None)
    while after:
        more, after = flows.list_flows(org.id, _PAGE, after)
        found += more
    print_rows(args, [_row(flow) for flow in found])


def _show(args: argparse.Namespace) -> None:
    org = organizations.get_organization(args.org)
    print_rows(args, _whole(flows.get_flow(org.id, args.flow)))


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
