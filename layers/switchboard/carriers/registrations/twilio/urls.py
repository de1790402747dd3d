"""The address of Twilio's callbacks about registrations: `/twilio/a2p/<organization>/<brand>`. It has no query."""

from __future__ import annotations

from switchboard.carriers.twilio_retries import retried_url
from switchboard.kit import settings

BASE_PATH = "/twilio/a2p/"


def status_path(org_id: str, brand_id: str) -> str:
    """Returns the path of the callbacks about a brand."""
    return f"{BASE_PATH}{org_id}/{brand_id}"


def status_url(org_id: str, brand_id: str) -> str | None:
    """Returns the public URL of the callbacks, `None` if the deployment has none: then only questions bring news."""
    base = settings.text("PUBLIC_URL", "").rstrip("/")
    return retried_url(base + status_path(org_id, brand_id)) if base else None
