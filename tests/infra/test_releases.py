"""A release of a function is one switch of its alias. Behind an API it begins with a canary that alarms take back."""

from __future__ import annotations

import pytest

from infra import alarms, resources, topology
from tests.infra.templates import Templates
from tests.infra.test_app import deployment

#: Resources that refer to a function and must change in place: a queue may have one mapping, and a rule has a name.
_IN_PLACE = ("AWS::Lambda::EventSourceMapping", "AWS::Events::Rule")

groups = pytest.mark.parametrize("group", [pytest.param(group, id=group.name) for group in topology.GROUPS])


@groups
def test_a_group_is_released_by_a_canary(full_deployment: Templates, group: resources.Group) -> None:
    name = full_deployment.name(group.name)
    made = full_deployment.one("AWS::CodeDeploy::DeploymentGroup", DeploymentGroupName=name)
    assert made["DeploymentConfigName"] == "CodeDeployDefault.LambdaCanary10Percent10Minutes"
    assert made["AutoRollbackConfiguration"] == {
        "Enabled": True,
        "Events": ["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_REQUEST", "DEPLOYMENT_STOP_ON_ALARM"],
    }
    (alias,) = [one for one in full_deployment.all("AWS::Lambda::Alias") if one["FunctionName"] == name]
    moved = alias["resource"]["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]
    assert moved["DeploymentGroupName"] == {"Ref": made["id"]}
    application = full_deployment.stacks[made["stack"]]["Resources"][moved["ApplicationName"]["Ref"]]
    assert application["Properties"]["ComputePlatform"] == "Lambda"


@groups
def test_alarms_of_the_deployment_and_of_its_api_take_it_back(
    full_deployment: Templates, group: resources.Group
) -> None:
    name = full_deployment.name(group.name)
    made = full_deployment.one("AWS::CodeDeploy::DeploymentGroup", DeploymentGroupName=name)
    assert made["AlarmConfiguration"]["Enabled"] is True
    watched = {alarm["Name"] for alarm in made["AlarmConfiguration"]["Alarms"]}
    crash = {f"{group.name}-crash"} if group.snapstart else set()
    wanted = {"requests-fail", "functions-crash", f"{group.api}-5xx"} | crash
    assert watched == {full_deployment.name(one) for one in wanted}
    there = {alarm["AlarmName"]: alarm for alarm in full_deployment.all("AWS::CloudWatch::Alarm")}
    for one in watched:
        assert there[one]["Period"] * there[one]["EvaluationPeriods"] <= 300, f"{one} rings after the canary"
    # CodeDeploy would find no alarm in a first deployment, and knows the alarms by their names alone.
    dependencies = full_deployment.artifacts[made["stack"]]["dependencies"]
    assert full_deployment.name("observability") in dependencies


def test_an_alarm_on_an_alias_counts_what_its_callers_meet(full_deployment: Templates) -> None:
    found = [alarm for alarm in alarms.ALARMS if alarm.name.endswith("-crash") and alarm.kind]
    assert {alarm.name for alarm in found} == {f"{one.name}-crash" for one in topology.GROUPS if one.snapstart}
    for alarm in found:
        made = full_deployment.one("AWS::CloudWatch::Alarm", AlarmName=full_deployment.name(alarm.name))
        function = full_deployment.name(alarm.name.removesuffix("-crash"))
        assert {one["Name"]: one["Value"] for one in made["Dimensions"]} == {
            "FunctionName": function,
            "Resource": f"{function}:live",
        }


def test_a_worker_is_switched_at_once(full_deployment: Templates) -> None:
    for function in (*topology.WORKERS, *topology.SCHEDULES):
        name = full_deployment.name(function.name)
        (alias,) = [one for one in full_deployment.all("AWS::Lambda::Alias") if one["FunctionName"] == name]
        assert "UpdatePolicy" not in alias["resource"], function.name


def test_what_starts_a_function_is_changed_in_place(
    full_deployment: Templates, bare_deployment: Templates, development: Templates
) -> None:
    """With and without aliases, all have the same logical ids: CloudFormation updates them and makes no second one."""
    for kind in _IN_PLACE:
        ids = {one["id"] for one in development.all(kind)}
        assert (
            ids == {one["id"] for one in bare_deployment.all(kind)} == {one["id"] for one in full_deployment.all(kind)}
        )
    mapped = {one["FunctionName"] for one in development.all("AWS::Lambda::EventSourceMapping")}
    assert mapped == {development.name(worker.name) for worker in topology.WORKERS}


def test_development_and_at_once_have_no_canaries(development: Templates) -> None:
    for kind in ("AWS::Lambda::Alias", "AWS::Lambda::Version", "AWS::CodeDeploy::DeploymentGroup"):
        assert not list(development.all(kind)), kind
    assert deployment(stage="prod").has_canaries
    assert deployment(stage="prod", release="canary").has_canaries
    at_once = deployment(stage="prod", release="at_once")
    assert (at_once.has_aliases, at_once.has_canaries) == (True, False)
    assert not deployment(stage="prod", local_engine="true").has_canaries
    with pytest.raises(ValueError, match="release=canary needs tier=production"):
        deployment(stage="dev", release="canary")


def test_the_local_engine_deploys_without_codedeploy(for_engine: Templates) -> None:
    kinds = {one["Type"] for template in for_engine.stacks.values() for one in template["Resources"].values()}
    assert not [kind for kind in kinds if "CodeDeploy" in kind]
    assert not [one["id"] for one in for_engine.all("AWS::Lambda::Alias") if "UpdatePolicy" in one["resource"]]
