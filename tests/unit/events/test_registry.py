"""The registry: it knows every event that code records, and no other event can be recorded."""

from __future__ import annotations

import ast
import json
import re
import time
from collections.abc import Iterator
from functools import cache
from typing import Any, get_args

import pytest
from pydantic import TypeAdapter

from infra import events_page, topology
from switchboard.audit import chain
from switchboard.calls.models import FINAL_STATES
from switchboard.dialects.anima import webhooks
from switchboard.events import registry
from switchboard.events import service as events
from switchboard.events.models import Actor, Event, Subject, SystemActor
from switchboard.events.types.base import Contract, EventType
from switchboard.fanout import routes
from switchboard.fanout.rendering import RENDERERS
from switchboard.roleplay.models import SessionState
from switchboard.webhooks import event_names
from switchboard.webhooks.kinds import WEBHOOK_KINDS
from switchboard.webhooks.models import KindName
from switchboard.webhooks.signing import SIGNATURE_SCHEMES
from tests.contract.spec import ORACLE
from tests.tables import each
from tests.unit.events import sites
from tests.unit.test_layering import MODULES

ROWS = list(registry.TYPES.values())
WORK = SystemActor(org_id="org_1", actor=Actor(type="system", id="test"), agent_id=None, correlation_id="corr_1")

#: The possible values of a gap in an f-string that names a type.
FORMS = {
    "voice.call.*": [state.value for state in FINAL_STATES],
    "brand.*": ["pending", "verification_needed", "approved", "rejected"],
    "brand_campaign.*": ["pending", "approved", "rejected"],
    "roleplay.session.*": [SessionState.FAILED.value, SessionState.EXPIRED.value],
}
#: Fields with words that the platform does not choose, each with the reason why an event may hold them.
FREE = {
    ("organization.created", "slug"): "a short label, which is kept",
    ("agent.created", "slug"): "a public handle, which is kept",
    ("agent.deleted", "slug"): "as above",
    ("key.created", "prefix"): "a dozen characters that open nothing",
    ("key.revoked", "prefix"): "a dozen characters that open nothing",
    ("email.received", "verdicts"): "words of the receiving service, as PASS",
    ("email.received", "automatic"): "the name of the header that gave it away, or a word of ours",
    ("voice.call.created", "verdict.rules"): "results and reasons of our own rules",
    ("voice.call.blocked", "verdict.rules"): "results and reasons of our own rules",
    ("sms.blocked", "verdict.rules"): "results and reasons of our own rules",
    ("voice.call.turn", "speaker"): "a side of the call, in the carrier's words",
    ("voice.call.tool", "tool"): "the organization's name for its tool",
    ("voice.call.tool", "status"): "how a tool ended, in the carrier's words",
    ("sms.opt_out", "keyword"): "one of the words that the law names",
    ("roleplay.call.scored", "rubric"): "an edition of our own rubrics",
    ("roleplay.call.scored", "model"): "the name of a language model",
}
#: Words in a field's name that suggest personal data, which may have to be erased.
ERASABLE = {
    *("address", "attachment", "body", "content", "email", "html", "message", "name", "note", "number", "phone"),
    *("recipient", "sender", "subject", "text", "title", "to", "transcript", "url", "user"),
}
#: The names that receivers of webhooks use. Names may be added here, never removed.
PROMISED: dict[Contract, set[str]] = {
    "anima": {
        *("message.received", "message.sent", "message.delivered", "message.failed", "message.bounced"),
        *("agent.created", "call.ended", "webhook.disabled", "webhook.exhausted"),
    },
    "opticomm": {"call.initiated", "call.completed", "call.failed"},
    "athos": {"call.scored"},
    "hum": {
        *("call.initiated", "call.flow_switched", "call.completed", "call.outcome"),
        *("voicemail.received", "voicemail.summarized", "agent.created", "number.bought", "number.released"),
        *("email.received", "email.sent", "email.delivered", "email.failed", "email.bounced"),
        *("webhook.disabled", "webhook.exhausted"),
        "widget.lead_captured",
        *("sms.received", "sms.sent", "sms.delivered", "sms.failed", "sms.opt_out", "sms.opt_in"),
        *("conversation.started", "conversation.assigned", "conversation.closed", "conversation.reopened"),
        *("brand.submitted", "brand.verification_needed", "brand.approved", "brand.rejected"),
        *("brand_campaign.submitted", "brand_campaign.approved", "brand_campaign.rejected"),
        # The name of a fired trigger is its own.
        "external.*",
        "conversation.escalated",
        *("mcp_tool.approval_requested", "mcp_tool.approved", "mcp_tool.denied", "mcp_tool.expired"),
        "mcp_tool.finished",
    },
}

