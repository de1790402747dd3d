"""What is kept: the tables and the root secret. The stack may go, and they stay."""

from __future__ import annotations

from aws_cdk import RemovalPolicy, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra import topology
from infra.stacks.accepted import accept
from infra.stacks.deployment import Deployment


class Data(Stack):
    """The tables by their names in the topology, and the root secret."""

    def __init__(self, scope: Construct, deployment: Deployment) -> None:
        name = deployment.name("data")
        super().__init__(scope, name, stack_name=name, termination_protection=not deployment.local_engine)
        self.tables = {table.name: self._table(deployment, table) for table in topology.TABLES}
        self.root_secret = secretsmanager.Secret(
            self,
            "RootSecret",
            secret_name=f"switchboard/{deployment.stage}/root",
            description="What signed cursors and repeatable secrets are derived from",
            generate_secret_string=secretsmanager.SecretStringGenerator(password_length=64, exclude_punctuation=True),
            removal_policy=RemovalPolicy.RETAIN,
        )
        accept(
            self.root_secret,
            "AwsSolutions-SMG4",
            "A new root secret would break every cursor and every repeatable secret; it is replaced by hand only.",
        )

    def _table(self, deployment: Deployment, table: topology.Table) -> dynamodb.Table:
        made = dynamodb.Table(
            self,
            f"Table-{table.name}",
            table_name=deployment.name(table.name),
            partition_key=_key(table.keys[0]),
            sort_key=_key(table.keys[1]) if len(table.keys) > 1 else None,
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            encryption=dynamodb.TableEncryption.AWS_MANAGED,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=table.retained
            ),
            deletion_protection=table.retained,
            removal_policy=RemovalPolicy.RETAIN if table.retained else RemovalPolicy.DESTROY,
            stream=dynamodb.StreamViewType.NEW_IMAGE if table.stream else None,
            time_to_live_attribute=table.ttl,
        )
        for index in table.indexes:
            made.add_global_secondary_index(
                index_name=index, partition_key=_key(f"{index}pk"), sort_key=_key(f"{index}sk")
            )
        if not table.retained:
            accept(made, "AwsSolutions-DDB3", "It holds what expires within a day: there is nothing to restore.")
        return made


def _key(name: str) -> dynamodb.Attribute:
    return dynamodb.Attribute(name=name, type=dynamodb.AttributeType.STRING)
