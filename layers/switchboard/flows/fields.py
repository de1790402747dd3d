"""Checks the values inside the JSON fields of a flow. Each check raises PathError with the path of the wrong value."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from switchboard.compliance import phone
from switchboard.errors import Invalid
from switchboard.flows import event_paths, holidays
from switchboard.flows.models import HOLIDAYS, HOURS, TEXT_MAP, TOOLS, WEEKDAYS, Holiday, OpeningWindow, Tool
from switchboard.flows.source import Path, PathError
from switchboard.kit.texts import require_one_line
from switchboard.outbound.destination import check_url

T = TypeVar("T")

MAX_TOOLS = 32
MAX_TRANSFERS = 50
#: Other flows are written in the commit of the flow, which has room for a hundred writes.
MAX_FLOW_TRANSFERS = 20
#: The call has them all as variables.
MAX_TRIGGER_VARIABLES = 50
MAX_WINDOWS = 12
MAX_HOLIDAYS = 200
_MAX_LABEL_CHARACTERS = 64
_MAX_DESCRIPTION_CHARACTERS = 1_024
_VARIABLE = re.compile("[A-Za-z_][A-Za-z0-9_]{0,63}")
_TOOL_NAME = re.compile("[A-Za-z_][A-Za-z0-9_-]{0,63}")
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_TIME = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d")
_KINDS = {
    "string_type": "must be a text",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "list_type": "must be a list",
    "bool_type": "must be true or false",
    "int_type": "must be a number",
    "missing": "is missing",
    "extra_forbidden": "is not a known field: remove it, or correct its name",
}


def check_tools(value: Any) -> None:
    """Checks a list of tools: their names, the schemas of their parameters, and their URLs."""
    tools = _typed(TOOLS, value)
    _require_count(tools, MAX_TOOLS, "tools")
    names: set[str] = set()
    for at, tool in enumerate(tools):
        if tool.name in names:
            raise PathError((at, "name"), "is the name of another tool too: give each tool its own name")
        names.add(tool.name)
        _check_tool(tool, (at,))


def _check_tool(tool: Tool, path: Path) -> None:
    # for cold start: only a change of a flow needs JSON Schema
    from switchboard.flows.json_schemas import check_schema

    if not _TOOL_NAME.fullmatch(tool.name):
        raise PathError(
            (*path, "name"), "must have 1 to 64 letters, digits, underscores and hyphens, and begin with a letter"
        )
    if len(tool.description) > _MAX_DESCRIPTION_CHARACTERS:
        raise PathError((*path, "description"), f"has more than {_MAX_DESCRIPTION_CHARACTERS:,} characters: shorten it")
    try:
        check_url(tool.url)
    except Invalid as error:
        raise PathError((*path, "url"), error.details["fields"]["url"]) from None
    _under((*path, "parameters"), check_schema, tool.parameters)


def check_transfer_map(value: Any) -> None:
    """Checks a map from a label to a telephone number."""
    for label, number in _typed_map(value, MAX_TRANSFERS).items():
        try:
            if not _E164.fullmatch(number):
                raise PathError((label,), "must be an E.164 number such as +14155550142")
            phone.parse_pasted(number)
        except Invalid as error:
            raise PathError((label,), "; ".join(error.details["fields"].values())) from None


def check_flow_transfer_map(value: Any) -> None:
    """Checks a map from a label to a flow's id. The commit checks that the flows exist."""
    for label, flow_id in _typed_map(value, MAX_FLOW_TRANSFERS).items():
        if not _UUID.fullmatch(flow_id):
            raise PathError((label,), "must be the id of a flow, a UUID")


def check_outcome_schema(value: Any) -> None:
    """Checks the JSON Schema of an outcome."""
    # for cold start: only a change of a flow needs JSON Schema
    from switchboard.flows.json_schemas import check_schema

    check_schema(value)


def check_business_hours(value: Any) -> None:
    """Checks the windows of each weekday."""
    if isinstance(value, dict) and not all(isinstance(day, str) and day in WEEKDAYS for day in value):
        wrong = next(day for day in value if day not in WEEKDAYS)
        raise PathError((wrong,), f"is not a day: use {', '.join(WEEKDAYS)}")
    for day, windows in _typed(HOURS, value).items():
        _check_windows(windows, (day,))


