"""The names of buckets, so that a stack can use a bucket without importing it from the stack that has it."""

from __future__ import annotations

from aws_cdk import Aws

from infra.stacks.deployment import Deployment


def name_of(deployment: Deployment, bucket: str) -> str:
    """The name of a bucket of the topology. Bucket names must be unique over all accounts and regions."""
    return f"{deployment.resource_name(bucket)}-{Aws.ACCOUNT_ID}-{Aws.REGION}"


def arn_of(deployment: Deployment, bucket: str) -> str:
    """The ARN of a bucket of the topology."""
    return f"arn:{Aws.PARTITION}:s3:::{name_of(deployment, bucket)}"


def objects_of(deployment: Deployment, bucket: str) -> str:
    """The ARN of all objects of a bucket of the topology."""
    return f"arn:{Aws.PARTITION}:s3:::{name_of(deployment, bucket)}/*"


def finding(deployment: Deployment, bucket: str) -> str:
    """The id of cdk-nag's finding for a grant on all objects of a bucket."""
    name = f"{deployment.resource_name(bucket)}-<AWS::AccountId>-<AWS::Region>"
    return f"AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:s3:::{name}/*]"
