"""Requests for the brand and its campaign."""

from __future__ import annotations

from typing import Any

from switchboard.aws.writes import Delete, commit
from switchboard.brands import drafts
from tests.actors import system
from tests.contract.console import Console
from tests.contract.world import Ask
from tests.unit.brands.desk import PAYLOAD, TOP, submit_proprietor

_BRAND: dict[str, Any] = {**TOP, "payload": PAYLOAD}


def _new_draft(org: Console, below: str, body: dict[str, Any] | None = None) -> Ask:
    """A request for an organization whose brand is a valid draft again. It has one brand only."""
    commit(Delete(table="core", key={"pk": org.org_id, "sk": "brand"}))
    drafts.save_brand(system(org.org_id), _BRAND)
    return Ask("POST", f"/api/brands{below}", body)


def _new_proprietor(org: Console) -> Ask:
    """A request for a sole proprietor who has not answered the text of the registry."""
    commit(Delete(table="core", key={"pk": org.org_id, "sk": "brand"}))
    submit_proprietor(system(org.org_id))
    return Ask("POST", "/api/brands/verification")


GOOD = {
    "getBrand": lambda _: Ask("GET", "/api/brands"),
    "upsertBrand": lambda org: _new_draft(org, "", {"display_name": "Lakeside"}),
    "submitBrand": lambda org: _new_draft(org, "/submit"),
    "resendBrandVerification": _new_proprietor,
    "upsertBrandCampaign": lambda org: _new_draft(org, "/campaign", {"usecase": "CUSTOMER_CARE"}),
}
