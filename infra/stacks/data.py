"""The stored data: tables, buckets and the root secret. They stay when the stack is deleted (`keep_data`)."""

from __future__ import annotations

from aws_cdk import Aws, Duration, RemovalPolicy, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra import resources, topology
from infra.stacks import buckets
from infra.stacks.deployment import Deployment
from infra.stacks.findings import accept_finding

_EXPIRES = "All its items expire within a week. After a loss, people sign in again and clients retry."


class Data(Stack):
    """The tables by their names in the topology, the buckets, and the root secret."""

    def __init__(self, scope: Construct, deployment: Deployment) -> None:
        name = deployment.resource_name("data")
        super().__init__(scope, name, stack_name=name, termination_protection=deployment.is_protected)
        self.tables = {table.name: self._table(deployment, table) for table in topology.TABLES}
        for bucket in topology.BUCKETS:
            self._bucket(deployment, bucket)
        self.root_secret = secretsmanager.Secret(
            self,
            "RootSecret",
            secret_name=f"switchboard/{deployment.stage}/root",
            description="The secret from which signed cursors and repeatable secrets are derived",
            generate_secret_string=secretsmanager.SecretStringGenerator(password_length=64, exclude_punctuation=True),
            removal_policy=removal_of(deployment),
        )
        accept_finding(
            self.root_secret,
            "AwsSolutions-SMG4",
            "A new root secret would break every cursor and every repeatable secret. It is replaced by hand only.",
        )

    def _table(self, deployment: Deployment, table: resources.Table) -> dynamodb.Table:
        made = dynamodb.Table(
            self,
            f"Table-{table.name}",
            table_name=deployment.resource_name(table.name),
            partition_key=_key(table.keys[0]),
            sort_key=_key(table.keys[1]) if len(table.keys) > 1 else None,
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            encryption=dynamodb.TableEncryption.AWS_MANAGED,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=table.retained
            ),
            deletion_protection=table.retained and deployment.is_protected,
            removal_policy=removal_of(deployment) if table.retained else RemovalPolicy.DESTROY,
            stream=dynamodb.StreamViewType.NEW_IMAGE if table.stream else None,
            time_to_live_attribute=table.ttl,
        )
        for index in table.indexes:
            made.add_global_secondary_index(
                index_name=index,
                partition_key=_key(f"{index}pk"),
                sort_key=_key(f"{index}sk"),
                # A change that moves an object in no list then costs no index write.
                projection_type=dynamodb.ProjectionType.KEYS_ONLY,
            )
        if not table.retained:
            accept_finding(made, "AwsSolutions-DDB3", _EXPIRES)
        return made

    def _bucket(self, deployment: Deployment, bucket: resources.Bucket) -> None:
        made = s3.Bucket(
            self,
            f"Bucket-{bucket.name}",
            bucket_name=buckets.name_of(deployment, bucket.name),
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            removal_policy=removal_of(deployment),
            lifecycle_rules=[
                s3.LifecycleRule(
                    expiration=Duration.days(bucket.days) if bucket.days else None,
                    # Deletes the parts of an unfinished upload.
                    abort_incomplete_multipart_upload_after=Duration.days(1),
                )
            ],
        )
        accept_finding(
            made,
            "AwsSolutions-S1",
            "Only SES and few functions access it, and the functions log each mail and each file.",
        )
        if bucket.mail and deployment.mail_carrier == "ses":
            made.add_to_resource_policy(_written_by_ses(deployment, made, bucket.mail))


def removal_of(deployment: Deployment) -> RemovalPolicy:
    """Returns what happens to stored data when its stack is deleted.

    Kept data has a fixed name. If the first creation of the stack fails, CloudFormation must delete it: the next
    creation would find the name in use.
    """
    return RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE if deployment.keep_data else RemovalPolicy.DESTROY


def _written_by_ses(deployment: Deployment, bucket: s3.Bucket, prefix: str) -> iam.PolicyStatement:
    # The rule's name and not a reference: the rule is in a stack that is created after this one.
    rule_set, rule = deployment.receipt_rule
    account = f"arn:{Aws.PARTITION}:ses:{Aws.REGION}:{Aws.ACCOUNT_ID}"
    return iam.PolicyStatement(
        principals=[iam.ServicePrincipal("ses.amazonaws.com")],
        actions=["s3:PutObject"],
        resources=[bucket.arn_for_objects(f"{prefix}*")],
        conditions={
            "StringEquals": {
                "aws:SourceAccount": Aws.ACCOUNT_ID,
                "aws:SourceArn": f"{account}:receipt-rule-set/{rule_set}:receipt-rule/{rule}",
            }
        },
    )


def _key(name: str) -> dynamodb.Attribute:
    return dynamodb.Attribute(name=name, type=dynamodb.AttributeType.STRING)
