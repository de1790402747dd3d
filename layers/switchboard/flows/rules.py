"""The rules for the settings of a flow: single fields, fields together, and numbers that they name."""

from __future__ import annotations

import re
from collections.abc import Collection, Set
from typing import TypeVar

from switchboard.carriers import voice
from switchboard.compliance import ledgers, machine_messages, phone
from switchboard.compliance.zones import load_zone
from switchboard.errors import Invalid, NotFound
from switchboard.flows import transfer_numbers
from switchboard.flows.event_rules import EVENT_FIELDS, find_event_problems
from switchboard.flows.fields import CHECKS
from switchboard.flows.models import FlowSettings
from switchboard.flows.source import PathError, SourceError, read_json
from switchboard.kit.texts import require_one_line
from switchboard.numbers import service as numbers

S = TypeVar("S", bound=FlowSettings)

#: The form of ElevenLabs' agent ids.
PROVIDER_AGENT_PATTERN = re.compile(r"agent_[A-Za-z0-9_-]{1,120}")
#: The voices of OpenAI and Gemini by name. The contract's default voice is one of them. A carrier that does not have a
#: flow's voice uses its own first voice.
OTHER_VOICES = (
    *("alloy", "ash", "ballad", "cedar", "coral", "echo", "fable", "marin", "nova", "onyx", "sage", "shimmer", "verse"),
    *("Aoede", "Charon", "Fenrir", "Kore", "Leda", "Orus", "Puck", "Zephyr"),
)
#: The longest texts, in characters.
MAX_NAME = 200
TEXT_LIMITS = {
    "greeting": 2_000,
    "system_prompt": 40_000,
    "voicemail_leave_message": 2_000,
    "after_hours_message": 2_000,
}
#: The fields that decide the hours together.
_SCHEDULE = {"business_hours_enabled", "business_hours_json", "holidays_json"}
#: The largest flow, in bytes. An item of the table has at most 400 KB, and a version also keeps its source.
MAX_FLOW_BYTES = 200_000
#: The fields that decide together which message a machine gets.
_MACHINE_MESSAGE = {"kind", "purpose", "voicemail_leave_message"}
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def check_settings(settings: S, names: Collection[str] | None = None) -> S:
    """Returns valid settings in normal form. Raises Invalid with the problem of each field.

    `names` are the fields to check, all by default: a change checks what it changes.
    """
    names = set(FlowSettings.model_fields) if names is None else set(names)
    problems = find_problems(settings, names)
    if problems:
        raise Invalid("Invalid flow: see the fields.", fields=problems)
    if len(settings.model_dump_json().encode()) > MAX_FLOW_BYTES:
        raise Invalid(f"The flow is larger than {MAX_FLOW_BYTES // 1_000} KB in all: shorten its texts.")
    changes: dict[str, str | None] = {}
    if settings.caller_id and "caller_id" in names:
        changes["caller_id"] = phone.parse_pasted(settings.caller_id, "caller_id").e164
    if settings.consent_source and settings.consent_date and names & {"consent_source", "consent_date"}:
        basis = ledgers.parse_standing_consent(settings.consent_source, settings.consent_date, "flow")
        changes |= {"consent_source": basis.source, "consent_date": basis.date}
    return settings.model_copy(update=changes)


def find_problems(settings: FlowSettings, names: Set[str]) -> dict[str, str]:
    """Returns the problem of each of these fields that is not valid."""
    found = {name: problem for name in CHECKS if name in names and (problem := _text_problem(settings, name))}
    for name, most in TEXT_LIMITS.items():
        text = getattr(settings, name)
        if name in names and text and (problem := _long_text_problem(text, most)):
            found[name] = problem
    if names & _MACHINE_MESSAGE and (problem := find_message_problem(settings)):
        found.setdefault("voicemail_leave_message", problem)
    if "name" in names and (problem := _name_problem(settings.name)):
        found["name"] = problem
    if "voice" in names and settings.voice and settings.voice not in (known := list_voice_ids()):
        found["voice"] = f"must be one of {', '.join(known)}"
    if "timezone" in names and settings.timezone is not None and not load_zone(settings.timezone):
        found["timezone"] = "must be an IANA time zone such as America/New_York"
    scheduled = bool(settings.business_hours_json or settings.holidays_json)
    if names & _SCHEDULE and settings.business_hours_enabled and not scheduled:
        found["business_hours_enabled"] = "needs business_hours_json or holidays_json"
    if names & EVENT_FIELDS:
        found |= {name: problem for name, problem in find_event_problems(settings).items() if name not in found}
    agent = settings.provider_agent_id if "provider_agent_id" in names else None
    if agent and not PROVIDER_AGENT_PATTERN.fullmatch(agent):
        found["provider_agent_id"] = "must look like agent_…"
    if "consent_date" in names and settings.consent_date and not settings.consent_source:
        found["consent_source"] = "must be given together with consent_date"
    if "consent_source" in names and settings.consent_source and not settings.consent_date:
        found["consent_date"] = "must be given together with consent_source"
    return found


def find_message_problem(settings: FlowSettings) -> str | None:
    """Returns the problem of the message that a flow leaves at machines, if its calls may not leave it."""
    text = settings.voicemail_leave_message
    if settings.kind != "outbound" or not text or machine_messages.may_leave(text, settings.purpose):
        return None
    return (
        "must have a toll-free number in digits, for example 800-555-0199, at which people can ask for no more calls,"
        " because the flow's purpose is telemarketing"
    )


def list_voice_ids() -> list[str]:
    """Returns the ids of all voices that a flow may name."""
    return sorted({*OTHER_VOICES, *(one.id for one in voice.get_carrier().talker.list_voices())}, key=str.lower)


def check_caller_number(settings: FlowSettings, org_id: str) -> None:
    """Raises Invalid unless the number of the caller ID is an active number of the organization."""
    if settings.caller_id_number_id is None:
        return
    try:
        number = numbers.get_number(org_id, settings.caller_id_number_id)
    except NotFound:
        number = None
    if number is None or not number.active:
        raise Invalid(
            "Invalid flow: see the fields.", fields={"caller_id_number_id": "must be the id of one of your numbers"}
        )


def check_transfer_numbers(settings: FlowSettings, org_id: str) -> None:
    """Raises Invalid with the line and the label of a number to which the organization's calls are not transferred."""
    source = read_json(settings.transfer_map_json)
    try:
        transfer_numbers.check_targets(org_id, settings.transfer_map)
    except PathError as error:
        problem = str(source.error(error))
        raise Invalid("Invalid flow: see the fields.", fields={"transfer_map_json": problem}) from None


def _text_problem(settings: FlowSettings, name: str) -> str | None:
    text = getattr(settings, name)
    if text is None:
        return None
    try:
        source = read_json(text)
        try:
            CHECKS[name](source.value)
        except PathError as error:
            return str(source.error(error))
    except SourceError as error:
        return str(error)
    return None


def _long_text_problem(text: str, most: int) -> str | None:
    if len(text) > most:
        return f"has more than {most:,} characters: shorten it"
    if found := _CONTROL.search(text):
        return f"holds the control character U+{ord(found[0]):04X}: remove it"
    return None


def _name_problem(name: str) -> str | None:
    try:
        require_one_line(name)
    except ValueError as error:
        return str(error)
    return None if 1 <= len(name.strip()) <= len(name) <= MAX_NAME else f"must have 1 to {MAX_NAME} characters"
