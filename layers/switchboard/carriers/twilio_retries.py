"""Has Twilio send a report again. By default it sends each report once, and a lost report of an end holds a call open.

Twilio reads the settings from the fragment of the URL (its "connection overrides"): `rc` is the number of retries, and
`rp` names the failures, here every response but a 2xx, and every timeout. The fragment is no part of the request, and
the signature does not cover it.
"""

from __future__ import annotations

_RETRIES = "rc=3&rp=all"


def retried_url(url: str) -> str:
    """Returns the URL of a callback whose reports may come twice."""
    return f"{url}#{_RETRIES}"
