"""The arrows of a synthesis: a service or a function that uses a resource, and the policy that must allow it.

AWS checks none of them when it deploys. An arrow without a right fails later and often silently: an alarm without the
right to publish notifies nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.infra.templates import Templates

#: A resource: its stack and its logical id.
Place = tuple[str, str]
#: Conditions that bind a service to this account or to the resource that uses it.
_BINDING = {"aws:sourceaccount", "aws:sourcearn"}
_POLL = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
_MOVE = ("lambda:UpdateAlias", "lambda:GetAlias")
_FOLLOW = ("dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator")
#: The actions that AWS' own policies allow, as far as the walk asks for them.
MANAGED: dict[str, dict[str, Any]] = {
    "AWSCodeDeployRoleForLambdaLimited": {
        "Effect": "Allow",
        "Action": ["cloudwatch:DescribeAlarms", "lambda:UpdateAlias", "lambda:GetAlias"],
        "Resource": "*",
    }
}


@dataclass(frozen=True)
class Edge:
    """`source` uses `target` with `action`, as a service (`who` is its principal) or with the role of `who`."""

    source: Place
    action: str
    target: Place
    who: str | Place

    def __str__(self) -> str:
        return f"{self.source[1]} → {self.target[1]} ({self.action} by {self.who})"


class Graph:
    """The resources of a synthesis, the references between them, and the rights."""

    def __init__(self, templates: Templates) -> None:
        self.templates = templates
        self._resources: dict[Place, dict[str, Any]] = {
            (stack, id_): resource
            for stack, template in templates.stacks.items()
            for id_, resource in template["Resources"].items()
        }

    def of(self, *kinds: str) -> Iterator[tuple[Place, dict[str, Any]]]:
        """Yields the resources of some types with their raw properties."""
        for place, resource in self._resources.items():
            if resource["Type"] in kinds:
                yield place, resource.get("Properties", {})

    def places(self, stack: str, value: Any) -> set[Place]:
        """Returns the resources that a value refers to, also in other stacks."""
        match value:
            case {"Ref": str(target)}:
                return {(stack, target)} & self._resources.keys()
            case {"Fn::GetAtt": [str(target), _]}:
                return {(stack, target)} & self._resources.keys()
            case {"Fn::GetStackOutput": {"StackName": str(producer), "OutputName": str(output)}}:
                return self.places(producer, self.templates.stacks[producer]["Outputs"][output]["Value"])
            case {"Fn::ImportValue": str(export)}:
                return self.places(*self.templates._exports[export])
            case dict():
                return set().union(*(self.places(stack, part) for part in value.values()))
            case list():
                return set().union(*(self.places(stack, part) for part in value))
        return set()

    def edges(self) -> Iterator[Edge]:
        """Yields every arrow."""
        yield from self._to_topics()
        yield from self._from_mail()
        yield from self._from_topics()
        yield from self._to_functions()
        yield from self._of_functions()
        yield from self._of_releases()

    def missing(self) -> list[Edge]:
        """Returns the arrows that no policy allows."""
        return [edge for edge in self.edges() if not self.allowing(edge)]

    def allowing(self, edge: Edge) -> list[tuple[Place, dict[str, Any]]]:
        """Returns the statements that allow an arrow, with the resources that have them."""
        found = self._of_role(edge.who) if isinstance(edge.who, tuple) else self._on_target(edge.target)
        return [(place, statement) for place, statement in found if self._allows(place[0], statement, edge)]

    def _to_topics(self) -> Iterator[Edge]:
        for place, alarm in self.of("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"):
            actions = [alarm.get(f"{name}Actions", []) for name in ("Alarm", "OK", "InsufficientData")]
            yield from self._published(place, actions, "cloudwatch.amazonaws.com")
        for place, budget in self.of("AWS::Budgets::Budget"):
            yield from self._published(place, budget.get("NotificationsWithSubscribers"), "budgets.amazonaws.com")
        for place, destination in self.of("AWS::SES::ConfigurationSetEventDestination"):
            topics = destination["EventDestination"].get("SnsDestination")
            (configuration,) = self.places(place[0], destination["ConfigurationSetName"])
            yield from self._published(configuration, topics, "ses.amazonaws.com")

    def _from_mail(self) -> Iterator[Edge]:
        buckets = {
            str(self.templates.resolve(place[0], bucket["BucketName"])): place
            for place, bucket in self.of("AWS::S3::Bucket")
        }
        for place, rule in self.of("AWS::SES::ReceiptRule"):
            yield from self._published(place, rule, "ses.amazonaws.com")
            for action in rule["Rule"]["Actions"]:
                name = str(self.templates.resolve(place[0], action["S3Action"]["BucketName"]))
                yield Edge(place, "s3:PutObject", buckets[name], "ses.amazonaws.com")

    def _published(self, source: Place, value: Any, who: str) -> Iterator[Edge]:
        for target in sorted(self.places(source[0], value)):
            if self._resources[target]["Type"] == "AWS::SNS::Topic":
                yield Edge(source, "sns:Publish", target, who)
                for key in self.places(target[0], self._properties(target).get("KmsMasterKeyId")):
                    yield Edge(source, "kms:GenerateDataKey", key, who)
                    yield Edge(source, "kms:Decrypt", key, who)

    def _from_topics(self) -> Iterator[Edge]:
        for place, subscription in self.of("AWS::SNS::Subscription"):
            (topic,) = self.places(place[0], subscription["TopicArn"])
            for target in self.places(place[0], subscription.get("Endpoint")):
                action = "sqs:SendMessage" if subscription["Protocol"] == "sqs" else "lambda:InvokeFunction"
                yield Edge(topic, action, target, "sns.amazonaws.com")
        for place, bucket in self.of("AWS::S3::Bucket"):
            for target in self.places(place[0], bucket.get("NotificationConfiguration")):
                kind = self._resources[target]["Type"]
                action = {"AWS::SNS::Topic": "sns:Publish", "AWS::SQS::Queue": "sqs:SendMessage"}.get(kind)
                yield Edge(place, action or "lambda:InvokeFunction", target, "s3.amazonaws.com")

    def _to_functions(self) -> Iterator[Edge]:
        for place, rule in self.of("AWS::Events::Rule"):
            for target in self.places(place[0], [one["Arn"] for one in rule["Targets"]]):
                queue = self._resources[target]["Type"] == "AWS::SQS::Queue"
                action = "sqs:SendMessage" if queue else "lambda:InvokeFunction"
                yield Edge(place, action, target, "events.amazonaws.com")
        seen = set()
        for place, method in self.of("AWS::ApiGateway::Method"):
            (api,) = self.places(place[0], method["RestApiId"])
            for target in self.places(place[0], method["Integration"].get("Uri")):
                edge = Edge(api, "lambda:InvokeFunction", target, "apigateway.amazonaws.com")
                if edge not in seen:
                    seen.add(edge)
                    yield edge
        for place, pool in self.of("AWS::Cognito::UserPool"):
            for target in self.places(place[0], pool.get("LambdaConfig")):
                yield Edge(place, "lambda:InvokeFunction", target, "cognito-idp.amazonaws.com")

    def _of_functions(self) -> Iterator[Edge]:
        for place, mapping in self.of("AWS::Lambda::EventSourceMapping"):
            function = self._function(next(iter(self.places(place[0], mapping["FunctionName"]))))
            (source,) = self.places(place[0], mapping["EventSourceArn"])
            for action in _POLL if self._resources[source]["Type"] == "AWS::SQS::Queue" else _FOLLOW:
                yield Edge(place, action, source, function)
            for target in self.places(place[0], mapping.get("DestinationConfig")):
                yield Edge(place, "sqs:SendMessage", target, function)
        for place, function_ in self.of("AWS::Lambda::Function"):
            for group in self.places(place[0], function_.get("LoggingConfig")):
                yield Edge(place, "logs:PutLogEvents", group, place)
        for place, invoked in self.of("AWS::Lambda::EventInvokeConfig"):
            (function,) = self.places(place[0], invoked["FunctionName"])
            for target in self.places(place[0], invoked.get("DestinationConfig")):
                yield Edge(place, "sqs:SendMessage", target, self._function(function))

    def _of_releases(self) -> Iterator[Edge]:
        alarms = {str(alarm["AlarmName"]): place for place, alarm in self.of("AWS::CloudWatch::Alarm")}
        for place, _ in self.of("AWS::Lambda::Alias"):
            policy = self._resources[place].get("UpdatePolicy", {}).get("CodeDeployLambdaAliasUpdate", {})
            for group in self.places(place[0], policy.get("DeploymentGroupName")):
                yield from (Edge(group, action, place, group) for action in _MOVE)
        for place, group_ in self.of("AWS::CodeDeploy::DeploymentGroup"):
            for alarm in group_["AlarmConfiguration"]["Alarms"]:
                yield Edge(place, "cloudwatch:DescribeAlarms", alarms[alarm["Name"]], place)

    def _function(self, place: Place) -> Place:
        """Returns the function of an alias, and a function itself."""
        while self._resources[place]["Type"] != "AWS::Lambda::Function":
            (place,) = self.places(place[0], self._properties(place)["FunctionName"])
        return place

    def _properties(self, place: Place) -> dict[str, Any]:
        found: dict[str, Any] = self._resources[place].get("Properties", {})
        return found

    def _on_target(self, target: Place) -> Iterator[tuple[Place, dict[str, Any]]]:
        """Yields the statements on a resource itself: of its policy, its permissions or its key."""
        for kind, field in (
            ("AWS::SNS::Topic", "Topics"),
            ("AWS::SQS::Queue", "Queues"),
            ("AWS::S3::Bucket", "Bucket"),
        ):
            for place, policy in self.of(f"{kind}Policy"):
                if target in self.places(place[0], policy[field]):
                    yield from ((place, statement) for statement in policy["PolicyDocument"]["Statement"])
        for place, permission in self.of("AWS::Lambda::Permission"):
            if target in self.places(place[0], permission["FunctionName"]):
                yield place, _as_statement(permission)
        for statement in self._properties(target).get("KeyPolicy", {}).get("Statement", []):
            yield target, statement

    def _of_role(self, user: Place) -> Iterator[tuple[Place, dict[str, Any]]]:
        properties = self._properties(user)
        release = self._resources[user]["Type"] == "AWS::CodeDeploy::DeploymentGroup"
        service = "codedeploy.amazonaws.com" if release else "lambda.amazonaws.com"
        for role in self.places(user[0], properties["ServiceRoleArn" if release else "Role"]):
            trusted = self._properties(role)["AssumeRolePolicyDocument"]["Statement"]
            if {"Service": service} not in [one["Principal"] for one in trusted]:
                continue
            for arn in self._properties(role).get("ManagedPolicyArns", []):
                name = str(self.templates.resolve(role[0], arn)).rpartition("/")[2]
                if name in MANAGED:
                    yield role, MANAGED[name]
            for policy in self._properties(role).get("Policies", []):
                yield from ((role, statement) for statement in policy["PolicyDocument"]["Statement"])

    def _allows(self, stack: str, statement: dict[str, Any], edge: Edge) -> bool:
        if statement["Effect"] != "Allow" or not _has_action(statement, edge.action):
            return False
        if not (statement["Resource"] == "*" or edge.target in self.places(stack, statement["Resource"])):
            return False
        if isinstance(edge.who, tuple):
            return True
        principals = statement["Principal"].get("Service", []) if isinstance(statement["Principal"], dict) else []
        return edge.who in _as_list(principals) and self._binds(stack, statement, edge)

    def _binds(self, stack: str, statement: dict[str, Any], edge: Edge) -> bool:
        """Whether the conditions hold for the arrow, and at least one keeps other accounts out."""
        keys: set[str] = set()
        for tests in statement.get("Condition", {}).values():
            for key, value in tests.items():
                keys.add(key.lower())
                text = str(self.templates.resolve(stack, value))
                if key.lower() == "aws:sourceaccount" and text != "AccountId":
                    return False
                if key.lower() == "aws:sourcearn" and not self._is_source(stack, value, text, edge.source):
                    return False
        return bool(keys) and keys <= _BINDING

    def _is_source(self, stack: str, value: Any, text: str, source: Place) -> bool:
        if self.places(stack, value):
            return source in self.places(stack, value)
        properties = self._properties(source)
        names = [properties.get("AlarmName"), properties.get("Rule", {}).get("Name")]
        last = text.replace("/", ":").rpartition(":")[2]
        return any(name == last or (last.endswith("*") and str(name).startswith(last[:-1])) for name in names if name)


def _as_statement(permission: dict[str, Any]) -> dict[str, Any]:
    """Returns a permission of a function in the form of a statement."""
    conditions = {f"aws:{name}": permission[name] for name in ("SourceArn", "SourceAccount") if name in permission}
    return {
        "Effect": "Allow",
        "Action": permission["Action"],
        "Resource": permission["FunctionName"],
        "Principal": {"Service": permission["Principal"]},
        "Condition": {"ArnLike": conditions},
    }


def _has_action(statement: dict[str, Any], action: str) -> bool:
    allowed = _as_list(statement["Action"])
    return any(one == action or (one.endswith("*") and action.startswith(one[:-1])) for one in allowed)


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def kinds_of(edges: Iterable[Edge]) -> dict[tuple[str, str], Edge]:
    """Returns one arrow of each kind: the principal, and the action."""
    return {(edge.who if isinstance(edge.who, str) else "a role", edge.action): edge for edge in edges}
