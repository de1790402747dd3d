"""Verdicts in the `activity` table."""

from __future__ import annotations

import json
import zlib

from switchboard.aws.dynamodb import Item
from switchboard.aws.reads import Query
from switchboard.aws.writes import Put
from switchboard.compliance.models import Verdict
from switchboard.kit import clock
from switchboard.persistence.retention import FIVE_YEARS


def verdict_writes(verdict: Verdict, subject_id: str) -> Put:
    """Returns the write that stores a verdict.

    The rules are compressed: the item stays below 1 KB, which halves the cost of the write.
    """
    place = {"pk": f"{verdict.org_id}#verdict#{subject_id}", "sk": verdict.evaluated_at}
    expires = int((clock.parse(verdict.evaluated_at) + FIVE_YEARS).timestamp())
    item = verdict.model_dump(mode="json")
    rules = zlib.compress(json.dumps(item["rules"], separators=(",", ":")).encode(), level=9)
    return Put(table="core", item={**place, **item, "rules": rules, "expires": expires})


def _read_verdict(item: Item) -> Verdict:
    rules = item["rules"]
    if isinstance(rules, bytes):  # old verdicts have uncompressed rules
        rules = json.loads(zlib.decompress(rules))
    return Verdict.model_validate({**item, "rules": rules})


def list_verdicts(org_id: str, subject_id: str, limit: int = 20) -> list[Verdict]:
    """Return the verdicts on a call or message, latest first. A postponed call or message has several."""
    query = Query(table="core", partition=f"{org_id}#verdict#{subject_id}", forward=False)
    return [_read_verdict(item) for item in query.page(limit).items]
