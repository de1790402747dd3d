"""The retention page, made from the rows of retention: `python -m infra.retention_page` writes `docs/retention.md`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from infra import topology
from switchboard.offboarding.kept import KEPT
from switchboard.persistence.retention import FIVE_YEARS, ItemKind
from switchboard.persistence.retention_rows import KINDS

PAGE = Path(__file__).resolve().parents[1] / "docs" / "retention.md"

_HEAD = """\
# Retention

<!-- Written by `make openapi` from `retention_rows.py` and `infra/topology.py`. Change them, not this page. -->

Every kind of item has a row here: how long it is kept, how it ends, and why.

| ends by | meaning |
|---|---|
| TTL | DynamoDB deletes it by itself, at most two days after its time. Until then the code treats it as expired. |
| a change | The commit that deletes the object deletes it. |
| with its organization | It is kept as long as the organization ([its end](#after-an-organization-is-deleted)). |
| never | No change and no time ends it. |

TTL is enough for everything that ends by time, because such a deletion needs no other work. No job looks for expired
items.

To add a kind of item, add a row to `KINDS`, write one such item in `live` of `tests/unit/<noun>/life.py` (or in
`a_life` of `tests/integration/test_retention.py`), and run `make openapi`. That test goes through the life of an
organization, with every worker of a queue. It fails for an item without a row, for an item with another TTL than its
row, and for a row without an item.

"""

_AFTER = """\
## After an organization is deleted

`switchboard org delete` begins the deletion of an organization
([operating](operating.md#delete-an-organization), [decision](decisions/0022-deleting-organizations.md)). A worker
deletes every item and object of the organization, of every kind above, except these. `switchboard/offboarding/kept.py`
is the only list of what stays. The times count from the deletion, and DynamoDB deletes the items by TTL.

| data | until | kinds of items | why |
|---|---|---|---|
"""

_BESIDE = """\
## Beside the tables

| data | kept for | ended by |
|---|---|---|
"""


def text() -> str:
    """The page."""
    return _HEAD + "".join(f"{line}\n" for line in _lines())


def _lines() -> Iterator[str]:
    for table in topology.TABLES:
        yield f"## Table `{table.name}`"
        yield ""
        if table.ttl:
            yield f"The attribute of its TTL is `{table.ttl}`."
            yield ""
        yield "| item | key | kept for | ends by | why |"
        yield "|---|---|---|---|---|"
        yield from (_row(kind) for kind in KINDS if kind.table == table.name)
        yield ""
    yield from _AFTER.splitlines()
    yield from (f"| {one.thing} | {one.until} | {', '.join(one.kinds)} | {one.why} |" for one in KEPT)
    yield ""
    yield from _BESIDE.splitlines()
    yield from _beside()


def _row(kind: ItemKind) -> str:
    keys = ", ".join(f"`{part}`" for part in kind.keys.split("|"))
    life = f"{_length(kind.life)} after {kind.since}" if kind.life else "as long as it is there"
    return f"| {kind.what} | {keys} | {life} | {kind.ender.value} | {kind.reason} |"


def _length(life: timedelta) -> str:
    if life == FIVE_YEARS:
        return "five years"
    for name, unit in (("day", timedelta(days=1)), ("hour", timedelta(hours=1)), ("minute", timedelta(minutes=1))):
        number = life // unit
        if number:
            return f"{number} {name}{'s' if number > 1 else ''}"
    raise ValueError(f"{life} is too short for the page")


def _beside() -> Iterator[str]:
    for bucket in topology.BUCKETS:
        kept = (
            (f"{bucket.days} days", "a rule of S3") if bucket.days else (f"as long as its {bucket.kept_with}", "never")
        )
        yield f"| objects of bucket `{bucket.name}` | {kept[0]} | {kept[1]} |"
    yield (
        "| recordings at the carrier of calls | until we have stored our copy | a job of `workers/recordings` within"
        " 15 minutes; a recording that was lost stays there for an operator |"
    )
    yield "| messages of queues | 4 days | SQS; a worker receives them within seconds |"
    yield f"| dead letters | {topology.DEAD_LETTERS_DAYS} days | SQS; an operator redrives them earlier |"
    yield "| records of the stream | 24 hours | DynamoDB |"
    yield f"| logs of functions and APIs | {topology.LOGS_DAYS} days | CloudWatch |"
    yield "| metrics | 15 months | CloudWatch |"
    yield "| point-in-time backups of `core` and `activity` | 35 days | DynamoDB; they keep deleted items so long |"


def main() -> None:
    """Write the page."""
    PAGE.write_text(text())


if __name__ == "__main__":
    main()
