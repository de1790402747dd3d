"""A Lambda function of the topology: its code, its environment, and a role with exactly the topology's rights."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from aws_cdk import Aws, Duration, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra import alarms, topology
from infra.build import Assets
from infra.resources import MAIL_EVENTS, OBJECT_ACTIONS, TABLE_ACTIONS, Function, Grant, Group
from infra.stacks import buckets, grants, settings
from infra.stacks.deployment import Deployment
from infra.stacks.findings import accept_finding
from infra.stacks.settings import Resources
from switchboard.kit.settings import PREFIX

#: `topology.LOGS_DAYS` as a CDK value.
RETENTION = logs.RetentionDays.THREE_MONTHS

#: The Lambda Web Adapter, which AWS publishes in every commercial region, and its settings. Lambda's managed Python
#: cannot stream a response, so the adapter connects Lambda with an ASGI server.
_ADAPTER = "753240598075:layer:LambdaAdapterLayerArm64:26"
_ADAPTED = {
    "AWS_LAMBDA_EXEC_WRAPPER": "/opt/bootstrap",
    "AWS_LWA_INVOKE_MODE": "response_stream",
    "AWS_LWA_PORT": "8080",
    # A readiness check by HTTP would be handled, counted and logged like a request.
    "AWS_LWA_READINESS_CHECK_PROTOCOL": "tcp",
}

#: The finding of cdk-nag for `grants.transcription_jobs`.
_JOBS = (
    grants.transcription_jobs()
    .replace(Aws.PARTITION, "<AWS::Partition>")
    .replace(Aws.REGION, "<AWS::Region>")
    .replace(Aws.ACCOUNT_ID, "<AWS::AccountId>")
)


class Functions:
    """Makes the functions of a stack."""

    def __init__(self, stack: Stack, deployment: Deployment, resources: Resources, assets: Assets) -> None:
        self._stack, self._deployment, self._resources, self._assets = stack, deployment, resources, assets
        # Each stack has its own layer versions: a version that other stacks import could never be replaced.
        self._layers = [
            self._layer("switchboard", "The domain, shared by every function"),
            self._layer("dependencies", "The domain's dependencies"),
        ]

    def make_function(self, function: Function, *trigger: iam.PolicyStatement) -> lambda_.Function:
        """Make a function. `trigger` has the rights that its trigger needs in addition to the topology's."""
        scope = Construct(self._stack, function.name.replace("/", "-"))
        name = self._deployment.resource_name(function.name)
        streams = self.is_streamed(function)
        log_group = log_group_of(scope, f"/aws/lambda/{name}")
        role = self._role(scope, function, [_logging(log_group), _tracing(), *trigger])
        made = lambda_.Function(
            scope,
            "Function",
            function_name=name,
            code=lambda_.Code.from_asset(str(self._assets.functions[function.name])),
            handler=(
                f"functions/{function.name}/run.sh"
                if streams
                else f"functions.{function.name.replace('/', '.')}.handler.handler"
            ),
            layers=[*self._layers, self._adapter] if streams else self._layers,
            runtime=lambda_.Runtime.PYTHON_3_13,
            architecture=lambda_.Architecture.ARM_64,
            memory_size=function.memory,
            timeout=Duration.seconds(function.seconds),
            snap_start=lambda_.SnapStartConf.ON_PUBLISHED_VERSIONS if self._has_snapshot(function) else None,
            tracing=lambda_.Tracing.ACTIVE,
            logging_format=lambda_.LoggingFormat.JSON,
            log_group=log_group,
            reserved_concurrent_executions=function.reserved if self._deployment.reserved_concurrency == "on" else None,
            environment=self._environment(function) | (_ADAPTED if streams else {}),
            # The role is complete: the CDK must add nothing to it.
            role=role.without_policy_updates(),
            recursive_loop=lambda_.RecursiveLoop.ALLOW if topology.feeds_itself(function) else None,
        )
        if self._has_snapshot(function):
            accept_finding(
                made, "@aws-cdk/aws-lambda:snapStartRequirePublish", "Callers use the alias of its latest version."
            )
        accept_finding(made, "AwsSolutions-L1", "The dependencies are locked, built and measured for Python 3.13.")
        return made

    def publish(self, made: lambda_.Function) -> lambda_.IFunction:
        """Returns what a function's callers and event sources call: in production, the alias of its latest version.

        Resources that refer to it keep their logical ids, so they change in place when the tier changes.
        """
        if not self._deployment.has_aliases:
            return made
        return lambda_.Alias(made, "Live", alias_name=alarms.ALIAS, version=made.current_version)

    def _has_snapshot(self, function: Function) -> bool:
        # A snapshot costs money as long as it is there, also if nobody uses the function.
        return function.snapstart and self._deployment.is_production

    def is_streamed(self, function: Function) -> bool:
        """Whether a function's responses are streamed."""
        streaming = isinstance(function, Group) and function.streaming
        return streaming and self._deployment.has_feature("response_streaming")

    @cached_property
    def _adapter(self) -> lambda_.ILayerVersion:
        arn = f"arn:{Aws.PARTITION}:lambda:{Aws.REGION}:{_ADAPTER}"
        return lambda_.LayerVersion.from_layer_version_arn(self._stack, "Layer-adapter", arn)

    def _layer(self, name: str, description: str) -> lambda_.LayerVersion:
        return lambda_.LayerVersion(
            self._stack,
            f"Layer-{name}",
            description=description,
            code=lambda_.Code.from_asset(str(getattr(self._assets, "layer" if name == "switchboard" else name))),
            compatible_runtimes=[lambda_.Runtime.PYTHON_3_13],
            compatible_architectures=[lambda_.Architecture.ARM_64],
        )

    def _environment(self, function: Function) -> dict[str, str]:
        granted = settings.environment_of(
            self._deployment,
            self._resources,
            tables=function.tables,
            queues=dict.fromkeys((*self._sent_queues(function), *_source(function))),
            reads_and_writes=function.buckets,
            grants=function.grants,
        )
        # The context goes over the topology.
        own = function.settings | dict(self._deployment.settings)
        return granted | {f"{PREFIX}{name}": value for name, value in own.items()}

    def _sent_queues(self, function: Function) -> tuple[str, ...]:
        # The mail simulator reports through the same queue as SES.
        simulated = Grant.MAIL in function.grants and self._deployment.mail_carrier == "simulator"
        return (*function.sends, MAIL_EVENTS) if simulated else function.sends

    def _role(self, scope: Construct, function: Function, statements: Iterable[iam.PolicyStatement]) -> iam.Role:
        role = iam.Role(
            scope,
            "Role",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            inline_policies={
                "topology": iam.PolicyDocument(statements=[*statements, *self._grant_statements(function)]),
            },
        )
        accept_finding(role, "AwsSolutions-IAM5[Resource::*]", "X-Ray's write actions take no resource.")
        for name in function.buckets:
            finding = buckets.finding(self._deployment, name)
            accept_finding(role, finding, "The names of the bucket's objects are not known beforehand.")
        if Grant.SPEECH in function.grants:
            accept_finding(role, f"AwsSolutions-IAM5[Resource::{_JOBS}]", "The names of jobs are not known beforehand.")
        for arn in self._model_arns(function):
            if "*" in arn:
                finding = arn.replace(Aws.PARTITION, "<AWS::Partition>")
                accept_finding(
                    role, f"AwsSolutions-IAM5[Resource::{finding}]", "The inference profile chooses the region."
                )
        return role

    def _grant_statements(self, function: Function) -> Iterable[iam.PolicyStatement]:
        for name, access in function.tables.items():
            arn = self._resources.tables[name].table_arn
            yield iam.PolicyStatement(
                actions=sorted({f"dynamodb:{action}" for kind in access for action in TABLE_ACTIONS[kind]}),
                resources=[arn],
            )
            indexes = topology.table(name).indexes
            if indexes and "read" in access:
                yield iam.PolicyStatement(
                    actions=["dynamodb:Query"], resources=[f"{arn}/index/{index}" for index in indexes]
                )
        for name, access in function.buckets.items():
            if "list" in access:
                yield iam.PolicyStatement(actions=["s3:ListBucket"], resources=[buckets.arn_of(self._deployment, name)])
            yield iam.PolicyStatement(
                actions=sorted(f"s3:{action}" for kind in access for action in OBJECT_ACTIONS.get(kind, ())),
                resources=[buckets.objects_of(self._deployment, name)],
            )
        for name in self._sent_queues(function):
            yield iam.PolicyStatement(actions=["sqs:SendMessage"], resources=[self._resources.queues[name].queue_arn])
        yield from grants.statements_of(function.grants, self._deployment, self._resources)

    def _model_arns(self, function: Function) -> list[str]:
        model = self._deployment.language_model
        return grants.model_arns(model) if model and Grant.LANGUAGE_MODEL in function.grants else []


def _source(function: Function) -> tuple[str, ...]:
    """The queue that starts a function. The function needs its URL to return failed messages."""
    queue = getattr(function, "queue", None)
    return (queue,) if queue else ()


def log_group_of(scope: Construct, name: str) -> logs.LogGroup:
    """A log group with a fixed name. Without it, Lambda would create a log group that keeps logs forever."""
    return logs.LogGroup(scope, "Logs", log_group_name=name, retention=RETENTION, removal_policy=RemovalPolicy.DESTROY)


def _logging(log_group: logs.LogGroup) -> iam.PolicyStatement:
    return iam.PolicyStatement(
        actions=["logs:CreateLogStream", "logs:PutLogEvents"], resources=[log_group.log_group_arn]
    )


def _tracing() -> iam.PolicyStatement:
    return iam.PolicyStatement(actions=["xray:PutTelemetryRecords", "xray:PutTraceSegments"], resources=["*"])
