"""The fields of a brand in the words of TrustHub. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SOLE_PROPRIETOR = "SOLE_PROPRIETOR"
#: TrustHub has no other kinds of company. It tells them apart by the A2P profile.
_BUSINESS_TYPES = {
    "PRIVATE_PROFIT": "Limited Liability Corporation",
    "PUBLIC_PROFIT": "Corporation",
    "NON_PROFIT": "Non-profit Corporation",
    "GOVERNMENT": "Non-profit Corporation",
}
_COMPANY_TYPES = {
    "PRIVATE_PROFIT": "private",
    "PUBLIC_PROFIT": "public",
    "NON_PROFIT": "non_profit",
    "GOVERNMENT": "government",
}
#: TrustHub's industries of the registry's verticals. The others have the same name.
_INDUSTRIES = {
    "PROFESSIONAL": "ONLINE",
    "HUMAN_RESOURCES": "ONLINE",
    "ENTERTAINMENT": "MEDIA",
    "POSTAL": "TRANSPORTATION",
    "POLITICAL": "NOT_FOR_PROFIT",
    "GAMBLING": "HOSPITALITY",
    "CONSTRUCTION": "ENGINEERING",
    "NGO": "NOT_FOR_PROFIT",
    "COMMUNICATION": "TELECOMMUNICATIONS",
}
_JOBS = frozenset({"Director", "GM", "VP", "CEO", "CFO", "General Counsel", "Other"})


def business_attributes(brand: Mapping[str, Any]) -> dict[str, str]:
    """Returns the attributes of `customer_profile_business_information`."""
    entity = str(brand["entity_type"])
    vertical = str(brand.get("vertical") or "ONLINE")
    fixed = {"GOVERNMENT": "GOVERNMENT", "NON_PROFIT": "NOT_FOR_PROFIT"}.get(entity)
    return {
        "business_name": str(brand.get("company_name") or brand["display_name"]),
        "business_identity": "direct_customer",
        "business_type": _BUSINESS_TYPES[entity],
        "business_industry": fixed or _INDUSTRIES.get(vertical, vertical),
        "business_registration_identifier": "EIN" if _is_american_tax_number(brand) else "Other",
        "business_registration_number": str(brand["ein"]),
        "business_regions_of_operation": "USA_AND_CANADA",
        "website_url": str(brand.get("website") or ""),
        "social_media_profile_urls": "",
    }


def _is_american_tax_number(brand: Mapping[str, Any]) -> bool:
    return (brand.get("ein_issuing_country") or "US") == "US"


def representative_attributes(brand: Mapping[str, Any]) -> dict[str, str]:
    """Returns the attributes of `authorized_representative_1`."""
    job = str(brand.get("job_position") or "Other")
    return {
        **contact_attributes(brand),
        "business_title": str(brand.get("business_title") or ""),
        "job_position": job if job in _JOBS else "Other",
    }


def contact_attributes(brand: Mapping[str, Any]) -> dict[str, str]:
    """Returns the attributes of `starter_customer_profile_information`: the person who registers."""
    return {
        "first_name": str(brand.get("first_name") or ""),
        "last_name": str(brand.get("last_name") or ""),
        "email": str(brand["email"]),
        "phone_number": str(brand["phone"]),
    }


def messaging_attributes(brand: Mapping[str, Any]) -> dict[str, str]:
    """Returns the attributes of `us_a2p_messaging_profile_information`."""
    entity = str(brand["entity_type"])
    found = {"company_type": _COMPANY_TYPES[entity]}
    if entity == "PUBLIC_PROFIT":
        found |= {
            "stock_exchange": str(brand["stock_exchange"]),
            "stock_ticker": str(brand["stock_symbol"]),
            "brand_contact_email": str(brand["email"]),
        }
    return found


def sole_proprietor_attributes(brand: Mapping[str, Any]) -> dict[str, str]:
    """Returns the attributes of `sole_proprietor_information`."""
    return {
        "brand_name": str(brand["display_name"]),
        "mobile_phone_number": str(brand["phone"]),
        "vertical": "PROFESSIONAL",
    }