def check_holidays(value: Any) -> None:
    """Checks a list of holidays: each has a date or a rule, and may have hours."""
    found = _typed(HOLIDAYS, value)
    _require_count(found, MAX_HOLIDAYS, "holidays")
    for at, holiday in enumerate(found):
        _check_holiday(holiday, (at,))


def _check_holiday(holiday: Holiday, path: Path) -> None:
    if (holiday.date is None) == (holiday.rule is None):
        raise PathError(path, "must have either date or rule")
    if len(holiday.name) > _MAX_LABEL_CHARACTERS:
        raise PathError((*path, "name"), f"has more than {_MAX_LABEL_CHARACTERS} characters: shorten it")
    try:
        if holiday.date is not None:
            holidays.check_date(holiday.date)
        if holiday.rule is not None:
            holidays.check_rule(holiday.rule)
    except ValueError as error:
        raise PathError((*path, "date" if holiday.rule is None else "rule"), str(error)) from None
    _check_windows(holiday.hours, (*path, "hours"))


def _check_windows(windows: Sequence[OpeningWindow], path: Path) -> None:
    _require_count(windows, MAX_WINDOWS, "windows", path)
    for at, window in enumerate(windows):
        for name, text in (("start", window.start), ("end", window.end)):
            if not (_TIME.fullmatch(text) or (name == "end" and text == "24:00")):
                raise PathError((*path, at, name), "must be a time such as 09:00")
        if window.start == window.end:
            raise PathError((*path, at), "is empty: for a whole day use 00:00 to 24:00")
    order = sorted(range(len(windows)), key=lambda at: windows[at].start_minute)
    for before, after in pairwise(order):
        if windows[after].start_minute < windows[before].end_minute:
            raise PathError((*path, after), "overlaps another window of the day")


def check_trigger_variables(value: Any) -> None:
    """Checks a map from the name of a variable to the path of its value in an event."""
    for name, path in _typed_map(value, MAX_TRIGGER_VARIABLES).items():
        if not _VARIABLE.fullmatch(name):
            raise PathError((name,), "must be a name of letters, digits and underscores that begins with a letter")
        try:
            event_paths.parse_path(path)
        except ValueError as error:
            raise PathError((name,), str(error)) from None


CHECKS: Mapping[str, Callable[[Any], None]] = {
    "tools_json": check_tools,
    "transfer_map_json": check_transfer_map,
    "flow_transfer_map_json": check_flow_transfer_map,
    "outcome_schema_json": check_outcome_schema,
    "business_hours_json": check_business_hours,
    "holidays_json": check_holidays,
    "trigger_variables_json": check_trigger_variables,
}


def _typed(adapter: TypeAdapter[T], value: Any) -> T:
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        # A wrong key is marked by a last step of its own.
        path: Path = tuple(part for part in first["loc"] if part != "[key]")
        allowed = first.get("ctx", {}).get("expected")
        problem = f"must be {allowed}" if allowed else _KINDS.get(first["type"], first["msg"])
        raise PathError(path, problem) from None


def _typed_map(value: Any, most: int) -> dict[str, str]:
    found = _typed(TEXT_MAP, value)
    _require_count(found, most, "labels")
    for label in found:
        try:
            require_one_line(label)
        except ValueError as error:
            raise PathError((label,), f"has a label that {error}") from None
        if not 1 <= len(label.strip()) <= len(label) <= _MAX_LABEL_CHARACTERS:
            raise PathError((label,), f"must have a label of 1 to {_MAX_LABEL_CHARACTERS} characters")
    return found


def _require_count(found: Sequence[Any] | Mapping[str, Any], most: int, what: str, path: Path = ()) -> None:
    if len(found) > most:
        raise PathError(path, f"has more than {most} {what}: remove some")


def _under(path: Path, check: Callable[[Any], None], value: Any) -> None:
    """Runs a check of a part, and names the place of the part in its errors."""
    try:
        check(value)
    except PathError as error:
        raise PathError((*path, *error.path), error.problem) from None
