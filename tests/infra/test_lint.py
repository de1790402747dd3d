"""cfn-lint finds nothing in the templates: it knows the fields and values that CloudFormation refuses after minutes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Any, NamedTuple

import pytest

from tests.infra.templates import Templates
from tests.infra.test_edges import duplicate
from tests.infra.traits import Thinned, choose_by_traits

#: Findings that are accepted, and why.
ACCEPTED = {"W3005": "The CDK adds DependsOn to a role beside the reference, and nothing depends on it."}


class Finding(NamedTuple):
    """A finding of cfn-lint."""

    rule: str
    message: str
    stack: str
    #: The logical id of the resource, `None` for the rest of the template.
    resource: str | None


@cache
def _linter() -> Any:
    from cfnlint.config import ConfigMixIn
    from cfnlint.runner import Runner

    # Errors and warnings. The rules are read once: that takes longer than most templates.
    return Runner(ConfigMixIn(regions=["us-east-1", "eu-west-1"]))


def list_findings(templates: Iterable[Thinned]) -> Iterator[Finding]:
    """Yield the findings about the chosen resources and about the rest of each template, with the accepted ones."""
    from cfnlint.decode.decode import decode_str

    for thinned in templates:
        # Decoded texts know their lines, which the rules need.
        template, errors = decode_str(json.dumps(thinned.template))
        for match in errors or _linter().validate_template(template):
            path = list(match.path)
            resource = str(path[1]) if path[:1] == ["Resources"] and len(path) > 1 else None
            if resource is None or resource in thinned.chosen:
                yield Finding(match.rule.id, match.message, thinned.name, resource)


# Two tests, because two processes synthesize: see conftest.py.
def test_cfn_lint_finds_nothing_for_aws(
    full_deployment: Templates, bare_deployment: Templates, development: Templates
) -> None:
    check_findings([full_deployment, bare_deployment, development])


def test_cfn_lint_finds_nothing_for_the_local_engine(for_engine: Templates) -> None:
    check_findings([for_engine])


def check_findings(deployments: list[Templates]) -> None:
    found = [*list_findings(choose_by_traits(deployments))]
    faults = [finding for finding in found if finding.rule not in ACCEPTED]
    assert not faults, "\n".join(map(str, faults))
    assert {finding.rule for finding in found} == ACCEPTED.keys(), "take a rule that finds nothing off the list"


def _change_table(template: dict[str, Any], change: Callable[[dict[str, Any]], object]) -> None:
    change(next(one for one in template["Resources"].values() if one["Type"] == "AWS::DynamoDB::Table")["Properties"])


@pytest.mark.parametrize(
    ("rule", "change"),
    [
        ("E3030", lambda table: table.update(BillingMode="PAY_PER_REQEST")),
        ("E3002", lambda table: table.update(TableNames="core")),
        ("E3003", lambda table: table.pop("KeySchema")),
        ("E3012", lambda table: table.update(TimeToLiveSpecification={"AttributeName": ["ttl"], "Enabled": True})),
        ("E1010", lambda table: table.update(TableName={"Fn::GetAtt": ["Nothing", "Arn"]})),
    ],
)
def test_a_fault_that_is_put_in_is_found(
    bare_deployment: Templates, rule: str, change: Callable[[dict[str, Any]], object]
) -> None:
    broken = duplicate(bare_deployment)
    name = broken.name("data")
    broken.stacks = {name: broken.stacks[name]}
    _change_table(broken.stacks[name], change)
    assert rule in {finding.rule for finding in list_findings(choose_by_traits([broken]))}


def test_a_fault_in_one_of_many_equal_resources_is_read(full_deployment: Templates) -> None:
    whole = choose_by_traits([full_deployment])
    kept = {(thinned.name, id_) for thinned in whole for id_ in thinned.chosen}
    made = [(one["stack"], one["id"]) for one in full_deployment.all("AWS::Lambda::Function")]
    alike = next(place for place in made if place not in kept)
    for change in ({"MemorySize": 1}, {"Runtime": "python3.1"}, {"Handlers": "handler"}):
        broken = duplicate(full_deployment)
        broken.stacks[alike[0]]["Resources"][alike[1]]["Properties"] |= change
        assert alike in {(thinned.name, id_) for thinned in choose_by_traits([broken]) for id_ in thinned.chosen}, (
            change
        )
