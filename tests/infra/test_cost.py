"""The cost of an idle deployment stays below its target."""

from __future__ import annotations

from infra.cost.idle import Line, list_costs, sum_costs
from infra.cost.prices import PRICES, TARGETS
from tests.infra.templates import Templates


def test_an_idle_deployment_stays_below_its_target(full_deployment: Templates, development: Templates) -> None:
    for tier, templates in (("production", full_deployment), ("development", development)):
        lines = list_costs(templates.stacks.values())
        assert sum_costs(lines) <= TARGETS[tier], f"{tier}: {lines}"


def test_snapshots_alarms_rules_and_pollers_are_counted() -> None:
    resources = {
        "Alarm": {"Type": "AWS::CloudWatch::Alarm", "Properties": {"MetricName": "Errors"}},
        "Sum": {"Type": "AWS::CloudWatch::Alarm", "Properties": {"Metrics": [{"MetricStat": {}}, {"MetricStat": {}}]}},
        "Quick": {
            "Type": "AWS::Lambda::Function",
            "Properties": {"MemorySize": 512, "SnapStart": {"ApplyOn": "PublishedVersions"}},
        },
        "Slow": {"Type": "AWS::Lambda::Function", "Properties": {"MemorySize": 512}},
        "Acl": {"Type": "AWS::WAFv2::WebACL", "Properties": {"Rules": [{}, {}]}},
        "Queue": {"Type": "AWS::Lambda::EventSourceMapping", "Properties": {}},
        "Stream": {"Type": "AWS::Lambda::EventSourceMapping", "Properties": {"StartingPosition": "LATEST"}},
    }
    found = {line.what: line for line in list_costs([{"Resources": resources}])}
    assert found["alarm"] == Line("alarm", 3, 3 * PRICES["alarm"].dollars)
    assert round(found["snapshot"].dollars, 2) == 1.98
    assert found["rule"].count == 2
    assert round(found["SQS request"].dollars, 2) == 0.26
    assert found["web ACL"].dollars == 5
