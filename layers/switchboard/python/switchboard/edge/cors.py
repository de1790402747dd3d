"""Cross-origin requests (CORS), for the few operations that browsers of other origins call.

Every origin may call them, and no browser sends its own credentials along: what opens them is in the request.
"""

from __future__ import annotations

from collections.abc import Sequence

#: For how long a browser may remember what it was told, in seconds: as long as any of them does.
_REMEMBERED = 7_200
_ALLOWED = ("Authorization", "Content-Type")


def headers(exposed: Sequence[str]) -> dict[str, str]:
    """What every answer of such an operation carries, so that a script may read it."""
    return {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": ", ".join(exposed)}


def preflight(methods: Sequence[str]) -> dict[str, str]:
    """What the answer to a browser's question says besides."""
    return {
        "Access-Control-Allow-Methods": ", ".join(methods),
        "Access-Control-Allow-Headers": ", ".join(_ALLOWED),
        "Access-Control-Max-Age": str(_REMEMBERED),
    }
