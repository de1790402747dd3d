"""`switchboard projections`: deletes counts and lists that are computed from events, so that a replay rebuilds them."""

from __future__ import annotations

import click

from switchboard.accounts import slugs
from switchboard.cli.arguments import OneOf
from switchboard.cli.commands import command_group, print_rows
from switchboard.projections import service as projections

projections_command = command_group("projections")


@projections_command.command("clear")
@click.argument("name", metavar="NAME", type=OneOf("a projection", sorted(projections.PROJECTIONS)))
@click.option("--org", metavar="ORG", required=True, help="The organization.")
def clear(name: str, org: str) -> None:
    """Delete a projection of an organization; `switchboard events replay` rebuilds it."""
    org_id = slugs.find_organization(org).id
    print_rows({"organization": org_id, "projection": name, "removed": projections.clear_projection(org_id, name)})
