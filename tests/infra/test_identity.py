"""The identity provider: the deployment's own user pool, or another issuer in its place."""

from __future__ import annotations

import json
from typing import Any

import pytest

from infra import topology
from infra.resources import Grant
from tests.infra.conftest import FULL, Synthesize
from tests.infra.templates import Resource, Templates
from tests.infra.test_functions import list_actions

ISSUER = {
    "oidc_issuer": "https://login.example.com/",
    "oidc_client_id": "switchboard-client",
    "oidc_client_secret_arn": "arn:aws:secretsmanager:us-east-1:111122223333:secret:oidc-made-up",
}
_DOMAIN = {name: FULL[name] for name in ("stage", "domain", "certificate_arn")}


@pytest.fixture(scope="module")
def foreign_issuer(synthesize: Synthesize) -> Templates:
    """Only the console's functions, of a deployment with another issuer."""
    console = tuple(group for group in topology.GROUPS if group.api == "hum")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(topology, "APIS", tuple(api for api in topology.APIS if api.name == "hum"))
        patch.setattr(topology, "GROUPS", console)
        for name in ("QUEUES", "WORKERS", "SCHEDULES"):
            patch.setattr(topology, name, ())
        return synthesize({**_DOMAIN, **ISSUER})


def own_pool(**context: str) -> Resource:
    """The user pool of a deployment."""
    from aws_cdk import App

    from infra.stacks.deployment import Deployment
    from infra.stacks.identity import Identity

    app = App(analytics_reporting=False)
    name = Identity(app, Deployment.from_context({**_DOMAIN, **context}.get)).stack_name
    resources = app.synth().get_stack_by_name(name).template["Resources"].values()
    pool: Resource = next(made for made in resources if made["Type"] == "AWS::Cognito::UserPool")["Properties"]
    return pool


def test_people_sign_up_themselves_and_verify_their_address_by_a_code(full_deployment: Templates) -> None:
    pool = full_deployment.one("AWS::Cognito::UserPool")
    assert (pool["UserPoolName"], pool["UserPoolTier"]) == (full_deployment.name("people"), "ESSENTIALS")
    assert pool["AdminCreateUserConfig"] == {"AllowAdminCreateUserOnly": False}
    assert pool["UsernameAttributes"] == pool["AutoVerifiedAttributes"] == ["email"]
    assert pool["UsernameConfiguration"] == {"CaseSensitive": False}
    assert pool["VerificationMessageTemplate"]["DefaultEmailOption"] == "CONFIRM_WITH_CODE"
    assert "{####}" in pool["VerificationMessageTemplate"]["EmailMessage"]
    assert {made["Name"] for made in pool["Schema"] if made["Required"] and made["Mutable"]} == {"email", "name"}


def test_a_changed_address_counts_after_verification(full_deployment: Templates) -> None:
    pool = full_deployment.one("AWS::Cognito::UserPool")
    assert pool["UserAttributeUpdateSettings"] == {"AttributesRequireVerificationBeforeUpdate": ["email"]}
    assert pool["AccountRecoverySetting"]["RecoveryMechanisms"] == [{"Name": "verified_email", "Priority": 1}]


def test_passwords_are_strong_and_a_second_factor_is_an_authenticators(full_deployment: Templates) -> None:
    pool = full_deployment.one("AWS::Cognito::UserPool")
    policy = pool["Policies"]["PasswordPolicy"]
    assert policy.pop("MinimumLength") == 12
    assert policy == dict.fromkeys(("RequireLowercase", "RequireUppercase", "RequireNumbers", "RequireSymbols"), True)
    assert (pool["MfaConfiguration"], pool["EnabledMfas"]) == ("OPTIONAL", ["SOFTWARE_TOKEN_MFA"])


def test_a_second_factor_may_be_required() -> None:
    assert own_pool(sign_in_mfa="required")["MfaConfiguration"] == "ON"


def test_codes_come_from_the_sender_domain_once_the_deployment_says_so(full_deployment: Templates) -> None:
    assert "EmailConfiguration" not in full_deployment.one("AWS::Cognito::UserPool")
    sent = own_pool(sender_domain="example.com", sign_in_mail="ses")["EmailConfiguration"]
    assert (sent["EmailSendingAccount"], sent["From"]) == ("DEVELOPER", "welcome@example.com")
    assert sent["SourceArn"]["Fn::Join"][1][-1] == ":identity/example.com"


