"""The app as a whole: its context, its size, and the findings of cdk-nag."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest

from infra import build, topology
from infra.build import Assets
from infra.stacks import values
from infra.stacks.deployment import MISSING_IN_LOCAL_ENGINE, Deployment
from tests.infra import full_list
from tests.infra.conftest import FULL, Synthesize
from tests.infra.templates import Templates

#: CloudFormation allows 500. The difference is room for replacements during an update.
MOST_RESOURCES = 450
#: CloudFormation's own limit for a template, in bytes.
LARGEST_TEMPLATE = 1_000_000


def test_there_are_stacks_for_data_workers_and_each_api(full_deployment: Templates) -> None:
    parts = {"data", "identity", "workers", "front", "observability", *(f"api-{api.name}" for api in topology.APIS)}
    made, expected = full_deployment.stacks.keys(), {full_deployment.name(part) for part in parts}
    assert made == expected, (
        f"infra/stacks makes {sorted(made - expected)}, which this test does not list, not {sorted(expected - made)}"
    )


def test_every_stack_is_small_enough(full_deployment: Templates) -> None:
    large = list_large_stacks(full_deployment, over=MOST_RESOURCES)
    assert not large, f"move a part of {large} to another stack in infra/stacks: a template has 500 resources at most"


def test_there_is_room_for_all_the_functions_of_the_design(
    synthesize: Synthesize, assets: Assets, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in full_list.TOPOLOGY.items():
        monkeypatch.setattr(topology, name, value)
    some = assets.functions["anima/signup"]
    code = Assets({function.name: some for function in full_list.FUNCTIONS}, assets.layer, assets.dependencies)
    enlarged = synthesize(FULL, code)
    assert len(list(enlarged.all("AWS::Lambda::Function"))) == len(full_list.FUNCTIONS)
    assert not list_large_stacks(enlarged, over=MOST_RESOURCES)
    largest = max((enlarged.assembly / f"{name}.template.json").stat().st_size for name in enlarged.stacks)
    assert largest < LARGEST_TEMPLATE


def list_large_stacks(templates: Templates, over: int) -> dict[str, int]:
    """The stacks that have more resources than that."""
    counts = {name: len(template["Resources"]) for name, template in templates.stacks.items()}
    return {name: count for name, count in counts.items() if count >= over}


@pytest.mark.parametrize("which", ["full_deployment", "bare_deployment", "for_engine"])
def test_cdk_nag_finds_nothing(which: str, request: pytest.FixtureRequest) -> None:
    templates: Templates = request.getfixturevalue(which)
    assert json.loads((templates.assembly / "validation-report.json").read_text())["pluginReports"] == []
    assert not list(templates.metadata("aws:cdk:warning"))
    assert not list(templates.metadata("aws:cdk:error"))


def test_cdk_nag_can_find_something(synthesize: Synthesize, monkeypatch: pytest.MonkeyPatch) -> None:
    from infra.stacks import data

    monkeypatch.setattr(data, "accept_finding", lambda *_: None)
    with pytest.raises(RuntimeError, match="AwsSolutions-SMG4"):
        synthesize({"stage": "test"})


def test_the_accepted_findings_of_cdk_nag_are_listed_with_reasons(full_deployment: Templates) -> None:
    accepted: dict[str, str] = {}
    for _, rules in full_deployment.metadata("aws:cdk:acknowledged-rules"):
        accepted |= {name.removeprefix("Annotation::"): reason for name, reason in rules.items()}
    logs = "arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"
    releases = "arn:<AWS::Partition>:iam::aws:policy/service-role/AWSCodeDeployRoleForLambdaLimited"
    objects = "arn:<AWS::Partition>:s3:::switchboard-test-{}-<AWS::AccountId>-<AWS::Region>/*"
    listed = {
        "@aws-cdk/aws-lambda:snapStartRequirePublish",
        "AwsSolutions-APIG2",
        "AwsSolutions-APIG4",
        "AwsSolutions-APIG6",
        "AwsSolutions-COG2",
        "AwsSolutions-COG4",
        "AwsSolutions-COG8",
        "AwsSolutions-DDB3",
        "AwsSolutions-IAM5[Resource::*]",
        "AwsSolutions-L1",
        "AwsSolutions-SMG4",
        "AwsSolutions-SQS3",
        f"AwsSolutions-IAM4[Policy::{logs}]",
        f"AwsSolutions-IAM4[Policy::{releases}]",
        "AwsSolutions-S1",
        "AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:bedrock:*::foundation-model/example.model-v1:0]",
        *(
            f"AwsSolutions-IAM5[Resource::{objects.format(name)}]"
            for name in ("attachments", "inbound-mail", "recipients", "recordings", "text-media", "uploads")
        ),
        "AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:transcribe:<AWS::Region>:<AWS::AccountId>:transcription-job/*]",
    }
    assert accepted.keys() == listed, (
        f"list {sorted(accepted.keys() - listed)} here if the reason is good; nothing accepts "
        f"{sorted(listed - accepted.keys())} any more: take them off this list"
    )
    short = [name for name, reason in accepted.items() if len(reason) <= 20]
    assert not short, f"say in infra/stacks why {short} may be accepted"


def test_no_template_names_this_machine(full_deployment: Templates) -> None:
    here = str(Path(__file__).resolve().parents[2])
    assert not [
        name
        for name in full_deployment.stacks
        if here in (full_deployment.assembly / f"{name}.template.json").read_text()
    ]


def test_synthesis_writes_to_the_given_folder(
    assets: Assets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from infra import app

    monkeypatch.setattr(build, "build_assets", lambda: assets)
    monkeypatch.setattr(sys, "argv", ["app", "-c", "stage=byhand", "-o", str(tmp_path / "out")])
    app.main()
    assert (tmp_path / "out" / "switchboard-byhand-data.template.json").exists()
    assert "switchboard-byhand-data.template.json" in capsys.readouterr().out


def test_the_cli_deploys_nothing_without_dependencies(monkeypatch: pytest.MonkeyPatch) -> None:
    from infra import app

    monkeypatch.setenv("CDK_OUTDIR", "cdk.out")
    monkeypatch.setattr(build, "is_built", lambda: False)
    monkeypatch.setattr(sys, "argv", ["app"])
    with pytest.raises(SystemExit, match="make build"):
        app.main()


def deployment(**context: str) -> Deployment:
    return Deployment.from_context(context.get)


def test_a_context_may_be_empty() -> None:
    made = deployment()
    assert (made.stage, made.mail_carrier, made.domain, made.local_engine) == ("dev", "simulator", None, False)


def test_a_sender_domain_enables_ses_and_the_agents_domain() -> None:
    made = deployment(sender_domain="example.com")
    assert (made.mail_carrier, made.agents_domain) == ("ses", "agents.example.com")
    assert made.platform_sender == "welcome@example.com"


def test_agents_may_live_on_a_domain_of_their_own() -> None:
    made = deployment(sender_domain="example.com", agents_domain="example.net")
    assert made.mail_domains == ("example.com", "example.net")


@pytest.mark.parametrize(
    "context",
    [
        {"domain": "api.example.com"},
        {"certificate_arn": "arn:aws:acm:us-east-1:111122223333:certificate/made-up"},
        {"mail_carrier": "pigeon"},
        {"mail_carrier": "ses"},
        {"national_registry": "simulator"},
        {"national_registry": "files"},
        {"national_registry_folder": "/opt/registry"},
        {"livekit_url": "wss://example.livekit.cloud", "livekit_api_key": "APIexample"},
        {"ses_identity": "existing"},
        {"receipt_rule_set": "inbound"},
    ],
)
def test_a_context_that_contradicts_itself_is_refused(context: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"domain|mail_carrier|livekit|national_registry|receipt_rule_set"):
        deployment(**context)


_CERTIFICATE = {"certificate_arn": FULL["certificate_arn"]}
_TWILIO = {name: FULL[name] for name in ("domain", "certificate_arn", "twilio_account_sid", "twilio_secret_arn")}


@pytest.mark.parametrize(
    ("context", "why"),
    [
        ({"voice_carrier": "twilio"}, "needs a twilio_account_sid, and a domain"),
        ({"voice_carrier": "pigeon", **_TWILIO}, "voice_carrier must be"),
        ({"voice_carrier": "twilio", "voice_talker": "simulator", **_TWILIO}, "voice_talker must be"),
        ({"voice_talker": "announcer", **_TWILIO}, "need a voice_carrier"),
        ({"texts_carrier": "twilio"}, "needs a twilio_account_sid, and a domain for the carrier's callbacks"),
        ({"texts_carrier": "pigeon", **_TWILIO}, "texts_carrier must be"),
        ({"carrier_answers_keywords": "maybe"}, "carrier_answers_keywords must be on or off, not maybe"),
        ({"texts_per_second_toll_free": "0"}, "texts_per_second_toll_free must be a number above 0, not 0"),
        ({"caller_pool": "+14155552671", **_TWILIO}, "need a voice_carrier"),
        ({"transfer_countries": "US,MX"}, "need a voice_carrier"),
        ({"transfer_countries": "US;MX", "voice_carrier": "twilio", **_TWILIO}, "must be codes such as US,CA,MX"),
        ({"twilio_calls_per_second": "0"}, "number above 0"),
    ],
)
def test_a_voice_that_contradicts_itself_is_refused(context: dict[str, Any], why: str) -> None:
    assert deployment(voice_carrier="twilio", voice_talker="announcer", **_TWILIO).voice_talker == "announcer"
    with pytest.raises(ValueError, match=why):
        deployment(**context)


_STRIPE = {name: FULL[name] for name in FULL if name.startswith("stripe_") or name in ("domain", "certificate_arn")}


@pytest.mark.parametrize(
    ("context", "why"),
    [
        ({"payments_carrier": "pigeon"}, "payments_carrier must be"),
        ({"payments_carrier": "stripe"}, "needs a stripe_secret_arn, a stripe_webhook_secret_arn, and a domain"),
        ({"stripe_automatic_tax": "yes"}, "stripe_automatic_tax must be on or off, not yes"),
        ({"payments_carrier": "none", **_STRIPE}, "need payments_carrier=stripe"),
        ({"payments_carrier": "stripe", **_STRIPE, "stripe_prices": "starter=price_1"}, "a price of each plan"),
    ],
)
def test_payments_that_contradict_themselves_are_refused(context: dict[str, Any], why: str) -> None:
    assert deployment(payments_carrier="stripe", **_STRIPE).payments_carrier == "stripe"
    with pytest.raises(ValueError, match=why):
        deployment(**context)


@pytest.mark.parametrize(
    ("context", "why"),
    [
        ({"oidc_issuer": "https://login.example.com"}, "oidc_issuer and oidc_client_id"),
        ({"oidc_client_id": "client"}, "oidc_issuer and oidc_client_id"),
        (
            {"oidc_client_secret_arn": "arn:aws:secretsmanager:us-east-1:111122223333:secret:made-up"},
            "oidc_client_secret_arn needs",
        ),
        ({"oidc_issuer": "http://login.example.com", "oidc_client_id": "client"}, "https URL"),
        ({"oidc_issuer": "https://login.example.com?a=b", "oidc_client_id": "client"}, "https URL"),
        ({"sign_in_mail": "pigeon"}, "sign_in_mail must be"),
        ({"sign_in_mail": "ses"}, "needs mail_carrier=ses"),
        ({"sign_in_mfa": "sometimes"}, "sign_in_mfa must be"),
        (
            {"oidc_issuer": "https://login.example.com", "oidc_client_id": "client", "sign_in_mfa": "required"},
            "belong to the user pool",
        ),
    ],
)
def test_a_sign_in_that_contradicts_itself_is_refused(context: dict[str, Any], why: str) -> None:
    domain = {name: FULL[name] for name in ("domain", "certificate_arn")}
    assert deployment(**domain).public_url == "https://api.example.com"
    with pytest.raises(ValueError, match=why):
        deployment(**domain, **context)


@pytest.mark.parametrize(
    "context",
    [
        {"oidc_issuer": "https://login.example.com", "oidc_client_id": "client"},
        {"sign_in_mfa": "required"},
        {"sign_in_mail": "ses", "sender_domain": "example.com"},
    ],
)
def test_without_a_domain_sign_in_settings_are_refused(context: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="need"):
        deployment(**context)


@pytest.mark.parametrize(
    ("name", "value", "form"),
    [
        ("stage", "Prod", "1 to 10 characters of a-z"),
        ("stage", "production-europe", "1 to 10 characters of a-z"),
        ("stage", "prod-", "1 to 10 characters of a-z"),
        ("domain", "https://api.example.com", "a domain in lower case"),
        ("sender_domain", "Example.com", "a domain in lower case"),
        ("certificate_arn", "made-up", "the ARN of a certificate"),
        ("alarm_email", "oncall", "an email address"),
        ("twilio_secret_arn", "twilio", "the ARN of a secret"),
        ("caller_pool", "4155552671", "numbers such as"),
        ("livekit_url", "https://example.livekit.cloud", "an address such as wss"),
        ("billing_origins", "https://console.example.com/", "origins such as"),
        ("keep_data", "maybe", "true or false"),
        ("reserved_concurrency", "none", "on or off"),
        ("api_logs_role", "none", "own or existing"),
        ("release", "slowly", "canary or at_once"),
    ],
)
def test_a_value_of_a_wrong_form_is_refused_with_its_name(name: str, value: str, form: str) -> None:
    with pytest.raises(ValueError, match=f"^{name} must be .*{form}"):
        deployment(**{name: value})


def test_all_wrong_values_are_named_together() -> None:
    with pytest.raises(ValueError, match=r"(?s)stage must be .*domain must be"):
        deployment(stage="Prod", domain="x")


def test_every_setting_with_few_values_names_those_of_its_type() -> None:
    literals = {
        name: get_args(one)
        for name, kind in get_type_hints(Deployment).items()
        for one in (kind, *get_args(kind))
        if get_origin(one) is Literal
    }
    assert literals | {"keep_data": ("true", "false")} == values.CHOICES, "say the same in values.CHOICES"


def test_names_of_the_longest_stage_are_short_enough(synthesize: Synthesize) -> None:
    stage = "s" * values.LONGEST_STAGE
    for bucket in synthesize({"stage": stage}).all("AWS::S3::Bucket"):
        name = bucket["BucketName"].replace("AccountId", "111122223333").replace("Region", "ap-southeast-2")
        assert len(name) <= 63
    with pytest.raises(ValueError, match="stage must be"):
        deployment(stage=stage + "s")


_PINNED = '{"prod": "111122223333/eu-west-1", "staging": "444455556666/us-east-1"}'


def test_a_stage_may_be_pinned_to_an_account_and_a_region() -> None:
    made = deployment(stage="prod", accounts=_PINNED)
    assert (made.account, made.region) == ("111122223333", "eu-west-1")
    assert deployment(stage="prod").account is None
    assert deployment(accounts=_PINNED).account is None, "the stage dev may be anywhere"
    with pytest.raises(ValueError, match="stage prd is not among the stages of accounts: prod, staging"):
        deployment(stage="prd", accounts=_PINNED)
    with pytest.raises(ValueError, match="prod must be an account and a region"):
        deployment(stage="prod", accounts='{"prod": "eu-west-1"}')
    with pytest.raises(ValueError, match="must be an object"):
        deployment(stage="prod", accounts="111122223333")


@pytest.mark.parametrize(("name", "value"), [("ACCOUNT", "444455556666"), ("REGION", "us-east-1")])
def test_credentials_for_another_place_are_refused(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from infra import app

    made = deployment(stage="prod", accounts=_PINNED)
    app.check_place(made)
    monkeypatch.setenv("CDK_DEFAULT_ACCOUNT", "111122223333")
    monkeypatch.setenv("CDK_DEFAULT_REGION", "eu-west-1")
    app.check_place(made)
    monkeypatch.setenv(f"CDK_DEFAULT_{name}", value)
    with pytest.raises(ValueError, match=f"stage prod belongs to the {name.lower()}"):
        app.check_place(made)


def test_no_stack_locks_another_one(full_deployment: Templates, bare_deployment: Templates) -> None:
    # CloudFormation refuses to change an export that another stack imports: a domain could never be dropped.
    for templates in (full_deployment, bare_deployment):
        for name, template in templates.stacks.items():
            assert "Fn::ImportValue" not in json.dumps(template), name
            assert not [one for one in template.get("Outputs", {}).values() if "Export" in one], name


def test_data_that_is_not_kept_can_be_deleted_with_its_stack(synthesize: Synthesize) -> None:
    made = synthesize({"stage": "test", "keep_data": "false", "domain": FULL["domain"]} | _CERTIFICATE)
    for name, artifact in made.artifacts.items():
        assert not artifact["properties"].get("terminationProtection"), name
    for template in made.stacks.values():
        kept = {id_ for id_, one in template["Resources"].items() if one.get("DeletionPolicy", "Delete") != "Delete"}
        # The role for the logs of the account's APIs.
        assert all(template["Resources"][id_]["Type"] == "AWS::IAM::Role" for id_ in kept), kept
    assert not any(table.get("DeletionProtectionEnabled") for table in made.all("AWS::DynamoDB::Table"))
    (pool,) = made.all("AWS::Cognito::UserPool")
    assert pool.get("DeletionProtection") != "ACTIVE"


def test_what_an_account_has_already_is_not_made_again(synthesize: Synthesize) -> None:
    there = {"ses_identity": "existing", "receipt_rule_set": "inbound", "api_logs_role": "existing"}
    made = synthesize({"stage": "test", "sender_domain": "example.com", "reserved_concurrency": "off", **there})
    for kind in ("AWS::SES::EmailIdentity", "AWS::SES::ReceiptRuleSet", "AWS::ApiGateway::Account"):
        assert not list(made.all(kind)), kind
    assert made.one("AWS::SES::ReceiptRule")["RuleSetName"] == "inbound"
    assert not any("ReservedConcurrentExecutions" in one for one in made.all("AWS::Lambda::Function"))


def test_features_that_the_local_engine_lacks_are_left_out_for_it_only(
    full_deployment: Templates, for_engine: Templates
) -> None:
    bare = [name for name, reason in MISSING_IN_LOCAL_ENGINE.items() if not reason]
    assert not bare, f"give the reason of {bare} in MISSING_IN_LOCAL_ENGINE"
    assert list(full_deployment.all("AWS::WAFv2::WebACLAssociation"))
    assert not list(for_engine.all("AWS::WAFv2::WebACLAssociation"))
