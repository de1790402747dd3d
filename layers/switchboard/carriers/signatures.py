"""Verifies the signatures of providers' callbacks. Pure functions of the request, the active secrets and the time.

| provider | header | signed | as |
|---|---|---|---|
| Twilio | `X-Twilio-Signature` | URL, then name and value of every parameter, sorted by name | base64 of HMAC-SHA1 |
| Stripe | `Stripe-Signature: t=…,v1=…` | `<t>.<body>` | hex of HMAC-SHA256 |
| ElevenLabs | `ElevenLabs-Signature: t=…,v0=…` | `<t>.<body>` | hex of HMAC-SHA256 |
| LiveKit | `Authorization` | a JSON Web Token (HS256) with `sha256` of the body | base64 in its claim |

During a rotation several secrets are active, and one matching secret is enough. All comparisons take constant time.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable, Sequence
from urllib.parse import parse_qs, urlsplit

from switchboard.kit import jwts

#: How far a signature's time may differ from our clock, in the past or the future (the providers' own figures).
STRIPE_TOLERANCE_SECONDS = 300
ELEVENLABS_TOLERANCE_SECONDS = 1_800
#: How far LiveKit's clock may differ from ours. Its tokens contain their own expiry, after five minutes.
LIVEKIT_LEEWAY_SECONDS = 60

_TIME = re.compile("[0-9]{1,12}")
_LONGEST_HEADER = 4_096
#: The most signatures in a header. During a rotation providers send two.
_MOST_SIGNATURES = 16
#: The most parameters of a signed URL.
_MOST_PARAMETERS = 100


def verify_twilio(url: str, parameters: Iterable[tuple[str, str]], signature: str, tokens: Sequence[str]) -> bool:
    """Whether Twilio signed a form for this URL with one of these auth tokens.

    Of a repeated parameter, each different value counts once, in sorted order. Twilio signs some URLs with the default
    port and some without it, so both forms are tried.
    """
    found: dict[str, set[str]] = {}
    for name, value in parameters:
        found.setdefault(name, set()).add(value)
    form = "".join(name + value for name in sorted(found) for value in sorted(found[name]))
    texts = [_bytes(place + form) for place in _with_and_without_port(url)]
    made = [base64.b64encode(hmac.digest(_bytes(token), text, "sha1")) for token in tokens if token for text in texts]
    return _any_equal(made, [_bytes(signature)])


def verify_twilio_json(url: str, body: bytes, signature: str, tokens: Sequence[str]) -> bool:
    """Whether Twilio signed a body that is not a form. The URL that it signed has the digest of the body.

    A URL with no digest, or with several, proves nothing about the body.
    """
    try:
        digests = parse_qs(urlsplit(url).query, max_num_fields=_MOST_PARAMETERS).get("bodySHA256", [])
    except ValueError:
        return False
    made = hashlib.sha256(body).hexdigest().encode()
    same = len(digests) == 1 and hmac.compare_digest(made, _bytes(digests[0]))
    return verify_twilio(url, (), signature, tokens) and same


def verify_stripe(body: bytes, header: str, secrets: Sequence[str], now: float) -> bool:
    """Whether Stripe signed a body at most five minutes ago. `now` is in seconds since 1970."""
    return _verify_timed(body, header, "v1", secrets, now, STRIPE_TOLERANCE_SECONDS)


def verify_elevenlabs(body: bytes, header: str, secrets: Sequence[str], now: float) -> bool:
    """Whether ElevenLabs signed a body at most half an hour ago. `now` is in seconds since 1970."""
    return _verify_timed(body, header, "v0", secrets, now, ELEVENLABS_TOLERANCE_SECONDS)


def verify_livekit(body: bytes, header: str, secrets: Sequence[str], now: float) -> bool:
    """Whether LiveKit, or an agent with its API secret, signed a body. `now` is in seconds since 1970.

    Reps' tickets are tokens with the same secret. They have no `sha256`, so they do not sign a body.
    """
    token = header.removeprefix("Bearer ").strip()
    if len(header) > _LONGEST_HEADER:
        return False
    made = [base64.b64encode(hashlib.sha256(body).digest())]
    for secret in filter(None, secrets):
        try:
            claims = jwts.verify_claims(token, _bytes(secret))
        except jwts.NotSignedError:
            continue
        expires, begins, signed = claims.get("exp"), claims.get("nbf", 0), claims.get("sha256")
        if type(expires) is not int or type(begins) is not int or not isinstance(signed, str):
            continue
        if begins - LIVEKIT_LEEWAY_SECONDS <= now <= expires + LIVEKIT_LEEWAY_SECONDS:
            return _any_equal(made, [_bytes(signed)])
    return False


def _verify_timed(body: bytes, header: str, version: str, secrets: Sequence[str], now: float, tolerance: int) -> bool:
    if len(header) > _LONGEST_HEADER:
        return False
    pairs = [part.strip().partition("=") for part in header.split(",")]
    times = [value for name, _, value in pairs if name == "t"]
    signatures = [_bytes(value) for name, _, value in pairs if name == version]
    if len(times) != 1 or not _TIME.fullmatch(times[0]) or len(signatures) > _MOST_SIGNATURES:
        return False
    if abs(now - int(times[0])) > tolerance:
        return False
    text = times[0].encode() + b"." + body
    return _any_equal([hmac.digest(_bytes(one), text, "sha256").hex().encode() for one in secrets if one], signatures)


def _with_and_without_port(url: str) -> list[str]:
    """Returns a URL with and without its scheme's default port. A URL with another port has only one form."""
    match = re.fullmatch(r"(https?)://([^/?#:]+)(:[0-9]+)?([/?#].*)?", url, re.DOTALL)
    if match is None:
        return [url]
    scheme, host, port, rest = match[1], match[2], match[3] or "", match[4] or ""
    own = ":443" if scheme == "https" else ":80"
    if port not in ("", own):
        return [url]
    return [f"{scheme}://{host}{rest}", f"{scheme}://{host}{own}{rest}"]


def _any_equal(made: Sequence[bytes], sent: Sequence[bytes]) -> bool:
    # Compare every pair, so that the duration does not reveal which pair matches.
    return sum(hmac.compare_digest(one, other) for one in made for other in sent) > 0


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogatepass")
