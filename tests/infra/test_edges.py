"""Every arrow from a service or a function to a resource has its right, and the walk notices a right that is gone."""

from __future__ import annotations

import copy

import pytest

from tests.infra.edges import MANAGED, Edge, Graph, kinds_of
from tests.infra.templates import Templates

#: Types with no arrow that needs a right in a template.
NO_ARROWS = {
    *("AWS::ApiGateway::Account", "AWS::ApiGateway::Deployment", "AWS::ApiGateway::DomainName"),
    *("AWS::ApiGateway::GatewayResponse", "AWS::ApiGateway::Resource", "AWS::ApiGateway::RestApi"),
    # API Gateway writes the access log with the role of `AWS::ApiGateway::Account`, which is AWS' own policy.
    *("AWS::ApiGateway::Stage", "AWS::ApiGatewayV2::ApiMapping"),
    *("AWS::CloudWatch::Dashboard", "AWS::Cognito::ManagedLoginBranding", "AWS::Cognito::UserPoolClient"),
    *("AWS::Cognito::UserPoolDomain", "AWS::DynamoDB::Table", "AWS::IAM::Role", "AWS::KMS::Key"),
    *("AWS::CodeDeploy::Application", "AWS::Lambda::LayerVersion", "AWS::Lambda::Permission", "AWS::Lambda::Version"),
    *("AWS::Logs::LogGroup", "AWS::S3::BucketPolicy", "AWS::SES::ConfigurationSet", "AWS::SES::EmailIdentity"),
    *("AWS::SES::ReceiptRuleSet", "AWS::SNS::Topic", "AWS::SNS::TopicPolicy", "AWS::SQS::Queue"),
    *("AWS::SQS::QueuePolicy", "AWS::SSM::Parameter", "AWS::SecretsManager::Secret"),
    # WAF gives itself the right to write to its log group when the configuration is made.
    *("AWS::WAFv2::LoggingConfiguration", "AWS::WAFv2::WebACL", "AWS::WAFv2::WebACLAssociation"),
}
WALKED = {
    *("AWS::ApiGateway::Method", "AWS::Budgets::Budget", "AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"),
    *(
        "AWS::CodeDeploy::DeploymentGroup",
        "AWS::Cognito::UserPool",
        "AWS::Events::Rule",
        "AWS::Lambda::Alias",
        "AWS::Lambda::EventInvokeConfig",
    ),
    *("AWS::Lambda::EventSourceMapping", "AWS::Lambda::Function", "AWS::S3::Bucket"),
    *("AWS::SES::ConfigurationSetEventDestination", "AWS::SES::ReceiptRule", "AWS::SNS::Subscription"),
}
KINDS = [
    ("cloudwatch.amazonaws.com", "sns:Publish"),
    ("budgets.amazonaws.com", "sns:Publish"),
    ("ses.amazonaws.com", "sns:Publish"),
    ("ses.amazonaws.com", "kms:GenerateDataKey"),
    ("ses.amazonaws.com", "s3:PutObject"),
    ("sns.amazonaws.com", "sqs:SendMessage"),
    ("events.amazonaws.com", "lambda:InvokeFunction"),
    ("apigateway.amazonaws.com", "lambda:InvokeFunction"),
    ("a role", "sqs:ReceiveMessage"),
    ("a role", "dynamodb:GetRecords"),
    ("a role", "sqs:SendMessage"),
    ("a role", "logs:PutLogEvents"),
    ("a role", "lambda:UpdateAlias"),
    ("a role", "cloudwatch:DescribeAlarms"),
]


def test_every_arrow_has_its_right(full_deployment: Templates, bare_deployment: Templates) -> None:
    for deployment in (full_deployment, bare_deployment):
        missing = [str(edge) for edge in Graph(deployment).missing()]
        assert not missing, f"allow these in infra/stacks, or they fail silently: {missing}"


def test_the_walk_knows_every_type_of_resource(full_deployment: Templates) -> None:
    made = {
        resource["Type"] for template in full_deployment.stacks.values() for resource in template["Resources"].values()
    }
    unknown = made - NO_ARROWS - WALKED
    assert not unknown, f"let tests/infra/edges.py follow the arrows of {unknown}, or list them in NO_ARROWS"


def test_the_walk_finds_every_kind_of_arrow(full_deployment: Templates) -> None:
    assert set(KINDS) <= kinds_of(Graph(full_deployment).edges()).keys()


@pytest.mark.parametrize(("who", "action"), KINDS)
def test_a_right_that_is_taken_away_is_missed(full_deployment: Templates, who: str, action: str) -> None:
    edge = kinds_of(Graph(full_deployment).edges())[who, action]
    without = take_away(full_deployment, edge)
    assert edge in Graph(without).missing()
    # Other arrows that share the statement are missed with it, and no arrow to another resource.
    assert {one.target for one in Graph(without).missing()} >= {edge.target}
    assert edge not in Graph(full_deployment).missing(), "the copy was changed alone"


def test_a_right_of_another_account_is_no_right(full_deployment: Templates) -> None:
    edge = kinds_of(Graph(full_deployment).edges())["cloudwatch.amazonaws.com", "sns:Publish"]
    other = duplicate(full_deployment)
    for _, statement in Graph(other).allowing(edge):
        statement["Condition"] = {"StringEquals": {"aws:SourceAccount": "444455556666"}}
    assert edge in Graph(other).missing()
    for _, policy in Graph(other).of("AWS::SNS::TopicPolicy"):
        for statement in policy["PolicyDocument"]["Statement"]:
            statement.pop("Condition", None)
    assert edge in Graph(other).missing(), "everybody's alarms could publish"


def take_away(deployment: Templates, edge: Edge) -> Templates:
    """A copy of the templates without the statements that allow an arrow."""
    without = duplicate(deployment)
    graph = Graph(without)
    for (stack, id_), statement in graph.allowing(edge):
        resource = without.stacks[stack]["Resources"][id_]
        if resource["Type"] == "AWS::Lambda::Permission":
            del without.stacks[stack]["Resources"][id_]
            continue
        properties = resource["Properties"]
        if statement in MANAGED.values():
            properties["ManagedPolicyArns"] = []
            continue
        documents = [properties.get("PolicyDocument"), properties.get("KeyPolicy")]
        documents += [policy["PolicyDocument"] for policy in properties.get("Policies", [])]
        for document in filter(None, documents):
            document["Statement"] = [one for one in document["Statement"] if one is not statement]
    return without


def duplicate(deployment: Templates) -> Templates:
    """A copy of the templates that a test may change."""
    made = Templates(deployment.assembly, deployment.stage)
    made.stacks = copy.deepcopy(deployment.stacks)
    return made
