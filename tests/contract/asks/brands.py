"""Requests for the brand and its campaign."""

from __future__ import annotations

from typing import Any

from tests.contract.console import Console
from tests.contract.world import Ask

_BRAND: dict[str, Any] = {
    "display_name": "Lakeside Clinic",
    "ein": "12-3456789",
    "website": "https://lakeside.example.com",
    "payload": {
        "entity_type": "PRIVATE_PROFIT",
        "company_name": "Lakeside Clinic LLC",
        "phone": "+14155550142",
        "street": "1 Lake Street",
        "city": "San Francisco",
        "state": "CA",
        "postal_code": "94105",
        "country": "US",
        "email": "office@lakeside.example.com",
        "vertical": "HEALTHCARE",
        "brand_relationship": "BASIC_ACCOUNT",
    },
}


def _submission(org: Console) -> Ask:
    org.admin.post("/api/brands", _BRAND)
    return Ask("POST", "/api/brands/submit")


GOOD = {
    "getBrand": lambda _: Ask("GET", "/api/brands"),
    "upsertBrand": lambda _: Ask("POST", "/api/brands", _BRAND),
    "submitBrand": _submission,
    "upsertBrandCampaign": lambda _: Ask("POST", "/api/brands/campaign", {"usecase": "CUSTOMER_CARE"}),
}
