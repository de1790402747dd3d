"""The environment variables with which code finds a deployment's resources."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from aws_cdk import Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_ssm as ssm

from infra import topology
from infra.code_settings import check_settings
from infra.resources import Grant
from infra.stacks import buckets
from infra.stacks.deployment import Deployment
from infra.stacks.grants import names_of_settings, settings_of
from infra.stacks.identity import Issuer
from switchboard.aws.deployment import parameter_name
from switchboard.kit.settings import PREFIX, env_key


@dataclass(frozen=True)
class Resources:
    """The resources that functions may be granted."""

    tables: Mapping[str, dynamodb.ITable]
    queues: Mapping[str, sqs.IQueue]
    root_secret: secretsmanager.ISecret
    issuer: Issuer | None


def environment_of(
    deployment: Deployment,
    resources: Resources,
    *,
    tables: Iterable[str],
    queues: Iterable[str],
    reads_and_writes: Iterable[str],
    grants: Iterable[Grant],
) -> dict[str, str]:
    """The environment of code with access to these tables, queues, buckets and grants."""
    environment = {
        "SWITCHBOARD_STAGE": deployment.stage,
        "SWITCHBOARD_AGENTS_DOMAIN": deployment.agents_domain,
        "SWITCHBOARD_PLATFORM_SENDER": deployment.platform_sender,
    }
    if deployment.public_url:
        environment["SWITCHBOARD_PUBLIC_URL"] = deployment.public_url
    environment |= {env_key("TABLE", name): resources.tables[name].table_name for name in tables}
    environment |= {env_key("QUEUE", name): resources.queues[name].queue_url for name in queues}
    environment |= {env_key("BUCKET", name): buckets.name_of(deployment, name) for name in reads_and_writes}
    return environment | settings_of(grants, deployment, resources)


def check_own_settings(deployment: Deployment, resources: Resources) -> None:
    """Raise WrongSettingError for a setting of the context that no code reads, or that the stacks make."""
    made = environment_of(deployment, resources, tables=(), queues=(), reads_and_writes=(), grants=Grant)
    named = {name.removeprefix(PREFIX) for name in made} | {"PUBLIC_URL"}
    check_settings(deployment.settings, names_of_settings(deployment, resources) | named)


def store_settings(stack: Stack, deployment: Deployment, resources: Resources) -> None:
    """Store the deployment's settings where the operator's commands find them. They name secrets and contain none."""
    everything = environment_of(
        deployment,
        resources,
        tables=resources.tables,
        queues=resources.queues,
        reads_and_writes=[bucket.name for bucket in topology.BUCKETS],
        grants=Grant,
    )
    ssm.StringParameter(
        stack,
        "Settings",
        parameter_name=parameter_name(deployment.stage),
        description="The settings of this deployment, for the switchboard command",
        # 4 KB are enough for about twenty queues. This tier becomes larger when it is necessary.
        tier=ssm.ParameterTier.INTELLIGENT_TIERING,
        string_value=stack.to_json_string(everything),
    )
