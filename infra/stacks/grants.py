"""The settings and the IAM statements of each grant of the topology.

Each grant has one row. A new provider is a member of `topology.Grant` and a row here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from aws_cdk import Aws
from aws_cdk import aws_iam as iam

from infra.resources import Grant
from infra.stacks.deployment import Deployment
from infra.stacks.identity import Issuer

if TYPE_CHECKING:
    from infra.stacks.settings import Resources

#: The id of an inference profile: its area, such as `us`, `jp` or `apac`, and the id of its model. No vendor has two
#: letters.
_PROFILE = re.compile(r"(?:[a-z]{2}|us-gov|apac|global)\.(.+)")

Settings = dict[str, str | None]


@dataclass(frozen=True)
class GrantRow:
    """A grant's settings, without the common prefix, and its IAM statements. A setting without a value is omitted."""

    settings: Callable[[Deployment, Resources], Settings]
    statements: Callable[[Deployment, Resources], Iterable[iam.PolicyStatement]]


def settings_of(grants: Iterable[Grant], deployment: Deployment, resources: Resources) -> dict[str, str]:
    """The environment variables for these grants."""
    found: dict[str, str] = {}
    for grant in sorted(grants):
        wanted = ROWS[grant].settings(deployment, resources)
        found |= {f"SWITCHBOARD_{name}": value for name, value in wanted.items() if value}
    return found


def names_of_settings(deployment: Deployment, resources: Resources) -> frozenset[str]:
    """The settings that grants make, also those that this deployment leaves at their defaults."""
    every = replace(
        deployment,
        livekit_url="wss://example.com",
        twilio_account_sid="AC",
        texts_per_second_long_code="1",
        texts_per_second_toll_free="1",
        texts_per_second_short_code="1",
        voice_carrier="twilio",
        texts_carrier="twilio",
        payments_carrier="stripe",
    )
    known = replace(resources, issuer=Issuer("https://example.com", "client", "secret"))
    return frozenset(name for row in ROWS.values() for name in row.settings(every, known))


def statements_of(
    grants: Iterable[Grant], deployment: Deployment, resources: Resources
) -> Iterable[iam.PolicyStatement]:
    """The IAM statements of a role with these grants."""
    for grant in sorted(grants):
        yield from ROWS[grant].statements(deployment, resources)


def model_arns(model: str) -> list[str]:
    """The ARNs that a call of a Bedrock model needs. An inference profile (`us.…`) also needs its models."""
    profiled = _PROFILE.fullmatch(model)
    if not profiled:
        return [f"arn:{Aws.PARTITION}:bedrock:{Aws.REGION}::foundation-model/{model}"]
    return [
        f"arn:{Aws.PARTITION}:bedrock:{Aws.REGION}:{Aws.ACCOUNT_ID}:inference-profile/{model}",
        f"arn:{Aws.PARTITION}:bedrock:*::foundation-model/{profiled[1]}",
    ]


def _may_read(secret_arn: str | None) -> Iterable[iam.PolicyStatement]:
    if secret_arn:
        yield iam.PolicyStatement(actions=["secretsmanager:GetSecretValue"], resources=[secret_arn])


def _mail_settings(deployment: Deployment, _: Resources) -> Settings:
    by_ses = deployment.mail_carrier == "ses"
    return {
        "MAIL_CARRIER": deployment.mail_carrier,
        "SES_CONFIGURATION_SET": deployment.resource_name("mail") if by_ses else None,
    }


def _mail_statements(deployment: Deployment, _: Resources) -> Iterable[iam.PolicyStatement]:
    if deployment.mail_carrier != "ses":
        return
    identities = (f"identity/{domain}" for domain in deployment.mail_domains)
    names = (*identities, f"configuration-set/{deployment.resource_name('mail')}")
    arns = [f"arn:{Aws.PARTITION}:ses:{Aws.REGION}:{Aws.ACCOUNT_ID}:{name}" for name in names]
    yield iam.PolicyStatement(actions=["ses:SendRawEmail"], resources=arns)


def _model_settings(deployment: Deployment, _: Resources) -> Settings:
    model = deployment.language_model
    return {"LANGUAGE_MODEL": "bedrock" if model else None, "BEDROCK_MODEL": model}


def _model_statements(deployment: Deployment, _: Resources) -> Iterable[iam.PolicyStatement]:
    if deployment.language_model:
        yield iam.PolicyStatement(actions=["bedrock:InvokeModel"], resources=model_arns(deployment.language_model))


def transcription_jobs() -> str:
    """The ARN of all jobs of Amazon Transcribe."""
    return f"arn:{Aws.PARTITION}:transcribe:{Aws.REGION}:{Aws.ACCOUNT_ID}:transcription-job/*"


def _speech_statements(*_: object) -> Iterable[iam.PolicyStatement]:
    # To start a job takes no resource. Transcribe reads and writes objects with the rights of the function.
    yield iam.PolicyStatement(actions=["transcribe:StartTranscriptionJob"], resources=["*"])
    yield iam.PolicyStatement(
        actions=["transcribe:DeleteTranscriptionJob", "transcribe:GetTranscriptionJob"],
        resources=[transcription_jobs()],
    )


def _transport_settings(deployment: Deployment, _: Resources) -> Settings:
    if not deployment.livekit_url:
        return {}
    return {
        "ROLEPLAY_TRANSPORT": "livekit",
        "VOICE_ROOMS": "livekit",
        "LIVEKIT_URL": deployment.livekit_url,
        "LIVEKIT_API_KEY": deployment.livekit_api_key,
        "LIVEKIT_SECRET": deployment.livekit_secret_arn,
        "LIVEKIT_AGENT": deployment.livekit_agent,
    }


