"""The fields of a brand in the words of TrustHub. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SOLE_PROPRIETOR = "SOLE_PROPRIETOR"
_COMPANY_TYPES = {
    "PRIVATE_PROFIT": "private",
    "PUBLIC_PROFIT": "public",
    "NON_PROFIT": "non_profit",
    "GOVERNMENT": "government",
}
#: The European Union's members whose tax number is a VAT number to TrustHub. It has a kind of its own for Romania.
_VAT_COUNTRIES = (
    *("AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT", "LT", "LU"),
    *("LV", "MT", "NL", "PL", "PT", "SE", "SI", "SK"),
)
#: TrustHub's kinds of registration numbers by the country that gave the number.
_NUMBER_KINDS = {
    "US": "EIN",
    "CA": "CBN",
    "GB": "CN",
    "AU": "ACN",
    "IN": "CIN",
    "RO": "VATRN",
    "IL": "RN",
    **dict.fromkeys(_VAT_COUNTRIES, "VAT"),
}
_JOBS = frozenset({"Director", "GM", "VP", "CEO", "CFO", "General Counsel", "Other"})


def business_attributes(brand: Mapping[str, Any]) -> dict[str, str]:
    """Returns the attributes of `customer_profile_business_information`."""
    return {
        "business_name": str(brand.get("company_name") or brand["display_name"]),
        "business_identity": "direct_customer",
        "business_type": str(brand["business_type"]),
        "business_industry": str(brand["business_industry"]),
        "business_registration_identifier": _NUMBER_KINDS.get(str(brand.get("ein_issuing_country") or "US"), "Other"),
        "business_registration_number": str(brand["ein"]),
        "business_regions_of_operation": "USA_AND_CANADA",
        "website_url": str(brand.get("website") or ""),
        "social_media_profile_urls": "",
    }


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
        "mobile_phone_number": str(brand.get("mobile_phone") or brand["phone"]),
        "vertical": str(brand.get("vertical") or "PROFESSIONAL"),
    }
