"""The settings by which code finds a deployment's resources."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from aws_cdk import Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_ssm as ssm

from infra import topology
from infra.stacks import buckets
from infra.stacks.deployment import Deployment
from infra.stacks.identity import Issuer
from switchboard.aws.deployment import parameter
from switchboard.aws.settings import env_key


@dataclass(frozen=True)
class Resources:
    """What functions are granted."""

    tables: Mapping[str, dynamodb.ITable]
    queues: Mapping[str, sqs.IQueue]
    root_secret: secretsmanager.ISecret
    issuer: Issuer | None


def of(
    deployment: Deployment,
    resources: Resources,
    *,
    tables: Iterable[str],
    queues: Iterable[str],
    reads_and_writes: Iterable[str],
    root_secret: bool,
    mail: bool,
    language_model: bool,
    transport: bool,
    sign_in: bool,
) -> dict[str, str]:
    """The environment of code that is granted these."""
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
    if root_secret:
        environment["SWITCHBOARD_ROOT_SECRET"] = resources.root_secret.secret_arn
    if mail:
        environment["SWITCHBOARD_MAIL_CARRIER"] = deployment.mail_carrier
        if deployment.mail_carrier == "ses":
            environment["SWITCHBOARD_SES_CONFIGURATION_SET"] = deployment.name("mail")
    if language_model and deployment.language_model:
        environment["SWITCHBOARD_LANGUAGE_MODEL"] = "bedrock"
        environment["SWITCHBOARD_BEDROCK_MODEL"] = deployment.language_model
    if transport and deployment.livekit_url:
        environment |= _livekit(deployment)
    if sign_in and resources.issuer:
        environment |= _issuer(resources.issuer)
    return environment


def _livekit(deployment: Deployment) -> dict[str, str]:
    found = {
        "SWITCHBOARD_ROLEPLAY_TRANSPORT": "livekit",
        "SWITCHBOARD_LIVEKIT_URL": deployment.livekit_url,
        "SWITCHBOARD_LIVEKIT_API_KEY": deployment.livekit_api_key,
        "SWITCHBOARD_LIVEKIT_SECRET": deployment.livekit_secret_arn,
        "SWITCHBOARD_LIVEKIT_AGENT": deployment.livekit_agent,
    }
    return {name: value for name, value in found.items() if value}


def _issuer(issuer: Issuer) -> dict[str, str]:
    found = {
        "SWITCHBOARD_OIDC_ISSUER": issuer.url,
        "SWITCHBOARD_OIDC_CLIENT_ID": issuer.client_id,
        "SWITCHBOARD_OIDC_CLIENT_SECRET": issuer.secret_arn,
    }
    return {name: value for name, value in found.items() if value}


def describe(stack: Stack, deployment: Deployment, resources: Resources) -> None:
    """Keep the deployment's description where the operator's commands look for it. It names secrets and holds none."""
    everything = of(
        deployment,
        resources,
        tables=resources.tables,
        queues=resources.queues,
        reads_and_writes=[bucket.name for bucket in topology.BUCKETS],
        root_secret=True,
        mail=True,
        language_model=True,
        transport=True,
        sign_in=True,
    )
    ssm.StringParameter(
        stack,
        "Settings",
        parameter_name=parameter(deployment.stage),
        description="The settings of this deployment, for the switchboard command",
        # 4 KB are enough for some twenty queues, and more than that is asked for when it is needed.
        tier=ssm.ParameterTier.INTELLIGENT_TIERING,
        string_value=stack.to_json_string(everything),
    )