def _captcha_settings(deployment: Deployment, _: Resources) -> Settings:
    return {"TURNSTILE_SECRET": deployment.turnstile_secret_arn, "TURNSTILE_SITE_KEY": deployment.turnstile_site_key}


def _numbers_settings(deployment: Deployment, _: Resources) -> Settings:
    if not deployment.twilio_account_sid:
        return {}
    return {
        "NUMBERS_CARRIER": "twilio",
        "TWILIO_ACCOUNT_SID": deployment.twilio_account_sid,
        "TWILIO_SECRET": deployment.twilio_secret_arn,
        "TWILIO_PRIMARY_PROFILE": deployment.twilio_primary_profile,
    }


def _voice_settings(deployment: Deployment, _: Resources) -> Settings:
    if deployment.voice_carrier == "none":
        return {}
    return {
        "VOICE_CARRIER": deployment.voice_carrier,
        "VOICE_TALKER": deployment.voice_talker,
        "CALLER_POOL": deployment.caller_pool,
        "TRANSFER_COUNTRIES": deployment.transfer_countries,
        "TWILIO_CALLS_PER_SECOND": deployment.twilio_calls_per_second,
    }


def _texts_settings(deployment: Deployment, _: Resources) -> Settings:
    if deployment.texts_carrier == "none":
        return {}
    rates = {f"TEXTS_PER_SECOND_{name.upper()}": rate for name, rate in deployment.text_rates.items()}
    keywords = {"CARRIER_ANSWERS_KEYWORDS": deployment.carrier_answers_keywords}
    return {"TEXTS_CARRIER": deployment.texts_carrier, **keywords, **rates}


def _payments_settings(deployment: Deployment, _: Resources) -> Settings:
    if deployment.payments_carrier == "none":
        return {}
    return {
        "PAYMENTS_CARRIER": deployment.payments_carrier,
        "STRIPE_SECRET": deployment.stripe_secret_arn,
        "STRIPE_PRICES": deployment.stripe_prices,
        "STRIPE_METERED_PRICES": deployment.stripe_metered_prices,
        "STRIPE_AUTOMATIC_TAX": deployment.stripe_automatic_tax,
        "BILLING_ORIGINS": deployment.billing_origins,
    }


def _payment_notifications_settings(deployment: Deployment, _: Resources) -> Settings:
    if deployment.payments_carrier == "none":
        return {}
    return {
        "PAYMENTS_CARRIER": deployment.payments_carrier,
        "STRIPE_WEBHOOK_SECRET": deployment.stripe_webhook_secret_arn,
    }


def _sign_in_settings(_: Deployment, resources: Resources) -> Settings:
    issuer = resources.issuer
    if not issuer:
        return {}
    return {"OIDC_ISSUER": issuer.url, "OIDC_CLIENT_ID": issuer.client_id, "OIDC_CLIENT_SECRET": issuer.secret_arn}


def _registry_settings(deployment: Deployment, _: Resources) -> Settings:
    if deployment.national_registry == "none":
        return {}
    return {
        "NATIONAL_REGISTRY": deployment.national_registry,
        "NATIONAL_REGISTRY_FOLDER": deployment.national_registry_folder,
    }


ROWS: dict[Grant, GrantRow] = {
    Grant.ROOT_SECRET: GrantRow(
        settings=lambda _, resources: {"ROOT_SECRET": resources.root_secret.secret_arn},
        statements=lambda _, resources: _may_read(resources.root_secret.secret_arn),
    ),
    Grant.MAIL: GrantRow(settings=_mail_settings, statements=_mail_statements),
    Grant.LANGUAGE_MODEL: GrantRow(settings=_model_settings, statements=_model_statements),
    Grant.SPEECH: GrantRow(settings=lambda *_: {"TRANSCRIBER": "amazon"}, statements=_speech_statements),
    Grant.TRANSPORT: GrantRow(
        settings=_transport_settings,
        statements=lambda deployment, _: _may_read(deployment.livekit_secret_arn),
    ),
    Grant.CAPTCHA: GrantRow(
        settings=_captcha_settings,
        statements=lambda deployment, _: _may_read(deployment.turnstile_secret_arn),
    ),
    Grant.NUMBERS: GrantRow(
        settings=_numbers_settings,
        statements=lambda deployment, _: _may_read(deployment.twilio_secret_arn),
    ),
    # Only functions that also have the grant of numbers send requests to the carrier.
    Grant.VOICE: GrantRow(settings=_voice_settings, statements=lambda *_: ()),
    Grant.TEXTS: GrantRow(settings=_texts_settings, statements=lambda *_: ()),
    Grant.PAYMENTS: GrantRow(
        settings=_payments_settings,
        statements=lambda deployment, _: _may_read(deployment.stripe_secret_arn),
    ),
    Grant.PAYMENT_NOTIFICATIONS: GrantRow(
        settings=_payment_notifications_settings,
        statements=lambda deployment, _: _may_read(deployment.stripe_webhook_secret_arn),
    ),
    Grant.SIMULATED_PAYMENTS: GrantRow(
        settings=lambda deployment, _: {
            "PAYMENTS_CARRIER": "simulator" if deployment.payments_carrier == "simulator" else None
        },
        statements=lambda *_: (),
    ),
    Grant.SIGN_IN: GrantRow(
        settings=_sign_in_settings,
        statements=lambda _, resources: _may_read(resources.issuer.secret_arn if resources.issuer else None),
    ),
    Grant.CALLBACKS: GrantRow(
        settings=lambda deployment, _: {"CALLBACKS_URL": deployment.public_url},
        statements=lambda *_: (),
    ),
    # The files are in the function's file system, so no statement is needed.
    Grant.NATIONAL_REGISTRY: GrantRow(settings=_registry_settings, statements=lambda *_: ()),
}
