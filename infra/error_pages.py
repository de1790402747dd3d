"""The data of the portal's pages about errors, made from the code: `python -m infra.error_pages` writes it.

The codes are those of the dialects, and all conditions that the code raises. So no code is missing.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from infra.error_texts import TEXTS
from switchboard import errors
from switchboard.compliance import verdicts
from switchboard.dialects.anima import errors as anima
from switchboard.dialects.anima.dialect import Anima
from switchboard.dialects.athos import errors as athos
from switchboard.dialects.athos.dialect import Athos
from switchboard.dialects.hum import errors as hum
from switchboard.dialects.hum.dialect import Hum
from switchboard.dialects.opticomm import errors as opticomm
from switchboard.dialects.opticomm.dialect import OptiComm
from switchboard.edge.dialect import Dialect
from switchboard.errors import DomainError

ROOT = Path(__file__).resolve().parents[1]
FILE = ROOT / "functions" / "portal" / "errors.json"
_DIALECTS: dict[str, Dialect] = {"anima": Anima(), "opticomm": OptiComm(), "athos": Athos(), "hum": Hum()}
#: The codes of errors that no table has: an unknown status, and each dialect's default.
_DEFAULTS = {
    "anima": {"INTERNAL_ERROR": 500},
    "opticomm": {"INVALID_ACTION": 400},
    "athos": {"INVALID_REQUEST": 400, "TENANT_QUOTA_EXCEEDED": 402},
    "hum": {"internal_error": 500},
}
_KINDS: dict[str, type[DomainError]] = {
    name: kind for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, DomainError)
}
_REQUEST_ID = "req_01k9x4c8v6q2m3n4p5r6s7t8v9"


@dataclass
class Condition:
    """A condition that the code raises: its kinds of error and its messages."""

    kinds: set[str] = field(default_factory=set)
    messages: set[str] = field(default_factory=set)
    #: The description of its class, if it has a class of its own.
    about: str = ""


def slug_of(code: str) -> str:
    """Returns the last part of the address of a code's page."""
    return code.lower().replace("_", "-")


def list_codes() -> dict[str, dict[str, set[int]]]:
    """Returns the codes of each dialect, each with its statuses."""
    found: dict[str, dict[str, set[int]]] = {api: {} for api in _DIALECTS}
    for api, by_status in (
        ("anima", anima.CODE_OF_STATUS),
        ("opticomm", opticomm.CODE_OF_STATUS),
        ("athos", athos.CODE_OF_STATUS),
        ("hum", hum.WORD_OF_STATUS),
    ):
        for status, code in by_status.items():
            found[api].setdefault(code, set()).add(status)
    for api, codes in _DEFAULTS.items():
        for code, status in codes.items():
            found[api].setdefault(code, set()).add(status)
    conditions = find_conditions()
    for api, by_reason in (
        ("anima", anima.CODE_OF_REASON),
        ("opticomm", opticomm.CODE_OF_REASON),
        ("athos", athos.CODE_OF_REASON),
        ("hum", {word: word for word in hum.OWN_WORDS}),
    ):
        for reason, code in by_reason.items():
            raised = conditions.get(reason, Condition()).kinds
            found[api].setdefault(code, set()).update(_statuses(api, raised))
    return found


def find_conditions() -> dict[str, Condition]:
    """Returns all conditions that the code raises, by their codes."""
    trees = [
        ast.parse(path.read_text())
        for folder in ("layers/switchboard", "functions")
        for path in (ROOT / folder).rglob("*.py")
    ]
    classes = dict(_list_classes(trees))
    found: dict[str, Condition] = {}
    # The compliance gate looks its messages up by the code of the rule.
    for code, message in verdicts.MESSAGES.items():
        found[code] = Condition({"Forbidden"}, {message})
    for tree in trees:
        constants = dict(_list_constants(tree))
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                _add_class(found, node, _kind_of(node.name, classes))
            elif isinstance(node, ast.Call):
                _add_call(found, node, _kind_of(_name_of(node.func), classes), constants)
    return found


def _add_class(found: dict[str, Condition], node: ast.ClassDef, kind: str | None) -> None:
    if kind and (code := _own_code(node)):
        condition = found.setdefault(code, Condition())
        condition.kinds.add(kind)
        condition.about = (ast.get_docstring(node) or "").partition("\n")[0]


def _add_call(found: dict[str, Condition], node: ast.Call, kind: str | None, constants: Mapping[str, str]) -> None:
    for code in (code for one in node.keywords if one.arg == "code" for code in _codes_of(one.value)):
        if kind:
            condition = found.setdefault(code, Condition())
            condition.kinds.add(kind)
            if node.args and (message := _text_of(node.args[0], constants)) and " " in message:
                condition.messages.add(message)


