"""Releases of the functions behind an API: a canary by CodeDeploy, which goes back when an alarm rings.

Decision 23 says why. A worker's alias moves at once: a failed job is tried again.
"""

from __future__ import annotations

from aws_cdk import Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_codedeploy as codedeploy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_

from infra import alarms
from infra.resources import Group
from infra.stacks.deployment import Deployment
from infra.stacks.findings import accept_finding

#: One of ten requests meets the new version for ten minutes: an alarm needs up to five to ring.
CANARY = codedeploy.LambdaDeploymentConfig.CANARY_10_PERCENT_10_MINUTES
#: AWS' own policy for the role with which CodeDeploy moves aliases.
POLICY = "service-role/AWSCodeDeployRoleForLambdaLimited"


class Canaries:
    """Makes the deployment groups of a stack. They share an application and a role."""

    def __init__(self, stack: Stack, deployment: Deployment) -> None:
        self._stack, self._deployment = stack, deployment
        self._application = codedeploy.LambdaApplication(stack, "Releases", application_name=stack.stack_name)
        self._role = iam.Role(stack, "ReleasesRole", assumed_by=iam.ServicePrincipal("codedeploy.amazonaws.com"))
        accept_finding(
            self._role,
            f"AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/{POLICY}]",
            "CodeDeploy documents this managed policy for Lambda. It cannot change code: it moves aliases.",
        )
        self._alarms: dict[str, cloudwatch.IAlarm] = {}

    def release(self, group: Group, alias: lambda_.Alias) -> None:
        """Let the alias of a group move to a new version step by step."""
        codedeploy.LambdaDeploymentGroup(
            alias,
            "Release",
            application=self._application,
            role=self._role,
            alias=alias,
            deployment_group_name=self._deployment.resource_name(group.name),
            deployment_config=CANARY,
            alarms=[self._alarm(name) for name in alarms.list_release_alarms(group)],
            auto_rollback=codedeploy.AutoRollbackConfig(
                failed_deployment=True, stopped_deployment=True, deployment_in_alarm=True
            ),
        )

    def _alarm(self, name: str) -> cloudwatch.IAlarm:
        # By name: the alarms are in a stack that no other stack locks.
        if name not in self._alarms:
            id_ = f"Alarm-{name.replace('/', '-')}"
            found = cloudwatch.Alarm.from_alarm_name(self._stack, id_, self._deployment.resource_name(name))
            self._alarms[name] = found
        return self._alarms[name]
