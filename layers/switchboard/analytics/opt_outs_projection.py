"""Projects opt-outs to the tallies of texts (`analytics.message_tallies`). Each event counts once."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from switchboard.analytics import message_tallies
from switchboard.aws.writes import Writes
from switchboard.events.models import Event


def project(event: Event) -> tuple[str, Writes] | None:
    """Returns the tally of an opt-out, and the writes that count it."""
    # A repeated event has the same subject, where it is listed as applied.
    chosen = zlib.crc32(event.id.encode()) % message_tallies.SLICES["opt_outs"]
    key = message_tallies.day_key(event.org_id, "opt_outs", event.at, chosen)
    return str(key["sk"]), message_tallies.count_writes(event.org_id, "opt_outs", event.at, chosen)


def subjects(org_id: str) -> Iterator[str]:
    """Returns the sort keys of all tallies of a day that have opt-outs."""
    return message_tallies.list_days(org_id, "opt_outs")


def removal_writes(org_id: str, subject: str) -> Writes:
    """Returns the writes that remove a tally."""
    return message_tallies.delete_writes(org_id, subject)