#: The tables that need a row for each kind of webhook.
KIND_TABLES: dict[str, dict[KindName, Any]] = {
    "RENDERERS in switchboard/fanout/rendering.py": RENDERERS,
    "WEBHOOK_KINDS in switchboard/webhooks/kinds.py": WEBHOOK_KINDS,
    "SIGNATURE_SCHEMES in switchboard/webhooks/signing.py": SIGNATURE_SCHEMES,
    "EVENT_NAMES in switchboard/webhooks/event_names.py": event_names.EVENT_NAMES,
}


@pytest.fixture(scope="module")
def found_sites() -> tuple[list[sites.Site], list[str]]:
    return sites.find_sites(FORMS)


def test_the_types_of_every_site_can_be_read(found_sites: tuple[list[sites.Site], list[str]]) -> None:
    _, faults = found_sites
    assert not faults, "Write the type as text, or add its f-string to FORMS in tests/unit/events/test_registry.py."


def test_every_type_that_code_records_is_registered(found_sites: tuple[list[sites.Site], list[str]]) -> None:
    missing = {f"{site.where} records {name}" for site in found_sites[0] for name in site.types - set(registry.TYPES)}
    assert not missing, "Add a row for each in switchboard/events/types."


def test_every_registered_type_is_recorded(found_sites: tuple[list[sites.Site], list[str]]) -> None:
    unused = set(registry.TYPES) - {name for site in found_sites[0] for name in site.types}
    assert not unused, "No code records these. Record them with events.new_event, or remove their rows."


def test_every_site_has_the_fields_of_its_row(found_sites: tuple[list[sites.Site], list[str]]) -> None:
    faults = []
    for site in found_sites[0]:
        for name in site.types & set(registry.TYPES):
            model = schema_of(name)
            unknown = site.fields - set(model.get("properties", {}))
            missing = set() if site.more else set(model.get("required", [])) - site.fields
            faults += [f"{site.where}: {name} has no field {field}" for field in unknown]
            faults += [f"{site.where}: {name} needs {field}" for field in missing]
    assert not faults, "Change the data of the site, or the row in switchboard/events/types."


def test_every_handled_type_exists() -> None:
    unknown = {f"{where} handles {name}" for where, name in _handled() if name not in registry.TYPES}
    assert not unknown, "No event has these types."


def _handled() -> Iterator[tuple[str, str]]:
    """The types that code compares an event's type with."""
    for module, path in MODULES.items():
        for node in ast.walk(ast.parse(path.read_text())):
            compared: list[ast.AST] = []
            if isinstance(node, ast.Match) and _is_type(node.subject):
                compared = [case.pattern for case in node.cases]
            elif isinstance(node, ast.Compare) and _is_type(node.left):
                compared = list(node.comparators)
            for part in (part for one in compared for part in ast.walk(one)):
                if isinstance(part, ast.Constant) and isinstance(part.value, str) and "." in part.value:
                    yield module, part.value


