"""Turnstile as it answers its public test secrets, for the local stack, which reaches no other server."""

from __future__ import annotations

from switchboard.carriers.captcha import CaptchaResult

#: The token of Cloudflare's test keys. A real secret never accepts it.
TEST_TOKEN = "XXXX.DUMMY.TOKEN.XXXX"  # noqa: S105 a public test token
#: A token that was used before, as the test secret `3x…AA` reports every token.
SPENT_TOKEN = "XXXX.SPENT.TOKEN.XXXX"  # noqa: S105 a public test token


class SimulatedTurnstile:
    """Accepts the test token, and no other."""

    def check_token(self, token: str, address: str, secret: str | None = None) -> CaptchaResult:  # noqa: ARG002 as a captcha
        """Returns the result for a token."""
        if token == SPENT_TOKEN:
            return CaptchaResult(success=False, codes=("timeout-or-duplicate",), tested=True)
        if token != TEST_TOKEN:
            return CaptchaResult(success=False, codes=("invalid-input-response",), tested=True)
        return CaptchaResult(success=True, tested=True)
