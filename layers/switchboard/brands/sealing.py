"""Seals what a brand must not show: the tax number, and the facts about people and places in the payload."""

from __future__ import annotations

import json
import re
from typing import Any

from switchboard.aws import secret
from switchboard.brands.models import Brand
from switchboard.kit import texts

_SHOWN = 4
#: The names under which a draft may have a tax number, without what a spelling adds.
_TAX_NAMES = frozenset(
    {
        *("ein", "fein", "tin", "itin", "ssn", "taxid", "federaltaxid", "taxidnumber", "taxnumber", "vatnumber"),
        *("taxidentificationnumber", "taxpayerid", "taxpayeridentificationnumber", "employeridentificationnumber"),
        *("einnumber", "socialsecuritynumber", "businessregistrationnumber", "companyregistrationnumber"),
    }
)
#: A shorter number is not looked for in other texts, because too much is like it. A longer one is no tax number.
_LEAST_FOUND, _MOST_FOUND = 7, 32
_MOST_NUMBERS = 8


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


def mask_payload(payload: dict[str, Any], ein: str | None) -> dict[str, Any]:
    """Returns a payload without tax numbers, wherever they stand: under a name of one, or in any other text."""
    known = {_to_characters(str(one)) for one in (ein or "", *_list_named(payload, named=False))}
    long_ones = sorted(one for one in known if _LEAST_FOUND <= len(one) <= _MOST_FOUND)[:_MOST_NUMBERS]
    # Anything but a letter or a digit may stand between two characters of a number.
    numbers = "|".join(r"[\W_]?".join(one) for one in long_ones)
    pattern = re.compile(rf"(?<![^\W_])(?:{numbers})(?![^\W_])", re.I) if numbers else None
    masked: dict[str, Any] = _masked(payload, pattern, named=False)
    return masked


def _masked(value: Any, numbers: re.Pattern[str] | None, *, named: bool) -> Any:
    """Returns a part of a payload without tax numbers. `named` says that the part has the name of a tax number."""
    if isinstance(value, dict):
        return {name: _masked(part, numbers, named=named or _is_tax_name(name)) for name, part in value.items()}
    if isinstance(value, list):
        return [_masked(part, numbers, named=named) for part in value]
    if value is None or isinstance(value, bool):
        return value
    text = str(value)
    shown = mask_ein(text) if named else text
    shown = numbers.sub(lambda found: mask_ein(found[0]), shown) if numbers else shown
    return value if shown == text else shown


def _list_named(value: Any, *, named: bool) -> list[Any]:
    """Returns the values of a payload under the names of tax numbers."""
    if isinstance(value, dict):
        return [one for name, part in value.items() for one in _list_named(part, named=named or _is_tax_name(name))]
    if isinstance(value, list):
        return [one for part in value for one in _list_named(part, named=named)]
    return [value] if named else []


def _is_tax_name(name: str) -> bool:
    return _to_characters(name) in _TAX_NAMES


def _to_characters(text: str) -> str:
    return "".join(one for one in text.casefold() if one.isalnum())


def restore_masked(sent: dict[str, Any], known: dict[str, Any], ein: str | None) -> dict[str, Any]:
    """Returns what a client sends, with the tax numbers that it sends back as this API showed them."""
    restored: dict[str, Any] = _restored(sent, known, mask_payload(known, ein))
    return restored


def _restored(sent: Any, known: Any, shown: Any) -> Any:
    if isinstance(sent, dict) and isinstance(known, dict):
        return {name: _restored(part, known.get(name), shown.get(name)) for name, part in sent.items()}
    if isinstance(sent, list) and isinstance(known, list):
        rest = len(sent) - len(known)
        olds = zip([*known, *[None] * rest], [*shown, *[None] * rest], strict=True)
        return [_restored(part, *old) for part, old in zip(sent, olds, strict=False)]
    return known if isinstance(sent, str) and sent == shown else sent


def _purpose(org_id: str, what: str) -> str:
    return f"brand {what} {org_id}"
