"""`switchboard recording`: recordings that were lost, or that their provider still keeps."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from switchboard.calls import recordings_at_provider
from switchboard.cli.commands import CommandGroup, operator_origin, print_rows

if TYPE_CHECKING:
    from switchboard.cli.commands import Nouns


def add_to(nouns: Nouns) -> None:
    """Adds the commands."""
    recording = CommandGroup(nouns, "recording", "recordings that were lost, or that their provider still keeps")
    for name, run, summary in (
        ("fetch", _fetch, "fetch the lost recordings of a call again"),
        ("forget", _forget, "delete the provider's copies of the stored recordings of a call"),
    ):
        verb = recording.add_command(name, run, summary)
        verb.add_argument("org", metavar="ORG")
        verb.add_argument("call", metavar="CALL", help="its id, as in the log")


def _fetch(args: argparse.Namespace) -> None:
    found = recordings_at_provider.fetch_lost_again(operator_origin(args.org).actor, args.org, args.call)
    print_rows(args, [{"recording": one, "state": "awaited"} for one in found])


def _forget(args: argparse.Namespace) -> None:
    found = recordings_at_provider.forget_again(args.org, args.call)
    print_rows(args, [{"recording": one, "state": "being deleted at the provider"} for one in found])
