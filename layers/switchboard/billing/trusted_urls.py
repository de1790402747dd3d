"""The addresses that a customer returns to from a hosted page. They lead to trusted origins only.

Trusted are the deployment's own origin and those in the setting BILLING_ORIGINS, with commas between them. Origins are
compared exactly: scheme, host and port.
"""

from __future__ import annotations

import re

from switchboard.errors import Invalid
from switchboard.kit import settings
from switchboard.kit.web_origins import normalize_origin
from switchboard.people import return_to

_LONGEST = 2_048
# Printable ASCII without spaces, quotes, angle brackets and backslashes: browsers and servers read the rest alike.
_URL = re.compile(r"(?P<origin>https?://[^/?#\\@]+)(?P<rest>(?:[/?#][!#$%&'()*+,\-./0-9:;=?@A-Z\[\]_a-z{}~]*)?)")


def trusted_origins() -> frozenset[str]:
    """Returns the trusted origins in their normal form."""
    named = [settings.text("PUBLIC_URL", ""), *settings.text("BILLING_ORIGINS", "").split(",")]
    return frozenset(normalize_origin(one.strip().rstrip("/")) for one in named if one.strip())


def require_trusted(url: str, field: str) -> str:
    """Returns a URL that leads to a trusted origin. Raises Invalid with `untrusted_url`."""
    match = _URL.fullmatch(url) if len(url) <= _LONGEST else None
    try:
        origin = normalize_origin(match["origin"]) if match else None
    except ValueError:
        origin = None
    if origin is None or origin not in trusted_origins():
        raise Invalid(
            f"{field} must be a page of this application: use its own address, or leave the field out.",
            code="untrusted_url",
            fields={field: "must be a URL of a trusted origin"},
        )
    return url


def home_url(outcome: str) -> str:
    """Returns the default address, which tells the page how the payment ended."""
    path = return_to.home_path()
    return f"{settings.text('PUBLIC_URL', '').rstrip('/')}{path}{'&' if '?' in path else '?'}billing={outcome}"
