"""The port to a captcha: says whether a person, and not a program, asks.

A widget's page gets a token from the captcha, and this port checks the token. A token is good once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from switchboard.kit import settings

__all__ = ["Captcha", "CaptchaDownError", "CaptchaResult", "find_captcha", "is_test_secret", "site_key"]

#: The public test secrets of Turnstile begin so. They are for the local stack only.
_TEST_SECRETS = ("1x0000", "2x0000", "3x0000")


class CaptchaDownError(Exception):
    """The captcha's service did not answer, or it refuses our configuration."""


@dataclass(frozen=True, slots=True)
class CaptchaResult:
    """The result for a token. `hostname` and `action` say for which page it was made. `codes` say why it failed.

    A result of a test secret names no page (`tested`).
    """

    success: bool
    hostname: str = ""
    action: str = ""
    codes: tuple[str, ...] = ()
    tested: bool = False

    def is_for(self, hostname: str, action: str) -> bool:
        """Whether the token is good, and was made for an action on a host."""
        return self.success and (self.tested or (self.hostname == hostname and self.action == action))


class Captcha(Protocol):
    """Checks tokens of one captcha."""

    def check_token(self, token: str, address: str, secret: str | None = None) -> CaptchaResult:
        """Returns the result for a token from a client's address. Raises CaptchaDownError.

        `secret` belongs to the page's own site key. Without it, the deployment's secret counts.
        """


def _turnstile() -> Captcha:
    from switchboard.carriers.captcha.turnstile import Turnstile  # for cold start: loaded with the first check

    return Turnstile()


def _simulator() -> Captcha:
    from switchboard.carriers.captcha.simulator import SimulatedTurnstile  # for cold start: as above

    return SimulatedTurnstile()


_CAPTCHAS: dict[str, Callable[[], Captcha]] = {"turnstile": _turnstile, "simulator": _simulator}


def find_captcha(*, with_secret: bool = False) -> Captcha | None:
    """Returns the captcha, or `None`: Turnstile with a secret, and on the local stack a simulator.

    `with_secret` means that the page brings a secret of its own.
    """
    local = settings.stage() == "local"
    if settings.text("TURNSTILE_SECRET", "") or (with_secret and not local):
        return _CAPTCHAS["turnstile"]()
    return _CAPTCHAS["simulator"]() if local else None


def is_test_secret(secret: str) -> bool:
    """Whether a secret is a public one that lets everybody or nobody pass."""
    return secret.startswith(_TEST_SECRETS)


def site_key() -> str | None:
    """Returns the deployment's own public key for pages, or `None`. The local stack has Cloudflare's test key."""
    test = "1x00000000000000000000AA" if settings.stage() == "local" else ""
    return settings.text("TURNSTILE_SITE_KEY", test) or None
