"""The configuration of a flow as one text, in JSON or YAML.

The fields have their values, and not texts with JSON: `tools` is a list. A missing field has its default.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from io import StringIO
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from switchboard.errors import Invalid
from switchboard.flows import transfer_numbers
from switchboard.flows.fields import CHECKS
from switchboard.flows.models import (
    TEXT_FIELDS,
    FlowChannel,
    FlowKind,
    FlowProvider,
    FlowSettings,
    FlowSource,
    FlowTrigger,
    SourceFormat,
)
from switchboard.flows.rules import find_problems
from switchboard.flows.source import PathError, Source, SourceError, read_json, read_yaml
from switchboard.kit.texts import is_larger

if TYPE_CHECKING:
    from ruamel.yaml import YAML

T = TypeVar("T")

_LINE_CHARACTERS = 120
#: The most values of a configuration whose YAML is written, and whose comments are kept. Each takes half a millisecond.
MAX_WRITTEN_VALUES = 1_000


def _flag(value: Any) -> Any:
    return bool(value) if value in (0, 1) and isinstance(value, int) else value


_Flag = Annotated[bool, BeforeValidator(_flag)]


class _Config(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    name: str
    kind: FlowKind = "inbound"
    greeting: str = ""
    system_prompt: str = ""
    voice: str = "alloy"
    voicemail_enabled: _Flag = True
    announce_recording: _Flag = True
    tools: Any = []
    transfer_map: Any = {}
    flow_transfer_map: Any = {}
    outcome_schema: Any = None
    caller_id_number_id: str | None = None
    voicemail_leave_message: str | None = None
    provider: FlowProvider | None = None
    timezone: str | None = None
    business_hours: Any = None
    holidays: Any = None
    after_hours_message: str | None = None
    business_hours_enabled: _Flag = False
    channel: FlowChannel = "voice"
    trigger_type: FlowTrigger = "call"
    trigger_events: list[str] = []
    trigger_target: str | None = None
    trigger_variables: Any = {}


_TEXT_OF = {name: field for field, name in TEXT_FIELDS.items()}
#: The settings that a configuration holds, by the names of the flow's fields. Others are not in the contract.
CONFIG_FIELDS = tuple(_TEXT_OF.get(name, name) for name in _Config.model_fields)
#: The settings that a configuration shows only if they differ from their defaults: few flows wait for an event.
_RARE = ("channel", "trigger_type", "trigger_events", "trigger_variables")
_KINDS = {
    "missing": "is missing",
    "string_type": "must be a text: put it in quotes",
    "bool_type": "must be true or false",
}


def read_config(source: FlowSource) -> FlowSettings:
    """Returns the settings of a configuration. Raises Invalid with the line and the path of what is wrong."""
    return _read(source, _settings)


def check_transfer_numbers(source: FlowSource, org_id: str) -> None:
    """Raises Invalid with the line and the path of a number to which the organization's calls are not transferred."""

    def check(found: Source) -> None:
        numbers = _settings(found).transfer_map
        try:
            transfer_numbers.check_targets(org_id, numbers)
        except PathError as error:
            raise PathError(("transfer_map", *error.path), error.problem) from None

    _read(source, check)


def _read(source: FlowSource, read: Callable[[Source], T]) -> T:
    try:
        found = read_yaml(source.text) if source.format == "yaml" else read_json(source.text)
        try:
            return read(found)
        except PathError as error:
            raise found.error(error) from None
    except SourceError as error:
        raise Invalid(
            "The configuration is not valid: see the field.",
            code="invalid_config",
            fields={"source": str(error)},
            **({"line": error.line} if error.line else {}),
        ) from None


