"""Brands in the `core` table. An organization has one, and its campaign is a part of it.

| item | pk | sk |
|---|---|---|
| brand with its campaign | `<org>` | `brand` |
"""

from __future__ import annotations

from typing import Any

from switchboard.aws.dynamodb import Item, Key
from switchboard.brands.models import Brand
from switchboard.kit import texts
from switchboard.persistence.collection import Collection

BRAND_PREFIX, CAMPAIGN_PREFIX = "brd", "bcp"


def _key(org_id: str, _: str) -> Key:
    return {"pk": org_id, "sk": "brand"}


def _pack(item: Item) -> Item:
    # The fields of a campaign are the caller's own JSON.
    return _with_fields(item, texts.dump_json)


def _unpack(item: Item) -> Item:
    return _with_fields(item, texts.load_json)


def _with_fields(item: Item, convert: Any) -> Item:
    campaign = item.get("campaign")
    return item | {"campaign": campaign | {"fields": convert(campaign["fields"])}} if campaign else item


BRANDS = Collection("core", Brand, _key, pack=_pack, unpack=_unpack)


def find_brand(org_id: str) -> Brand | None:
    """Returns the organization's brand, `None` before its first draft."""
    return BRANDS.get_object(org_id, "")
