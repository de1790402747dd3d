"""Empties the buckets of a stage whose data is not kept."""

from __future__ import annotations

import boto3
from botocore.exceptions import ClientError

from infra import topology
from infra.stacks.deployment import Deployment


def empty_buckets(deployment: Deployment) -> None:
    """Delete every object of the deployment's buckets. A bucket that does not exist is left out."""
    s3 = boto3.client("s3")
    account, region = boto3.client("sts").get_caller_identity()["Account"], s3.meta.region_name
    for bucket in topology.BUCKETS:
        name = f"{deployment.resource_name(bucket.name)}-{account}-{region}"
        try:
            for page in s3.get_paginator("list_objects_v2").paginate(Bucket=name):
                found = [{"Key": one["Key"]} for one in page.get("Contents", ())]
                if found:
                    s3.delete_objects(Bucket=name, Delete={"Objects": found, "Quiet": True})
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchBucket":
                raise