def _settings(source: Source) -> FlowSettings:
    value = source.value
    if not isinstance(value, dict):
        raise PathError((), "must be an object with the settings of the flow")
    for key in value:
        if key in TEXT_FIELDS:
            raise PathError((key,), f"must be {TEXT_FIELDS[key]}, with the value itself and not as a text")
        if key not in _Config.model_fields:
            raise PathError((key,), "is not a known setting: remove it, or correct its name")
    try:
        config = _Config.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        expected = first.get("ctx", {}).get("expected")
        problem = f"must be {expected}" if expected else _KINDS.get(first["type"], first["msg"])
        raise PathError(tuple(part for part in first["loc"][:1]), problem) from None
    for name, field in _TEXT_OF.items():
        part = getattr(config, name)
        if part is None and FlowSettings.model_fields[field].default is None:
            continue
        try:
            CHECKS[field](part)
        except PathError as error:
            raise PathError((name, *error.path), error.problem) from None
    settings = FlowSettings.model_validate(config.model_dump())
    for name, problem in find_problems(settings, set(CONFIG_FIELDS) - TEXT_FIELDS.keys()).items():
        raise PathError((name,), problem)
    return settings


def build_config(settings: FlowSettings) -> dict[str, Any]:
    """Returns the configuration of settings as plain values. Settings without a value are left out.

    So are settings of events with their defaults.
    """
    found: dict[str, Any] = {}
    for name in _Config.model_fields:
        field = _TEXT_OF.get(name)
        text = getattr(settings, field or name)
        value = json.loads(text) if field and text is not None else text
        if value is not None and not (name in _RARE and value == _Config.model_fields[name].default):
            found[name] = value
    return found


def write_config(settings: FlowSettings, form: SourceFormat, base: FlowSource | None = None) -> str:
    """Returns the configuration as text. `base` is the text that was saved last.

    A base with the same settings is returned as it is. Otherwise its comments and the order of its keys stay, as far as
    the changed values allow it. A very large configuration is written as JSON, which is YAML too, without comments.
    """
    wanted = build_config(settings)
    if base is None or base.format != form:
        return _dump(wanted, form)
    saved = build_config(read_config(base))
    if saved == wanted:
        return base.text
    if form == "json":
        order = [*(name for name in json.loads(base.text) if name in wanted), *wanted]
        return _dump({name: wanted[name] for name in order}, form)
    if is_larger(wanted, MAX_WRITTEN_VALUES) or is_larger(saved, MAX_WRITTEN_VALUES):
        return _dump(wanted, form)
    merged = _merge_yaml(base.text, saved, wanted)
    # A rare text cannot be merged, for example with an alias in a value that is gone.
    return merged if _means(merged, wanted) else _dump(wanted, form)


def _dump(value: dict[str, Any], form: SourceFormat) -> str:
    if form == "json":
        return json.dumps(value, ensure_ascii=False, indent=2) + "\n"
    if is_larger(value, MAX_WRITTEN_VALUES):
        return json.dumps(value, ensure_ascii=False, indent=2) + "\n"
    text = _write_yaml({name: _readable(part) for name, part in value.items()})
    # JSON is YAML too.
    return text if _means(text, value) else json.dumps(value, ensure_ascii=False, indent=2) + "\n"


def _means(text: str, value: dict[str, Any]) -> bool:
    try:
        return build_config(read_config(FlowSource(text, "yaml"))) == value
    except Invalid:
        return False


def _merge_yaml(text: str, saved: dict[str, Any], wanted: dict[str, Any]) -> str:
    document = _yaml().load(text)
    for name in [name for name in document if name not in wanted]:
        del document[name]
    for name, value in wanted.items():
        if saved.get(name) != value:
            document[name] = _readable(value)
    return _write_yaml(document)


def _write_yaml(document: Any) -> str:
    written = StringIO()
    _yaml().dump(document, written)
    return written.getvalue()


def _yaml() -> YAML:
    """Returns a reader and writer that keeps comments, quotes, anchors and the order of keys."""
    # for cold start: most requests have no YAML
    from ruamel.yaml import YAML

    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = _LINE_CHARACTERS
    return yaml


def _readable(value: Any) -> Any:
    """Returns a value whose texts of several lines are written as blocks."""
    # for cold start: as above
    from ruamel.yaml.scalarstring import LiteralScalarString

    if isinstance(value, str) and "\n" in value.strip("\n"):
        return LiteralScalarString(value)
    return value