def _own_code(node: ast.ClassDef) -> str | None:
    """Returns the code that a class of errors declares."""
    values = [one.value for one in node.body if isinstance(one, ast.Assign) and _name_of(one.targets[0]) == "code"]
    return _text_of(values[0]) if values else None


def _list_classes(trees: list[ast.Module]) -> Iterator[tuple[str, str]]:
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and node.bases:
                yield node.name, _name_of(node.bases[0])


def _kind_of(name: str, classes: dict[str, str]) -> str | None:
    """Returns the kind of error of a class: one of `switchboard.errors`."""
    met = set[str]()
    while name not in _KINDS:
        # A class may have the name of its base in a library.
        if name not in classes or name in met:
            return None
        met.add(name)
        name = classes[name]
    return name


def _name_of(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def _codes_of(node: ast.expr) -> list[str]:
    """Returns the codes that an argument may be, without those that are known only at run time."""
    branches = [node.body, node.orelse] if isinstance(node, ast.IfExp) else [node]
    return [code for branch in branches if (code := _text_of(branch)) and "…" not in code]


def _list_constants(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in tree.body:
        if isinstance(node, ast.Assign) and (text := _text_of(node.value)):
            yield _name_of(node.targets[0]), text


def _text_of(node: ast.expr, constants: Mapping[str, str] = MappingProxyType({})) -> str | None:
    """Returns a text of the code. Values that are known only at run time are dots."""
    match node:
        case ast.Constant(value=str() as text):
            return text
        case ast.Name(id=name):
            return constants.get(name)
        case ast.JoinedStr(values=parts):
            return "".join(_text_of(part) or "…" for part in parts)
    return None


def _statuses(api: str, kinds: set[str]) -> set[int]:
    dialect = _DIALECTS[api]
    found = {int(dialect.status_of(_KINDS[kind](""))) for kind in kinds}
    # OptiComm has one status for every limit.
    return {429 if api == "opticomm" and status == 402 else status for status in found}


def _example(api: str, code: str, status: int, message: str) -> Any:
    match api:
        case "anima":
            return anima.problem(status, code, message, "/v1/email/send", {})
        case "opticomm":
            waiting = {"retry_after": 30} if status == 429 else {}
            return opticomm.error_body(code, message) | waiting
        case "athos":
            return athos.error_body(code, message, _REQUEST_ID)
    return hum.error_body(code, code, message, [])


def make_pages() -> dict[str, Any]:
    """Returns the data of all pages by the last part of their address."""
    conditions = find_conditions()
    pages: dict[str, Any] = {}
    for api, codes in list_codes().items():
        for code, statuses in codes.items():
            text = TEXTS[slug_of(code)]
            page = pages.setdefault(slug_of(code), {**text._asdict(), "uses": [], "messages": []})
            status = min(statuses)
            use = {"api": api, "code": code, "statuses": sorted(statuses)}
            page["uses"].append(use | {"example": _example(api, code, status, text.meaning)})
    for reason, condition in conditions.items():
        page = pages.setdefault(slug_of(reason), {"uses": [], "messages": []})
        kind = _KINDS[min(condition.kinds)].__doc__ or ""
        page["messages"] = sorted(condition.messages) or [condition.about or kind.partition("\n")[0]]
        if slug_of(reason) in TEXTS:
            continue
        page["reason"] = reason
        page["codes"] = _codes_of_reason(reason, condition)
        of_hum = sorted(_statuses("hum", condition.kinds))
        if reason not in hum.REDUNDANT_CODES:
            word = hum.WORD_OF_STATUS.get(of_hum[0], "internal_error")
            example = hum.error_body(word, reason, page["messages"][0], [])
            page["uses"].append({"api": "hum", "code": reason, "statuses": of_hum, "example": example})
    return dict(sorted(pages.items()))


def _codes_of_reason(reason: str, condition: Condition) -> dict[str, str]:
    """Returns the codes of the other APIs for a condition."""
    found = {}
    for api, table in (("anima", anima), ("opticomm", opticomm), ("athos", athos)):
        status = min(_statuses(api, condition.kinds), default=400)
        default = next(iter(_DEFAULTS[api]))
        found[api] = table.CODE_OF_REASON.get(reason) or table.CODE_OF_STATUS.get(status, default)
    return found


def render() -> str:
    """Returns the content of the file."""
    return json.dumps(make_pages(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FILE.write_text(render())
