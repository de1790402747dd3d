"""Counts what an idle deployment pays for, from its templates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from infra.cost.prices import POLLS_A_MONTH, PRICES, SECONDS_A_MONTH

#: Types that cost the same each month, and the name of their price.
_EACH = {
    "AWS::CloudWatch::Alarm": "alarm",
    "AWS::CloudWatch::CompositeAlarm": "composite alarm",
    "AWS::CloudWatch::Dashboard": "dashboard",
    "AWS::KMS::Key": "key",
    "AWS::SecretsManager::Secret": "secret",
    "AWS::WAFv2::WebACL": "web ACL",
}


class Line(NamedTuple):
    """A line of the bill."""

    what: str
    count: float
    dollars: float


def list_costs(templates: Iterable[Mapping[str, Any]]) -> list[Line]:
    """Returns the lines of the bill of a month, the largest first."""
    counts: Counter[str] = Counter()
    for template in templates:
        for resource in template["Resources"].values():
            counts.update(_count(resource["Type"], resource.get("Properties", {})))
    lines = [Line(name, count, count * PRICES[name].dollars) for name, count in counts.items()]
    return sorted(lines, key=lambda line: -line.dollars)


def sum_costs(lines: Iterable[Line]) -> float:
    """Returns the dollars of a month."""
    return sum(line.dollars for line in lines)


def _count(kind: str, properties: Mapping[str, Any]) -> Counter[str]:
    counts: Counter[str] = Counter()
    if kind in _EACH:
        counts[_EACH[kind]] += 1
    if kind == "AWS::CloudWatch::Alarm":
        # An alarm on a formula is billed for each metric in it.
        counts["alarm"] += max(0, sum("MetricStat" in one for one in properties.get("Metrics", [])) - 1)
    elif kind == "AWS::WAFv2::WebACL":
        counts["rule"] += len(properties["Rules"])
    elif kind == "AWS::Lambda::Function" and properties.get("SnapStart", {}).get("ApplyOn") == "PublishedVersions":
        # One published version, with the memory of the function.
        counts["snapshot"] += round(properties["MemorySize"] / 1_024 * SECONDS_A_MONTH)
    elif kind == "AWS::Lambda::EventSourceMapping" and "StartingPosition" not in properties:
        counts["SQS request"] += round(POLLS_A_MONTH)
    return counts