def _is_type(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "type"


def example_value(schema: dict[str, Any], definitions: dict[str, Any]) -> Any:
    """A value that fits a schema."""
    if "$ref" in schema:
        return example_value(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    if "anyOf" in schema:
        return example_value(schema["anyOf"][0], definitions)
    match schema["type"]:
        case "string":
            words = ("word", "a" * 64, "2026-01-15", "2026-01-15T17:00:00.000Z", "external.word")
            return next(word for word in words if re.search(schema.get("pattern", ""), word))
        case "integer":
            return 1
        case "boolean":
            return True
        case "array":
            return [example_value(schema["items"], definitions)]
    inner = schema.get("additionalProperties")
    if isinstance(inner, dict):
        return {"word": example_value(inner, definitions)}
    return {name: example_value(part, definitions) for name, part in schema.get("properties", {}).items()}


@cache
def schema_of(name: str) -> dict[str, Any]:
    """The schema of a type's data."""
    return TypeAdapter(registry.TYPES[name].data).json_schema()


def example_data(row: EventType) -> dict[str, Any]:
    schema = schema_of(row.name)
    made: dict[str, Any] = example_value(schema, schema.get("$defs", {}))
    return made


def record_event(row: EventType, data: dict[str, Any], subject: str | None = None) -> Event:
    return events.new_event(WORK, row.name, Subject(type=subject or row.subject, id="one"), **data)


@each("row", ROWS)
def test_valid_data_are_recorded_unchanged(row: EventType) -> None:
    assert record_event(row, example_data(row)).data == example_data(row)


@each("row", ROWS)
def test_an_extra_field_is_refused_by_its_name_without_its_value(row: EventType) -> None:
    with pytest.raises(registry.EventError, match=rf"{re.escape(row.name)} .*surplus: is not a field") as refused:
        record_event(row, {**example_data(row), "surplus": "a secret"})
    assert "a secret" not in str(refused.value)


@each("row", ROWS)
def test_a_missing_field_is_refused_by_its_name(row: EventType) -> None:
    for field in schema_of(row.name).get("required", []):
        data = {name: value for name, value in example_data(row).items() if name != field}
        with pytest.raises(registry.EventError, match=rf"{re.escape(row.name)} .*{field}: is missing"):
            record_event(row, data)


@each("row", ROWS)
def test_a_value_of_another_type_is_refused_by_its_fields_name(row: EventType) -> None:
    for field in example_data(row):
        with pytest.raises(registry.EventError, match=rf"{re.escape(row.name)} .*{field}") as refused:
            record_event(row, {**example_data(row), field: 1.5})
        assert "1.5" not in str(refused.value)


@each("row", ROWS)
def test_another_subject_is_refused(row: EventType) -> None:
    with pytest.raises(registry.EventError, match=f"about a {row.subject}, not about a stone"):
        record_event(row, example_data(row), subject="stone")


def test_a_type_without_a_row_is_refused() -> None:
    with pytest.raises(registry.EventError, match=r"email\.lost is not registered: add a row"):
        events.new_event(WORK, "email.lost", Subject(type="message", id="msg_1"))


def test_an_address_instead_of_its_digest_is_refused_and_not_repeated() -> None:
    subject = Subject(type="message", id="msg_1")
    with pytest.raises(registry.EventError, match=r"recipients\.0") as refused:
        events.new_event(WORK, "email.sent", subject, kind="mail", recipients=["you@example.com"])
    assert "you@example.com" not in str(refused.value)


def test_the_check_costs_a_few_microseconds() -> None:
    row = registry.TYPES["voice.call.created"]
    data, rounds = example_data(row), 2_000
    best = float("inf")
    for _ in range(5):
        began = time.perf_counter()
        for _ in range(rounds):
            events.require_registered(row.name, row.subject, data)
        best = min(best, (time.perf_counter() - began) / rounds)
    assert best < 10e-6


def test_a_type_with_two_rows_is_refused() -> None:
    with pytest.raises(registry.EventError, match=r"email\.sent has two rows"):
        registry._by_name([registry.TYPES["email.sent"]] * 2)


def test_every_queue_of_a_type_exists_and_the_fan_out_may_send_to_it() -> None:
    queues = {queue.name for queue in topology.QUEUES} & set(topology.function("workers/fanout").sends)
    unknown = {f"{row.name} starts {name}" for row in ROWS for name in set(row.starts) - queues}
    assert not unknown, "Add the queue, and the fan-out's right to send to it, in infra/topology.py."


def test_the_fan_out_has_a_factory_for_each_queue_that_a_row_starts() -> None:
    missing = {queue for row in ROWS for queue in row.starts} - set(routes.JOB_FACTORIES)
    assert not missing, f"Add the jobs for {missing} to JOB_FACTORIES in switchboard/fanout/routes.py."
    unused = set(routes.JOB_FACTORIES) - {queue for row in ROWS for queue in row.starts}
    assert not unused, f"No event starts {unused}: remove them from JOB_FACTORIES in switchboard/fanout/routes.py."


@each("row", ROWS)
def test_the_fan_out_sends_an_event_to_the_queues_of_its_row(row: EventType) -> None:
    told = [*(["projections"] if row.projections else []), *(["webhooks"] if row.webhooks else [])]
    sent = [job.queue for job in routes.jobs_of(record_event(row, example_data(row)))]
    assert sorted(sent) == sorted([*row.starts, *told])


@each("row", ROWS)
def test_the_audit_shows_the_channel_of_the_row(row: EventType) -> None:
    assert chain.event_document(record_event(row, example_data(row)))["channel"] == row.channel


@pytest.mark.parametrize(
    ("name", "channel"), [("email.forgotten", "email"), ("voice.old.one", "voice"), ("thing.happened", None)]
)
def test_an_old_type_without_a_row_has_the_channel_of_its_first_word(name: str, channel: str | None) -> None:
    old = record_event(registry.TYPES["roleplay.call.live"], {}).model_copy(update={"type": name})
    assert chain.event_document(old)["channel"] == channel


@pytest.mark.parametrize("contract", get_args(Contract))
def test_webhooks_use_the_promised_event_names(contract: Contract) -> None:
    assert set(event_names.event_types(contract)) == PROMISED[contract], (
        "A name that is new goes into PROMISED in tests/unit/events/test_registry.py. A promised name stays."
    )
    published = _published(contract)
    beyond = set(event_names.event_types(contract)) - published if published else set()
    assert not beyond, (
        f"The contract {contract} does not list {sorted(beyond)}: correct switchboard/webhooks/event_names.py."
    )


def _published(contract: Contract) -> set[str]:
    """The events of a contract, if it lists any: an enumeration of dotted names."""
    names: set[str] = set()
    nodes: list[Any] = [json.loads((ORACLE / f"{contract}.json").read_text())]
    while nodes:
        node = nodes.pop()
        if isinstance(node, dict):
            names |= {name for name in node.get("enum", []) if re.fullmatch(r"[a-z_]+(\.[a-z_]+)+", str(name))}
            nodes += node.values()
        elif isinstance(node, list):
            nodes += node
    return names


def test_the_registry_and_the_webhooks_know_the_same_contracts() -> None:
    assert get_args(Contract) == get_args(KindName), "Make Contract and KindName list the same names, in one order."
    for name, table in KIND_TABLES.items():
        missing = set(get_args(KindName)) - set(table)
        assert not missing, f"Add a row for {missing} to {name}."
    shown = {row.subject for row in ROWS if "anima" in row.webhooks}
    assert shown == set(webhooks.FACTS), (
        "Add the reported facts of each subject to FACTS of dialects/anima/webhooks.py."
    )


def test_free_text_fields_have_a_reason() -> None:
    free = {(row.name, name) for row in ROWS for name, word, _ in events_page.fields(row.data) if "text" in word}
    assert free == set(FREE), "Use Code, Id or Digest for a field, or give in FREE the reason why it may be any word."


def test_no_field_has_a_name_of_personal_data() -> None:
    harmless = ("digest", "list of digests", "flag", "count", "number", "id")
    suspicious = {
        f"{row.name}: {name} ({word})"
        for row in ROWS
        for name, word, _ in events_page.fields(row.data)
        if ERASABLE & {form for part in re.split(r"[_.]", name) for form in (part, part.removesuffix("s"))}
        and word.removesuffix(", may be absent").removesuffix(" or null") not in harmless
        and (row.name, name) not in FREE
    }
    assert not suspicious, "Keep a digest of it, or give in FREE the reason why it may stand in an event."


def test_the_page_matches_the_registry() -> None:
    assert events_page.PAGE.read_text() == events_page.text(), "run: make openapi"
