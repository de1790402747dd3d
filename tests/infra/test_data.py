"""The tables, the buckets and the root secret."""

from __future__ import annotations

from typing import Any

import pytest

from infra import resources, topology
from tests.infra.templates import Templates
from tests.infra.test_functions import bucket_name

#: The policies of kept data: the creation that failed deletes it, because the next one needs its name.
KEPT = ("RetainExceptOnCreate", "Retain")
tables = pytest.mark.parametrize("table", [pytest.param(table, id=table.name) for table in topology.TABLES])

buckets = pytest.mark.parametrize("bucket", [pytest.param(made, id=made.name) for made in topology.BUCKETS])


@tables
def test_a_table_has_the_keys_and_indexes_of_the_topology(full_deployment: Templates, table: resources.Table) -> None:
    made = full_deployment.one("AWS::DynamoDB::Table", TableName=full_deployment.name(table.name))
    assert _schema(made["KeySchema"]) == table.keys
    assert {index["IndexName"]: _schema(index["KeySchema"]) for index in made.get("GlobalSecondaryIndexes", [])} == {
        name: (f"{name}pk", f"{name}sk") for name in table.indexes
    }
    # A change that keeps an object's place in its lists must not write to an index.
    assert {index["Projection"]["ProjectionType"] for index in made.get("GlobalSecondaryIndexes", [])} <= {"KEYS_ONLY"}
    assert {attribute["AttributeType"] for attribute in made["AttributeDefinitions"]} == {"S"}


@tables
def test_a_table_is_billed_per_request_and_encrypted(full_deployment: Templates, table: resources.Table) -> None:
    made = full_deployment.one("AWS::DynamoDB::Table", TableName=full_deployment.name(table.name))
    assert made["BillingMode"] == "PAY_PER_REQUEST"
    assert made["SSESpecification"] == {"SSEEnabled": True}


@tables
def test_data_that_cannot_be_rebuilt_is_retained(full_deployment: Templates, table: resources.Table) -> None:
    made = full_deployment.one("AWS::DynamoDB::Table", TableName=full_deployment.name(table.name))
    assert made["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": table.retained}
    assert made.get("DeletionProtectionEnabled", False) is table.retained
    expected = KEPT if table.retained else ("Delete", "Delete")
    assert (made["resource"]["DeletionPolicy"], made["resource"]["UpdateReplacePolicy"]) == expected


@tables
def test_a_table_expires_and_streams_as_the_topology_says(full_deployment: Templates, table: resources.Table) -> None:
    made = full_deployment.one("AWS::DynamoDB::Table", TableName=full_deployment.name(table.name))
    ttl = {"AttributeName": table.ttl, "Enabled": True} if table.ttl else None
    assert made.get("TimeToLiveSpecification") == ttl
    assert made.get("StreamSpecification") == ({"StreamViewType": "NEW_IMAGE"} if table.stream else None)


def test_there_is_no_other_table(full_deployment: Templates) -> None:
    made = {made["TableName"] for made in full_deployment.all("AWS::DynamoDB::Table")}
    other = made - {full_deployment.name(table.name) for table in topology.TABLES}
    assert not other, f"add {sorted(other)} to TABLES in infra/topology.py: infra/stacks makes tables from there only"


@buckets
def test_a_bucket_is_private_encrypted_and_kept(full_deployment: Templates, bucket: resources.Bucket) -> None:
    made = full_deployment.one("AWS::S3::Bucket", BucketName=bucket_name(full_deployment, bucket.name))
    assert set(made["PublicAccessBlockConfiguration"].values()) == {True}
    (rule,) = made["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    assert made["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    assert made["resource"]["DeletionPolicy"] == KEPT[0]
    denied = policy_statements(full_deployment, bucket)[0]
    assert (denied["Effect"], denied["Action"]) == ("Deny", "s3:*")
    assert denied["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


@buckets
def test_a_bucket_expires_objects_as_the_topology_says(full_deployment: Templates, bucket: resources.Bucket) -> None:
    made = full_deployment.one("AWS::S3::Bucket", BucketName=bucket_name(full_deployment, bucket.name))
    (rule,) = made["LifecycleConfiguration"]["Rules"]
    assert (rule["Status"], rule.get("ExpirationInDays")) == ("Enabled", bucket.days)
    # Parts of unfinished uploads.
    assert rule["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 1}


@buckets
def test_only_ses_writes_into_a_bucket_from_outside_and_only_by_its_rule(
    full_deployment: Templates, bare_deployment: Templates, bucket: resources.Bucket
) -> None:
    assert len(policy_statements(bare_deployment, bucket)) == 1
    others = policy_statements(full_deployment, bucket)[1:]
    if not bucket.mail:
        assert not others
        return
    (allowed,) = others
    assert (allowed["Effect"], allowed["Action"]) == ("Allow", "s3:PutObject")
    assert allowed["Principal"] == {"Service": "ses.amazonaws.com"}
    assert allowed["Resource"].endswith(f"/{bucket.mail}*")
    rule = f"receipt-rule-set/{full_deployment.name('mail')}:receipt-rule/{full_deployment.name('inbound')}"
    assert allowed["Condition"] == {
        "StringEquals": {
            "aws:SourceAccount": "AccountId",
            "aws:SourceArn": f"arn:Partition:ses:Region:AccountId:{rule}",
        }
    }


def policy_statements(templates: Templates, bucket: resources.Bucket) -> list[dict[str, Any]]:
    """The statements of a bucket's policy."""
    id_ = templates.one("AWS::S3::Bucket", BucketName=bucket_name(templates, bucket.name))["id"]
    statements: list[dict[str, Any]] = templates.one("AWS::S3::BucketPolicy", Bucket=id_)["PolicyDocument"]["Statement"]
    return statements


def test_there_is_no_other_bucket(full_deployment: Templates) -> None:
    made = len(list(full_deployment.all("AWS::S3::Bucket")))
    assert made == len(topology.BUCKETS), "add the bucket to BUCKETS in infra/topology.py: infra/stacks reads it there"


def test_the_root_secret_is_generated_and_kept(full_deployment: Templates) -> None:
    secret = full_deployment.one("AWS::SecretsManager::Secret")
    assert secret["Name"] == "switchboard/test/root"
    assert secret["GenerateSecretString"]["PasswordLength"] == 64
    assert "SecretString" not in secret
    assert secret["resource"]["DeletionPolicy"] == KEPT[0]


def test_the_stack_that_keeps_data_is_not_deleted_by_accident(full_deployment: Templates) -> None:
    assert full_deployment.artifacts[full_deployment.name("data")]["properties"]["terminationProtection"] is True


def _schema(keys: list[dict[str, str]]) -> tuple[str, ...]:
    return tuple(key["AttributeName"] for key in sorted(keys, key=lambda key: key["KeyType"]))
