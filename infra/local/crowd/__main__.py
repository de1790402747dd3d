"""`make seed`: writes the crowd into the running stack, and says how to look at it."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from infra.local import readiness
from infra.local.crowd import CALLS, CONTACTS, STRANGERS, messages, past, people, team, writing
from switchboard.aws.dynamodb import Item
from switchboard.dialects.hum.dialect import COOKIE
from switchboard.kit import settings
from switchboard.people import sessions


def main() -> None:
    """Create an organization in the running stack, and fill it."""
    argparse.ArgumentParser(
        prog="python -m infra.local.crowd",
        description=f"Add an organization with a year of {CALLS:,} calls and {CONTACTS:,} contacts to the running"
        " stack. The setting SWITCHBOARD_HOME names the stack's folder, .local by default.",
    ).parse_args()
    home = Path(os.environ.get("SWITCHBOARD_HOME", ".local"))
    if not readiness.is_ready(home):
        sys.exit("No stack runs: start it with `make run` in another terminal.")
    os.environ.update(json.loads((home / "environ.json").read_text()))
    started = time.monotonic()
    made = team.create_team()
    org_id, admin = made.org.id, made.users[0]
    print(f"Organization {org_id}: {len(made.users)} people, {len(made.lines)} numbers with flows", flush=True)
    _write(f"{CONTACTS:,} contacts", people.contact_items(org_id, CONTACTS))
    print(f"{CALLS:,} calls of a year …", flush=True)
    author = (admin.id, admin.name)
    calls = list(past.make_calls(org_id, CALLS, CONTACTS + STRANGERS, made.lines, author))
    _write("their lists, search words, figures and voicemails", past.items_of_calls(org_id, calls, author))
    print("the audio of the voicemails …", flush=True)
    stored = messages.store_audio(calls)
    print(f"  {stored:,} recordings", flush=True)
    team.set_read_states(made)
    print(f"Done in {time.monotonic() - started:.0f} s.\n")
    _say_what_next(made)


def _write(name: str, items: Iterable[tuple[str, Item]]) -> None:
    print(f"{name} …", flush=True)
    started = time.monotonic()
    written = writing.write_items(items)
    print(f"\r  {written:,} items in {time.monotonic() - started:.0f} s", flush=True)


def _say_what_next(made: team.Team) -> None:
    url = settings.text("PUBLIC_URL")
    print(f"Sign in at {url}/auth/login with one of these addresses, or use a session:\n")
    for user, (address, role) in zip(made.users, team.MEMBERS, strict=True):
        print(f"  {address} ({role.value}): -H 'Cookie: {COOKIE}={sessions.open_session(user, made.org.id)}'")
    cookie = sessions.open_session(made.users[0], made.org.id)
    print("\nLook at the organization as its admin:\n")
    for path in (
        "dashboard",
        "analytics?days=365",
        "calls?read=unread",
        "calls?q=billing",
        "contacts?q=lovelace%20ada",
    ):
        print(f"  curl -s '{url}/api/{path}' -H 'Cookie: {COOKIE}={cookie}'")


if __name__ == "__main__":
    main()
