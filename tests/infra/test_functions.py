"""The functions: code, environment, logs, and a role with exactly the rights of the topology."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from infra import resources, topology
from infra.stacks import grants as grant_rows
from tests.infra.conftest import FULL
from tests.infra.templates import Templates

functions = pytest.mark.parametrize("function", [pytest.param(made, id=made.name) for made in topology.FUNCTIONS])

Grant = tuple[str, str]
_READ = ("BatchGetItem", "ConditionCheckItem", "GetItem", "Query")
_WRITE = ("BatchWriteItem", "ConditionCheckItem", "DeleteItem", "PutItem", "UpdateItem")
_IDENTITY = "arn:Partition:ses:Region:AccountId:identity"


@pytest.mark.parametrize("area", ["us", "jp", "au", "ca", "us-gov", "apac", "global"])
def test_an_inference_profile_of_each_area_needs_its_models(area: str) -> None:
    profile, model = grant_rows.model_arns(f"{area}.anthropic.claude-v1:0")
    assert profile.endswith(f":inference-profile/{area}.anthropic.claude-v1:0")
    assert model.endswith("::foundation-model/anthropic.claude-v1:0")
    assert grant_rows.model_arns("anthropic.claude-v1:0")[0].endswith("::foundation-model/anthropic.claude-v1:0")


@functions
def test_it_runs_as_the_topology_says(full_deployment: Templates, function: resources.Function) -> None:
    made = full_deployment.function(function.name)
    assert made["Runtime"] == "python3.13"
    assert made["Architectures"] == ["arm64"]
    assert (made["MemorySize"], made["Timeout"]) == (function.memory, function.seconds)
    assert made.get("ReservedConcurrentExecutions") == function.reserved
    assert made["TracingConfig"] == {"Mode": "Active"}
    if not is_streaming(function):
        assert made["Handler"] == f"functions.{function.name.replace('/', '.')}.handler.handler"
        assert len(made["Layers"]) == 2


def is_streaming(function: resources.Function) -> bool:
    """Whether the function streams its responses."""
    return isinstance(function, resources.Group) and function.streaming


@pytest.mark.parametrize(
    "function", [pytest.param(made, id=made.name) for made in filter(is_streaming, topology.GROUPS)]
)
def test_streaming_functions_are_servers_behind_the_web_adapter(
    full_deployment: Templates, function: resources.Function
) -> None:
    made = full_deployment.function(function.name)
    assert made["Handler"] == f"functions/{function.name}/run.sh"
    (adapter,) = (layer for layer in made["Layers"] if isinstance(layer, str) and layer.startswith("arn:"))
    assert re.fullmatch(r"arn:Partition:lambda:Region:753240598075:layer:LambdaAdapterLayerArm64:\d+", adapter)
    assert len(made["Layers"]) == 3
    assert adapter_settings().items() <= made["Environment"]["Variables"].items()
    # API Gateway streams for that long. A function with reserved concurrency cannot starve the others.
    assert made["Timeout"] == 900
    assert made["ReservedConcurrentExecutions"] > 0


def adapter_settings() -> dict[str, str]:
    """The settings of the web adapter."""
    return {
        "AWS_LAMBDA_EXEC_WRAPPER": "/opt/bootstrap",
        "AWS_LWA_INVOKE_MODE": "response_stream",
        "AWS_LWA_PORT": "8080",
        "AWS_LWA_READINESS_CHECK_PROTOCOL": "tcp",
    }


def test_without_streaming_responses_are_buffered(for_engine: Templates) -> None:
    for function in filter(is_streaming, topology.GROUPS):
        made = for_engine.function(function.name)
        assert made["Handler"] == f"functions.{function.name.replace('/', '.')}.handler.handler"
        assert len(made["Layers"]) == 2
        assert not adapter_settings().keys() & made["Environment"]["Variables"].keys()


@functions
def test_it_has_an_alias_of_its_latest_version_and_perhaps_a_snapshot_of_it(
    full_deployment: Templates, function: resources.Function
) -> None:
    made = full_deployment.function(function.name)
    aliases = [
        alias for alias in full_deployment.all("AWS::Lambda::Alias") if alias["FunctionName"] == made["FunctionName"]
    ]
    assert [alias["Name"] for alias in aliases] == ["live"]
    (alias,) = aliases
    version = alias["FunctionVersion"].removesuffix(".Version")
    (published,) = [one for one in full_deployment.all("AWS::Lambda::Version", made["stack"]) if one["id"] == version]
    assert published["FunctionName"] == made["FunctionName"]
    assert made.get("SnapStart") == ({"ApplyOn": "PublishedVersions"} if function.snapstart else None)


@functions
def test_it_logs_json_into_its_own_log_group_with_retention(
    full_deployment: Templates, function: resources.Function
) -> None:
    name = f"/aws/lambda/{full_deployment.name(function.name)}"
    assert full_deployment.function(function.name)["LoggingConfig"] == {"LogFormat": "JSON", "LogGroup": name}
    group = full_deployment.one("AWS::Logs::LogGroup", LogGroupName=name)
    assert group["RetentionInDays"] == topology.LOGS_DAYS
    assert group["resource"]["DeletionPolicy"] == "Delete"


def test_every_log_group_has_retention(full_deployment: Templates) -> None:
    assert all(group.get("RetentionInDays") for group in full_deployment.all("AWS::Logs::LogGroup"))


def own_queue(function: resources.Function) -> list[str]:
    """The queue that starts a worker. The worker puts failed messages back there."""
    queue = getattr(function, "queue", None)
    return [queue] if queue else []


@functions
def test_its_environment_follows_from_its_grants(full_deployment: Templates, function: resources.Function) -> None:
    expected = {
        "SWITCHBOARD_STAGE": "test",
        "SWITCHBOARD_AGENTS_DOMAIN": "agents.example.com",
        "SWITCHBOARD_PLATFORM_SENDER": "welcome@example.com",
        "SWITCHBOARD_PUBLIC_URL": "https://api.example.com",
    }
    for table in function.tables:
        expected[f"SWITCHBOARD_TABLE_{table.upper()}"] = full_deployment.name(table)
    for queue in (*function.sends, *own_queue(function)):
        expected[f"SWITCHBOARD_QUEUE_{queue.upper().replace('-', '_')}"] = queue_name(full_deployment, queue)
    for bucket in function.buckets:
        expected[f"SWITCHBOARD_BUCKET_{bucket.upper().replace('-', '_')}"] = bucket_name(full_deployment, bucket)
    if resources.Grant.ROOT_SECRET in function.grants:
        expected["SWITCHBOARD_ROOT_SECRET"] = "switchboard/test/root"
    if resources.Grant.MAIL in function.grants:
        expected["SWITCHBOARD_MAIL_CARRIER"] = "ses"
        expected["SWITCHBOARD_SES_CONFIGURATION_SET"] = full_deployment.name("mail")
    if resources.Grant.LANGUAGE_MODEL in function.grants:
        expected["SWITCHBOARD_LANGUAGE_MODEL"] = "bedrock"
        expected["SWITCHBOARD_BEDROCK_MODEL"] = "us.example.model-v1:0"
    if resources.Grant.SPEECH in function.grants:
        expected["SWITCHBOARD_TRANSCRIBER"] = "amazon"
    if resources.Grant.TRANSPORT in function.grants:
        expected["SWITCHBOARD_ROLEPLAY_TRANSPORT"] = "livekit"
        expected["SWITCHBOARD_VOICE_ROOMS"] = "livekit"
        expected["SWITCHBOARD_LIVEKIT_URL"] = "wss://example.livekit.cloud"
        expected["SWITCHBOARD_LIVEKIT_API_KEY"] = "APIexample"
        expected["SWITCHBOARD_LIVEKIT_SECRET"] = FULL["livekit_secret_arn"]
    if resources.Grant.CAPTCHA in function.grants:
        expected["SWITCHBOARD_TURNSTILE_SECRET"] = FULL["turnstile_secret_arn"]
        expected["SWITCHBOARD_TURNSTILE_SITE_KEY"] = FULL["turnstile_site_key"]
    if resources.Grant.NUMBERS in function.grants:
        expected["SWITCHBOARD_NUMBERS_CARRIER"] = "twilio"
        expected["SWITCHBOARD_TWILIO_ACCOUNT_SID"] = "ACexample"
        expected["SWITCHBOARD_TWILIO_SECRET"] = FULL["twilio_secret_arn"]
    if resources.Grant.VOICE in function.grants:
        expected["SWITCHBOARD_VOICE_CARRIER"] = "twilio"
        expected["SWITCHBOARD_VOICE_TALKER"] = "announcer"
        expected["SWITCHBOARD_CALLER_POOL"] = "+14155552671"
        expected["SWITCHBOARD_TRANSFER_COUNTRIES"] = "US,CA,MX"
        expected["SWITCHBOARD_TWILIO_CALLS_PER_SECOND"] = "5"
    if resources.Grant.TEXTS in function.grants:
        expected["SWITCHBOARD_TEXTS_CARRIER"] = "twilio"
        expected["SWITCHBOARD_CARRIER_ANSWERS_KEYWORDS"] = "off"
        rates = {"LONG_CODE": "2", "TOLL_FREE": "5", "SHORT_CODE": "90"}
        expected |= {f"SWITCHBOARD_TEXTS_PER_SECOND_{kind}": rate for kind, rate in rates.items()}
    if resources.Grant.PAYMENTS in function.grants:
        expected["SWITCHBOARD_PAYMENTS_CARRIER"] = "stripe"
        expected["SWITCHBOARD_STRIPE_SECRET"] = FULL["stripe_secret_arn"]
        expected["SWITCHBOARD_STRIPE_PRICES"] = FULL["stripe_prices"]
        expected["SWITCHBOARD_STRIPE_METERED_PRICES"] = "price_4,price_5"
        expected["SWITCHBOARD_STRIPE_AUTOMATIC_TAX"] = "on"
        expected["SWITCHBOARD_BILLING_ORIGINS"] = "https://console.example.com"
    if resources.Grant.PAYMENT_NOTIFICATIONS in function.grants:
        expected["SWITCHBOARD_PAYMENTS_CARRIER"] = "stripe"
        expected["SWITCHBOARD_STRIPE_WEBHOOK_SECRET"] = FULL["stripe_webhook_secret_arn"]
    if resources.Grant.CALLBACKS in function.grants:
        expected["SWITCHBOARD_CALLBACKS_URL"] = "https://api.example.com"
    if resources.Grant.NATIONAL_REGISTRY in function.grants:
        expected["SWITCHBOARD_NATIONAL_REGISTRY"] = "files"
        expected["SWITCHBOARD_NATIONAL_REGISTRY_FOLDER"] = "/opt/registry"
    if resources.Grant.SIGN_IN in function.grants:
        expected["SWITCHBOARD_OIDC_ISSUER"] = (
            f"https://cognito-idp.Region.amazonaws.com/{full_deployment.name('people')}"
        )
        expected["SWITCHBOARD_OIDC_CLIENT_ID"] = full_deployment.name("console")
    expected |= {f"SWITCHBOARD_{name}": value for name, value in function.settings.items()}
    expected |= adapter_settings() if is_streaming(function) else {}
    assert full_deployment.function(function.name)["Environment"]["Variables"] == expected


@functions
def test_its_role_may_do_what_the_topology_grants_and_nothing_else(
    full_deployment: Templates, function: resources.Function
) -> None:
    made = full_deployment.function(function.name)
    role = next(role for role in full_deployment.all("AWS::IAM::Role") if f"{role['id']}.Arn" == made["Role"])
    assert "ManagedPolicyArns" not in role
    assert not [policy for policy in full_deployment.all("AWS::IAM::Policy") if role["id"] in policy["Roles"]]
    granted = {grant for policy in role["Policies"] for grant in list_actions(policy["PolicyDocument"]["Statement"])}
    expected = set(expected_grants(full_deployment, function))
    assert granted == expected, (
        f"{function.name}: infra/stacks grants {sorted(granted - expected)} beyond its line in infra/topology.py, and "
        f"does not grant {sorted(expected - granted)}. A new kind of grant needs a row in expected_grants"
    )


def test_no_two_functions_share_a_role(full_deployment: Templates) -> None:
    roles = [(made["stack"], made["Role"]) for made in full_deployment.all("AWS::Lambda::Function")]
    assert len(set(roles)) == len(roles) == len(topology.FUNCTIONS), (
        "infra/stacks: make one function with a role of its own for each line of infra/topology.py"
    )


def test_tracing_alone_is_granted_on_everything(full_deployment: Templates) -> None:
    for role in full_deployment.all("AWS::IAM::Role"):
        for policy in role.get("Policies", []):
            for action, resource in list_actions(policy["PolicyDocument"]["Statement"]):
                assert "*" not in action
                # For a bucket, the objects of that bucket only.
                objects = action.startswith("s3:") and resource.removesuffix("/*").count("*") == 0
                # For an inference profile's model, any region.
                model = action == "bedrock:InvokeModel" and resource.replace(":*::", "").count("*") == 0
                # Transcribe's jobs have no names beforehand, and starting one takes no resource.
                speech = action.startswith("transcribe:")
                open_ = action.startswith("xray:") or objects or model or speech
                assert "*" not in resource or open_, (role["id"], action, resource)


def test_simulated_mail_needs_the_queue_and_no_ses(bare_deployment: Templates) -> None:
    function = next(function for function in topology.FUNCTIONS if resources.Grant.MAIL in function.grants)
    variables = bare_deployment.function(function.name)["Environment"]["Variables"]
    assert variables["SWITCHBOARD_MAIL_CARRIER"] == "simulator"
    assert variables["SWITCHBOARD_QUEUE_EMAIL_EVENTS"] == queue_name(bare_deployment, "email-events")
    assert not [
        made for kind in ("ConfigurationSet", "EmailIdentity") for made in bare_deployment.all(f"AWS::SES::{kind}")
    ]
    statements = [
        grant
        for role in bare_deployment.all("AWS::IAM::Role")
        for policy in role.get("Policies", [])
        for grant in list_actions(policy["PolicyDocument"]["Statement"])
    ]
    assert not [action for action, _ in statements if action.startswith("ses:")]
    assert ("sqs:SendMessage", f"{queue_name(bare_deployment, 'email-events')}.Arn") in statements


def test_without_a_model_and_a_transport_no_permission_for_either_is_granted(bare_deployment: Templates) -> None:
    for function in topology.FUNCTIONS:
        if {resources.Grant.LANGUAGE_MODEL, resources.Grant.TRANSPORT} & function.grants:
            names = bare_deployment.function(function.name)["Environment"]["Variables"].keys()
            assert not {name for name in names if "LANGUAGE" in name or "LIVEKIT" in name or "TRANSPORT" in name}
    actions = {
        action
        for role in bare_deployment.all("AWS::IAM::Role")
        for policy in role.get("Policies", [])
        for action, _ in list_actions(policy["PolicyDocument"]["Statement"])
    }
    assert not {action for action in actions if action.startswith("bedrock:")}


def test_every_grant_of_the_topology_has_a_row_and_a_function() -> None:
    without_row = set(resources.Grant) - grant_rows.ROWS.keys()
    assert not without_row, f"add {sorted(without_row)} to ROWS in {grant_rows.__file__}"
    unused = set(resources.Grant) - set().union(*(function.grants for function in topology.FUNCTIONS))
    assert not unused, f"no function has {sorted(unused)}: give them in infra/topology.py, or remove them from Grant"


def test_a_foundation_model_needs_no_inference_profile() -> None:
    (arn,) = grant_rows.model_arns("example.model-v1:0")
    assert arn.endswith("::foundation-model/example.model-v1:0")
    assert "*" not in arn


def test_the_operators_description_names_every_resource_and_holds_no_secret(full_deployment: Templates) -> None:
    described = full_deployment.one("AWS::SSM::Parameter")
    assert described["Name"] == "/switchboard/test/environ"
    found = json.loads(described["Value"])
    variables = [made["Environment"]["Variables"] for made in full_deployment.all("AWS::Lambda::Function")]
    missing = {name for each in variables for name in each if name.startswith("SWITCHBOARD_")} - found.keys()
    assert not missing, f"add {sorted(missing)} to the operators' description in infra/stacks"
    assert found["SWITCHBOARD_ROOT_SECRET"] == "switchboard/test/root"


#: The actions on objects by kind of access.
_OBJECT_ACTIONS = (
    ("read", "GetObject"),
    ("write", "AbortMultipartUpload"),
    ("write", "PutObject"),
    ("delete", "DeleteObject"),
)


def list_actions(statements: Iterable[dict[str, Any]]) -> Iterator[Grant]:
    """Each action on each resource that statements allow."""
    for statement in statements:
        assert statement["Effect"] == "Allow"
        assert not statement.keys() - {"Action", "Effect", "Resource"}
        for action in as_list(statement["Action"]):
            for resource in as_list(statement["Resource"]):
                yield action, resource


def expected_grants(full_deployment: Templates, function: resources.Function) -> Iterator[Grant]:
    """The grants of the topology, and the permissions that Lambda itself needs to run the function."""
    for action in ("CreateLogStream", "PutLogEvents"):
        yield f"logs:{action}", f"/aws/lambda/{full_deployment.name(function.name)}.Arn"
    for action in ("PutTelemetryRecords", "PutTraceSegments"):
        yield f"xray:{action}", "*"
    for table, access in function.tables.items():
        arn = f"{full_deployment.name(table)}.Arn"
        for action in (*(_READ if "read" in access else ()), *(_WRITE if "write" in access else ())):
            yield f"dynamodb:{action}", arn
        if "scan" in access:
            yield "dynamodb:Scan", arn
        if "read" in access:
            yield from (("dynamodb:Query", f"{arn}/index/{index}") for index in topology.table(table).indexes)
    for bucket, access in function.buckets.items():
        for kind, action in _OBJECT_ACTIONS:
            if kind in access:
                yield f"s3:{action}", f"arn:Partition:s3:::{bucket_name(full_deployment, bucket)}/*"
        if "list" in access:
            yield "s3:ListBucket", f"arn:Partition:s3:::{bucket_name(full_deployment, bucket)}"
    for queue in function.sends:
        yield "sqs:SendMessage", f"{queue_name(full_deployment, queue)}.Arn"
    if resources.Grant.ROOT_SECRET in function.grants:
        yield "secretsmanager:GetSecretValue", "switchboard/test/root"
    if resources.Grant.MAIL in function.grants:
        yield "ses:SendRawEmail", f"{_IDENTITY}/example.com"
        yield "ses:SendRawEmail", f"{_IDENTITY}/agents.example.com"
        yield "ses:SendRawEmail", f"arn:Partition:ses:Region:AccountId:configuration-set/{full_deployment.name('mail')}"
    if resources.Grant.LANGUAGE_MODEL in function.grants:
        # The profile, and its model in each region of the profile.
        yield "bedrock:InvokeModel", "arn:Partition:bedrock:Region:AccountId:inference-profile/us.example.model-v1:0"
        yield "bedrock:InvokeModel", "arn:Partition:bedrock:*::foundation-model/example.model-v1:0"
    if resources.Grant.SPEECH in function.grants:
        yield "transcribe:StartTranscriptionJob", "*"
        for action in ("DeleteTranscriptionJob", "GetTranscriptionJob"):
            yield f"transcribe:{action}", "arn:Partition:transcribe:Region:AccountId:transcription-job/*"
    if resources.Grant.TRANSPORT in function.grants:
        yield "secretsmanager:GetSecretValue", FULL["livekit_secret_arn"]
    if resources.Grant.CAPTCHA in function.grants:
        yield "secretsmanager:GetSecretValue", FULL["turnstile_secret_arn"]
    if resources.Grant.NUMBERS in function.grants:
        yield "secretsmanager:GetSecretValue", FULL["twilio_secret_arn"]
    if resources.Grant.PAYMENTS in function.grants:
        yield "secretsmanager:GetSecretValue", FULL["stripe_secret_arn"]
    if resources.Grant.PAYMENT_NOTIFICATIONS in function.grants:
        yield "secretsmanager:GetSecretValue", FULL["stripe_webhook_secret_arn"]
    yield from expected_of_source(full_deployment, function)


def expected_of_source(full_deployment: Templates, function: resources.Function) -> Iterator[Grant]:
    """The permissions that its trigger needs."""
    if not isinstance(function, resources.Worker):
        return
    if function.queue:
        for action in ("ChangeMessageVisibility", "DeleteMessage", "GetQueueAttributes", "ReceiveMessage"):
            yield f"sqs:{action}", f"{queue_name(full_deployment, function.queue)}.Arn"
    if function.stream:
        for action in ("DescribeStream", "GetRecords", "GetShardIterator", "ListStreams"):
            yield f"dynamodb:{action}", f"{full_deployment.name(function.stream)}.StreamArn"
        yield "sqs:SendMessage", f"{full_deployment.name(function.name, 'failures')}.Arn"


def queue_name(templates: Templates, name: str) -> str:
    """A queue's name in AWS."""
    return templates.name(name) + (".fifo" if topology.queue(name).fifo else "")


def bucket_name(templates: Templates, name: str) -> str:
    """A bucket's name in AWS."""
    return f"{templates.name(name)}-AccountId-Region"


def as_list(value: str | list[str]) -> list[str]:
    """IAM writes a list of one without its brackets."""
    return value if isinstance(value, list) else [value]
