"""How buckets are named, so that a stack that needs one need not import it from the stack that keeps it."""

from __future__ import annotations

from aws_cdk import Aws

from infra.stacks.deployment import Deployment


def name_of(deployment: Deployment, bucket: str) -> str:
    """The name of a bucket of the topology: those of all accounts and regions share one space."""
    return f"{deployment.name(bucket)}-{Aws.ACCOUNT_ID}-{Aws.REGION}"


def objects_of(deployment: Deployment, bucket: str) -> str:
    """The ARN of all objects of a bucket of the topology."""
    return f"arn:{Aws.PARTITION}:s3:::{name_of(deployment, bucket)}/*"


def finding(deployment: Deployment, bucket: str) -> str:
    """What cdk-nag calls a grant on them."""
    name = f"{deployment.name(bucket)}-<AWS::AccountId>-<AWS::Region>"
    return f"AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:s3:::{name}/*]"