def test_the_user_pool_is_retained(full_deployment: Templates) -> None:
    pool = full_deployment.one("AWS::Cognito::UserPool")
    assert pool["DeletionProtection"] == "ACTIVE"
    kept = pool["resource"]
    assert (kept["DeletionPolicy"], kept["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")
    assert full_deployment.artifacts[full_deployment.name("identity")]["properties"]["terminationProtection"] is True


def test_the_console_is_a_client_with_code_flow_and_hosted_pages_only(full_deployment: Templates) -> None:
    client = full_deployment.one("AWS::Cognito::UserPoolClient")
    assert client["UserPoolId"] == full_deployment.name("people")
    assert client["GenerateSecret"] is False
    assert (client["AllowedOAuthFlowsUserPoolClient"], client["AllowedOAuthFlows"]) == (True, ["code"])
    assert client["AllowedOAuthScopes"] == ["openid", "email", "profile"]
    assert client["ExplicitAuthFlows"] == ["ALLOW_REFRESH_TOKEN_AUTH"]
    assert client["SupportedIdentityProviders"] == ["COGNITO"]
    assert client["CallbackURLs"] == ["https://api.example.com/auth/callback"]
    assert client["LogoutURLs"] == ["https://api.example.com/signed-out", "https://api.example.com/"]


def test_the_client_hides_whether_a_user_exists_and_reads_the_identity_claims(full_deployment: Templates) -> None:
    client = full_deployment.one("AWS::Cognito::UserPoolClient")
    assert client["PreventUserExistenceErrors"] == "ENABLED"
    assert client["EnableTokenRevocation"] is True
    assert client["ReadAttributes"] == ["email", "email_verified", "name", "picture"]
    # Attributes at sign-up. A person must not be able to set the address of their own picture.
    assert client["WriteAttributes"] == ["email", "name"]


def test_the_pages_have_an_address_and_a_style(full_deployment: Templates, for_engine: Templates) -> None:
    pages = full_deployment.one("AWS::Cognito::UserPoolDomain")
    assert (pages["Domain"], pages["ManagedLoginVersion"]) == ("switchboard-test-AccountId", 2)
    style = full_deployment.one("AWS::Cognito::ManagedLoginBranding")
    assert (style["UserPoolId"], style["ClientId"]) == (full_deployment.name("people"), full_deployment.name("console"))
    assert style["UseCognitoProvidedValues"] is True
    assert pages["id"] in style["resource"]["DependsOn"]
    assert not list(for_engine.all("AWS::Cognito::ManagedLoginBranding"))


def test_without_a_domain_nobody_signs_in(bare_deployment: Templates) -> None:
    assert bare_deployment.name("identity") not in bare_deployment.stacks
    everything = [environment_of(bare_deployment, function.name) for function in topology.FUNCTIONS]
    everything.append(json.loads(bare_deployment.one("AWS::SSM::Parameter")["Value"]))
    names = {name for each in everything for name in each}
    assert not {name for name in names if "OIDC" in name or "PUBLIC_URL" in name}


def test_another_issuer_replaces_the_pool(foreign_issuer: Templates) -> None:
    assert foreign_issuer.name("identity") not in foreign_issuer.stacks
    expected = {
        "SWITCHBOARD_OIDC_ISSUER": ISSUER["oidc_issuer"],
        "SWITCHBOARD_OIDC_CLIENT_ID": ISSUER["oidc_client_id"],
        "SWITCHBOARD_OIDC_CLIENT_SECRET": ISSUER["oidc_client_secret_arn"],
    }
    for group in topology.GROUPS:
        if group.api == "hum":
            asked = {
                name: value for name, value in environment_of(foreign_issuer, group.name).items() if "OIDC" in name
            }
            assert asked == (expected if Grant.SIGN_IN in group.grants else {}), group.name
    described = json.loads(foreign_issuer.one("AWS::SSM::Parameter")["Value"])
    assert expected.items() <= described.items()


def test_only_the_sign_in_function_reads_the_clients_secret(foreign_issuer: Templates) -> None:
    readers = {
        role["id"]: action
        for role in foreign_issuer.all("AWS::IAM::Role")
        for policy in role.get("Policies", [])
        for action, resource in list_actions(policy["PolicyDocument"]["Statement"])
        if resource == ISSUER["oidc_client_secret_arn"]
    }
    signing_in = [
        foreign_issuer.function(group.name)["Role"] for group in topology.GROUPS if Grant.SIGN_IN in group.grants
    ]
    assert {f"{role}.Arn" for role in readers} == set(signing_in)
    assert set(readers.values()) == {"secretsmanager:GetSecretValue"}


def environment_of(templates: Templates, name: str) -> dict[str, Any]:
    """The environment of a function."""
    found: dict[str, Any] = templates.function(name)["Environment"]["Variables"]
    return found
