"""Seals what a brand must not show: the tax number, and the facts about people and places in the payload."""

from __future__ import annotations

import json
from typing import Any

from switchboard.aws import secret
from switchboard.brands.fields import to_field
from switchboard.brands.models import Brand
from switchboard.kit import texts

_SHOWN = 4


def seal_ein(org_id: str, ein: str | None) -> dict[str, str | None]:
    """Returns the fields of a brand that keep a tax number."""
    if not ein:
        return {"sealed_ein": None, "ein_last4": None}
    return {"sealed_ein": secret.seal(_purpose(org_id, "ein"), ein), "ein_last4": ein[-_SHOWN:]}


def open_ein(brand: Brand) -> str | None:
    """Returns the tax number of a brand."""
    return secret.unseal(_purpose(brand.org_id, "ein"), brand.sealed_ein) if brand.sealed_ein else None


def seal_payload(org_id: str, payload: dict[str, Any]) -> str | None:
    """Returns the sealed payload."""
    return secret.seal(_purpose(org_id, "payload"), texts.dump_json(payload)) if payload else None


def open_payload(brand: Brand) -> dict[str, Any]:
    """Returns the payload of a brand as its members wrote it."""
    if brand.sealed_payload is None:
        return {}
    found: dict[str, Any] = json.loads(secret.unseal(_purpose(brand.org_id, "payload"), brand.sealed_payload))
    return found


def mask_ein(ein: str) -> str:
    """Returns a tax number with its last four characters only."""
    return "*" * max(0, len(ein) - _SHOWN) + ein[-_SHOWN:]


def mask_payload(payload: dict[str, Any]) -> dict[str, Any]:
    """Returns a payload whose tax number is masked, under any of its names."""
    return {
        name: mask_ein(value) if to_field(name) == "ein" and isinstance(value, str) else value
        for name, value in payload.items()
    }


def is_mask(sent: Any, known: Any) -> bool:
    """Whether a client sends a tax number back as this API showed it."""
    return isinstance(sent, str) and isinstance(known, str) and "*" in sent and sent == mask_ein(known)


def without_masks(patch: dict[str, Any], payload: dict[str, Any]) -> dict[str, Any]:
    """Returns a change of a payload without masked tax numbers, which change nothing."""
    return {name: value for name, value in patch.items() if not is_mask(value, payload.get(name))}


def _purpose(org_id: str, what: str) -> str:
    return f"brand {what} {org_id}"
