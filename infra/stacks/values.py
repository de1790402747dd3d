"""The form of each value of the context, so that a mistake is found here and not by CloudFormation after minutes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from infra import topology

#: AWS allows 63 characters for a bucket's name, which has an account of 12 and a region of up to 14 characters in it:
#: `switchboard-STAGE-BUCKET-111122223333-ap-southeast-2`.
LONGEST_STAGE = 63 - len("switchboard---111122223333-ap-southeast-2") - max(len(one.name) for one in topology.BUCKETS)

_DOMAIN = r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}"
_ARN = r"arn:aws[a-z-]*:{}:[a-z0-9-]+:[0-9]{{12}}:{}"
_SECRET = (_ARN.format("secretsmanager", "secret:.+"), "arn:aws:secretsmanager:eu-west-1:111122223333:secret:NAME")
_NUMBER = (r"[1-9][0-9]{0,5}", "a number above 0")
_DOMAIN_FORM = (_DOMAIN, "a domain in lower case such as api.example.com")

#: The values of settings with few values.
CHOICES: dict[str, tuple[str, ...]] = {
    "mail_carrier": ("ses", "simulator"),
    "voice_carrier": ("none", "twilio"),
    "voice_talker": ("none", "announcer"),
    "texts_carrier": ("none", "twilio"),
    "carrier_answers_keywords": ("on", "off"),
    "payments_carrier": ("none", "stripe", "simulator"),
    "stripe_automatic_tax": ("on", "off"),
    "sign_in_mail": ("cognito", "ses"),
    "sign_in_mfa": ("optional", "required"),
    "national_registry": ("none", "files"),
    "reserved_concurrency": ("on", "off"),
    "ses_identity": ("own", "existing"),
    "api_logs_role": ("own", "existing"),
    "keep_data": ("true", "false"),
    "tier": ("development", "production"),
    "release": ("canary", "at_once"),
}
#: The expression of other settings, and how the message names their form.
FORMS: dict[str, tuple[str, str]] = {
    "stage": (
        rf"[a-z][a-z0-9-]{{0,{LONGEST_STAGE - 2}}}[a-z0-9]|[a-z]",
        f"1 to {LONGEST_STAGE} characters of a-z, 0-9 and -, beginning with a letter, such as prod",
    ),
    **dict.fromkeys(("domain", "sender_domain", "agents_domain"), _DOMAIN_FORM),
    "certificate_arn": (
        _ARN.format("acm", "certificate/.+"),
        "the ARN of a certificate: arn:aws:acm:eu-west-1:111122223333:certificate/ID",
    ),
    "alarm_email": (rf"[^@\s]+@{_DOMAIN}", "an email address"),
    "twilio_account_sid": (r"AC[0-9a-zA-Z]+", "an account at Twilio: AC and 32 characters"),
    "twilio_primary_profile": (r"BU[0-9a-zA-Z]+", "a profile at Twilio: BU and 32 characters"),
    "caller_pool": (r"\+[1-9][0-9]{6,14}(?:,\+[1-9][0-9]{6,14})*", "numbers such as +14155552671,+14155552672"),
    "transfer_countries": (r"[A-Z]{2}(?:,[A-Z]{2})*", "codes such as US,CA,MX"),
    "livekit_url": (r"wss://\S+", "an address such as wss://example.livekit.cloud"),
    "receipt_rule_set": (r"[A-Za-z0-9_-]{1,64}", "the name of a rule set"),
    **{
        name: (pattern, f"the ARN of a secret: {example}")
        for name in (
            *("twilio_secret_arn", "stripe_secret_arn", "stripe_webhook_secret_arn", "livekit_secret_arn"),
            *("turnstile_secret_arn", "oidc_client_secret_arn"),
        )
        for pattern, example in [_SECRET]
    },
    **dict.fromkeys(
        (
            *("twilio_calls_per_second", "texts_per_second_long_code", "texts_per_second_toll_free"),
            *("texts_per_second_short_code", "monthly_budget_dollars"),
        ),
        _NUMBER,
    ),
}


class Place(NamedTuple):
    """The account and the region to which a stage is pinned."""

    account: str
    region: str


def list_faults(context: Mapping[str, Any]) -> Iterator[str]:
    """Yields a line for each value with a wrong form. Absent values have none."""
    for name, value in context.items():
        if not value:
            continue
        text = str(value)
        if name in CHOICES and text not in CHOICES[name]:
            *others, last = CHOICES[name]
            yield f"{name} must be {', '.join(others)} or {last}, not {text}"
        if name in FORMS and not re.fullmatch(FORMS[name][0], text):
            yield f"{name} must be {FORMS[name][1]}, not {text}"
        if name == "oidc_issuer" and not _is_issuer(text):
            yield f"oidc_issuer must be an https URL without query and fragment, not {text}"
        if name == "billing_origins" and not all(map(_is_origin, text.split(","))):
            yield f"billing_origins must be origins such as https://console.example.com, not {text}"


def find_place(accounts: Any, stage: str) -> Place | None:
    """Returns the place of a stage in the context `accounts`: `{"prod": "111122223333/eu-west-1"}`.

    If stages are pinned, a stage that is not among them is refused, except `dev`. Raises ValueError.
    """
    if not accounts:
        return None
    places = read_object("accounts", accounts, '{"prod": "111122223333/eu-west-1"}')
    if stage not in places:
        if stage == "dev":
            return None
        raise ValueError(f"stage {stage} is not among the stages of accounts: {', '.join(sorted(places))}")
    found = re.fullmatch(r"([0-9]{12})/([a-z]{2}(?:-[a-z]+)+-[0-9])", places[stage])
    if not found:
        raise ValueError(f"accounts: {stage} must be an account and a region, 111122223333/eu-west-1")
    return Place(*found.groups())


def read_object(name: str, given: Any, example: str) -> dict[str, str]:
    """Returns a setting that is an object of texts, or JSON of one. Raises ValueError."""
    try:
        found = json.loads(given) if isinstance(given, str) else given or {}
        return {str(key): str(value) for key, value in found.items()}
    except (ValueError, AttributeError):
        raise ValueError(f"{name} must be an object such as {example}") from None


def _is_issuer(url: str) -> bool:
    """Whether a URL has the form of an issuer (OpenID Connect Core, 2)."""
    parts = urlsplit(url)
    return parts.scheme == "https" and bool(parts.netloc) and not (parts.query or parts.fragment)


def _is_origin(url: str) -> bool:
    parts = urlsplit(url.strip())
    return parts.scheme == "https" and bool(parts.netloc) and not (parts.path or parts.query or parts.fragment)
