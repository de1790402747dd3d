"""Cloudflare Turnstile (docs/contracts/providers.md#turnstile)."""

from __future__ import annotations

import asyncio
import json
from http import HTTPStatus
from typing import Any

from switchboard.aws.secret import active_secrets
from switchboard.carriers.captcha import CaptchaDownError, CaptchaResult, is_test_secret
from switchboard.kit import settings
from switchboard.outbound.errors import NoResponseError

#: The most time that a visitor waits for the check.
_SECONDS = 5.0
#: The longest token that Turnstile makes.
MAX_TOKEN_CHARACTERS = 2_048
#: Codes that blame our configuration or the service, and not the visitor's token.
_OURS = frozenset({"missing-input-secret", "invalid-input-secret", "bad-request", "internal-error"})


class Turnstile:
    """Turnstile. The setting TURNSTILE_SECRET names a secret of Secrets Manager."""

    def check_token(self, token: str, address: str, secret: str | None = None) -> CaptchaResult:
        """Asks Cloudflare about a token. The answer spends the token."""
        if not token or len(token) > MAX_TOKEN_CHARACTERS:
            return CaptchaResult(success=False, codes=("invalid-input-response",))
        known = secret or active_secrets(settings.text("TURNSTILE_SECRET"))[0]
        tested = is_test_secret(known)
        if tested and settings.stage() != "local":
            raise CaptchaDownError("the captcha has a test secret, which lets everybody pass")
        told = {"secret": known, "response": token} | ({"remoteip": address} if address else {})
        return parse_result(_ask(told), tested=tested)


def parse_result(found: dict[str, Any], *, tested: bool = False) -> CaptchaResult:
    """Returns the result in Cloudflare's answer. Raises CaptchaDownError if the fault is ours."""
    listed = found.get("error-codes")
    codes = tuple(str(code) for code in listed) if isinstance(listed, list) else ()
    if found.get("success") is not True and _OURS & set(codes):
        raise CaptchaDownError(f"Turnstile refused the check: {', '.join(codes)}")
    return CaptchaResult(
        success=found.get("success") is True,
        hostname=str(found.get("hostname") or ""),
        action=str(found.get("action") or ""),
        codes=codes,
        tested=tested,
    )


def _ask(told: dict[str, str]) -> dict[str, Any]:
    url = settings.text("TURNSTILE_URL", "https://challenges.cloudflare.com/turnstile/v0/siteverify")
    try:
        status, body = asyncio.run(_post(url, json.dumps(told).encode()))
        found = json.loads(body)
    except NoResponseError as error:
        raise CaptchaDownError(f"Turnstile cannot be reached: {error.reason}") from error
    except ValueError as error:
        raise CaptchaDownError("Turnstile's answer is not JSON") from error
    # A refused check has 400 or 200, and says why in its codes.
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or not isinstance(found, dict):
        raise CaptchaDownError(f"Turnstile returned the status {status}")
    return found


async def _post(url: str, body: bytes) -> tuple[int, bytes]:
    from switchboard.outbound.client import GuardedClient  # for cold start: loaded with the first check

    async with GuardedClient() as web:
        found = await web.post(url, {"Content-Type": "application/json"}, body, _SECONDS)
        return found.status, found.body
