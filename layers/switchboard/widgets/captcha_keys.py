"""The keys of a token's own captcha: the site key is public, and the secret that belongs to it is sealed.

A captcha's service has one secret for each site key, so the deployment's secret says nothing about another site key.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from switchboard.aws import secret
from switchboard.carriers import captcha
from switchboard.errors import Invalid
from switchboard.kit import settings
from switchboard.widgets.models import WidgetToken


def has_own_captcha(token: WidgetToken) -> bool:
    """Whether a token has another site key than the deployment."""
    return token.captcha_site_key not in (None, captcha.site_key())


def sealed_after(before: WidgetToken, site_key: str | None, sent: Mapping[str, Any]) -> str | None:
    """Returns the sealed secret of a token after a change: a new site key ends the secret of the old one.

    Raises Invalid.
    """
    if "captcha_secret" not in sent:
        return before.sealed_captcha_secret if site_key == before.captcha_site_key else None
    return seal_secret(before.org_id, before.id, site_key, sent["captcha_secret"])


def seal_secret(org_id: str, token_id: str, site_key: str | None, text: str | None) -> str | None:
    """Returns the secret of a site key in its stored form. Raises Invalid."""
    if text is None:
        return None
    problem = None
    if site_key is None:
        problem = "needs captcha_site_key, the public key that belongs to it"
    elif captcha.is_test_secret(text) and settings.stage() != "local":
        problem = "is a test secret, which lets everybody pass"
    if problem:
        raise Invalid(
            "The captcha's secret is not valid: see the field.",
            code="captcha_secret",
            fields={"captcha_secret": problem},
        )
    return secret.seal(_purpose(org_id, token_id), text)


def read_secret(token: WidgetToken) -> str | None:
    """Returns the secret of a token's own site key, or `None`."""
    if token.sealed_captcha_secret is None or not has_own_captcha(token):
        return None
    return secret.unseal(_purpose(token.org_id, token.id), token.sealed_captcha_secret)


def _purpose(org_id: str, token_id: str) -> str:
    return f"widget captcha secret {org_id} {token_id}"
