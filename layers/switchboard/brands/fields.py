"""The fields of brands and campaigns: their names, in all spellings, and the facts that they hold.

The registry writes `entityType`, Twilio writes `EntityType`, and this API writes `entity_type`. A draft may use any of
them, and keeps what it got.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

BRAND_FIELDS = (
    *("entity_type", "display_name", "company_name", "ein", "ein_issuing_country", "phone", "street", "city", "state"),
    *("postal_code", "country", "email", "website", "brand_relationship", "vertical", "business_type"),
    *("business_industry", "stock_symbol", "stock_exchange", "alt_business_id", "alt_business_id_type"),
    *("mobile_phone", "first_name", "last_name", "business_title", "job_position", "reference_id", "mock"),
)
CAMPAIGN_FIELDS = (
    *("usecase", "sub_usecases", "description", "message_flow", "samples", "embedded_link", "embedded_phone"),
    *("number_pool", "age_gated", "direct_lending", "affiliate_marketing", "subscriber_optin", "subscriber_optout"),
    *("subscriber_help", "optin_keywords", "optout_keywords", "help_keywords", "optin_message", "optout_message"),
    *("help_message", "privacy_policy_url", "terms_and_conditions_url", "auto_renewal"),
)
#: Fields whose words are in capital letters. A draft may write them in any way.
_CAPITALS = (
    *("entity_type", "country", "ein_issuing_country", "state", "vertical", "business_industry", "stock_exchange"),
)
#: Fields of a campaign's view that a request cannot change. A client may send back what it read.
READ_ONLY = frozenset({"id", "status", "errors", "submitted_at", "decided_at"})
#: Other names of the same fields, in Twilio's words.
_ALIASES = {
    "message_samples": "samples",
    "has_embedded_links": "embedded_link",
    "embedded_links": "embedded_link",
    "has_embedded_phone": "embedded_phone",
    "us_app_to_person_usecase": "usecase",
    "use_case": "usecase",
    "sub_use_cases": "sub_usecases",
    "zip": "postal_code",
    "zip_code": "postal_code",
    "stock_ticker": "stock_symbol",
}

_LONG_ZIP = re.compile(r"([0-9]{5})-[0-9]{4}")


def _plain(name: str) -> str:
    """Returns a name without what its spelling adds: `HasEmbeddedPhone` and `has_embedded_phone` are one."""
    return name.replace("_", "").casefold()


_FIELDS = {_plain(name): name for name in (*BRAND_FIELDS, *CAMPAIGN_FIELDS)} | {
    _plain(alias): name for alias, name in _ALIASES.items()
}


def to_field(name: str) -> str:
    """Returns the name of a field for any of its spellings. A name that is no field stays as it is."""
    return _FIELDS.get(_plain(name), name)


def read_facts(draft: Mapping[str, Any], known: tuple[str, ...]) -> dict[str, Any]:
    """Returns the known fields of a draft by their names. Texts are trimmed, and empty values are missing ones."""
    facts: dict[str, Any] = {}
    for name, value in draft.items():
        field = to_field(name)
        trimmed = value.strip() if isinstance(value, str) else value
        if field in known and trimmed not in (None, "", [], {}):
            facts[field] = trimmed
    return facts


def brand_facts(top: Mapping[str, Any], payload: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the facts of a brand. The fields beside the payload go before those in it."""
    facts = read_facts(payload, BRAND_FIELDS) | read_facts(top, BRAND_FIELDS)
    if isinstance(ein := facts.get("ein"), str):
        facts["ein"] = ein.replace("-", "").replace(" ", "")
    for name in _CAPITALS:
        if isinstance(value := facts.get(name), str):
            facts[name] = value.upper()
    code = facts.get("postal_code")
    if isinstance(code, str) and (long := _LONG_ZIP.fullmatch(code)):
        # The registry takes five digits.
        facts["postal_code"] = long[1]
    return facts


def campaign_facts(draft: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the facts of a campaign. Keywords may be a list, or a text with commas."""
    facts = read_facts(draft, CAMPAIGN_FIELDS)
    for name in ("optin_keywords", "optout_keywords", "help_keywords"):
        if isinstance(value := facts.get(name), str):
            facts[name] = [word.strip() for word in value.split(",")]
    if isinstance(usecase := facts.get("usecase"), str):
        facts["usecase"] = usecase.upper()
    if isinstance(subs := facts.get("sub_usecases"), list):
        facts["sub_usecases"] = [sub.upper() if isinstance(sub, str) else sub for sub in subs]
    return facts
