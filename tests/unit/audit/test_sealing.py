"""Sealing: many events in one transaction, each event once, and the events of a workflow in the order of their ids."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from functions.workers.audit import handler as worker
from switchboard.audit import chain, sealing, store
from switchboard.audit import service as audit
from switchboard.aws import dynamodb, queues, writes
from switchboard.aws.dynamodb import Item
from switchboard.aws.writes import Put
from switchboard.calls import service as calls
from switchboard.calls.models import Order, Tier
from switchboard.email import service as email
from switchboard.email.models import MailDraft
from switchboard.errors import Contended
from switchboard.events import service as events
from switchboard.events.models import Event
from switchboard.kit import clock
from switchboard.kit.jobs import QueueMessage
from tests.actors import Tenant, tenant
from tests.integration.sabotage import Sabotage, run_worker, scan_items
from tests.unit.audit.workflows import Reader, build_events, create_recorded_events


@pytest.fixture
def acme(cloud: dict[str, str], frozen: clock.FrozenClock) -> Tenant:
    return tenant()


def read_verified_chain(org_id: str) -> list[dict[str, Any]]:
    """Returns the whole chain after its verification."""
    documents = list(audit.export_documents(org_id, 0, 10_000))
    assert chain.verify_export(documents) == (len(documents), audit.get_head(org_id).hash, None)
    return documents


def send_messages(org_id: str, batches: list[list[Event]]) -> None:
    """Put messages with several events each into the queue."""
    queues.send_messages(
        QueueMessage(
            queue="audit",
            body={"events": [event.model_dump() for event in batch]},
            group=org_id,
            dedupe=f"{batch[0].id}-{len(batch)}",
        )
        for batch in batches
    )


def lambda_event(org_id: str, bodies: list[dict[str, Any]]) -> dict[str, Any]:
    """The event with which Lambda calls the sealer for a batch of an organization's messages."""
    attributes = {"MessageGroupId": org_id}
    return {
        "Records": [
            {"messageId": str(number), "body": json.dumps(body), "attributes": attributes}
            for number, body in enumerate(bodies)
        ]
    }


#: The writes of a sealing: the head, which decides; the receipts; and the link, which completes it.
ROUND = ["GetItem", "BatchGetItem", "PutItem"]


def test_a_batch_of_messages_with_many_events_takes_a_few_rounds(acme: Tenant) -> None:
    made = [*build_events(acme.org_id, 200), *build_events(acme.org_id, 40, correlation_id="corr_2")]
    bodies = [{"events": [one.model_dump() for one in made[start : start + 24]]} for start in range(0, 240, 24)]
    saboteur = Sabotage()
    with saboteur.counting() as calls_made:
        assert worker.handler(lambda_event(acme.org_id, bodies), None) == {"batchItemFailures": []}
    assert [name for name in calls_made if name != "BatchWriteItem"] == [*ROUND, "PutItem"] * 3
    assert [one["id"] for one in read_verified_chain(acme.org_id)] == [event.id for event in made]


def test_events_of_different_workflows_are_sealed_together(acme: Tenant) -> None:
    made = [one for number in range(90) for one in build_events(acme.org_id, 1, correlation_id=f"corr_{number}")]
    saboteur = Sabotage()
    with saboteur.counting() as calls_made:
        assert sealing.seal_events(acme.org_id, made) == 90
    assert calls_made == [*ROUND, *["BatchWriteItem"] * 11, "PutItem"]
    assert len(read_verified_chain(acme.org_id)) == 90


def test_large_events_take_several_rounds(acme: Tenant) -> None:
    saboteur = Sabotage()
    with saboteur.counting() as calls_made:
        sealing.seal_events(acme.org_id, build_events(acme.org_id, 12, text="x" * 60_000))
        sealing.seal_events(acme.org_id, build_events(acme.org_id, 2, text="x" * 350_000))
    assert calls_made.count("GetItem") == 8
    assert len(read_verified_chain(acme.org_id)) == 14


def test_messages_with_one_and_with_several_events_are_sealed_together(acme: Tenant) -> None:
    first, *others = build_events(acme.org_id, 4)
    bodies = [{"events": [first.model_dump()]}, {"events": [one.model_dump() for one in others]}]
    worker.handler(lambda_event(acme.org_id, bodies), None)
    assert [one["id"] for one in read_verified_chain(acme.org_id)] == [one.id for one in (first, *others)]


def test_the_sealer_empties_its_queue(acme: Tenant) -> None:
    made = create_recorded_events(acme.org_id, 9)
    send_messages(acme.org_id, [made[:4], made[4:]])
    run_worker("workers/audit")
    assert [one["id"] for one in read_verified_chain(acme.org_id)] == [event.id for event in made]


def test_a_repeated_event_is_sealed_once(acme: Tenant) -> None:
    made = [*build_events(acme.org_id, 60), *build_events(acme.org_id, 30, correlation_id="corr_2")]
    assert [sealing.seal_events(acme.org_id, batch) for batch in (made[:2], made, made[::-1], [*made, *made])] == [
        2,
        88,
        0,
        0,
    ]
    chance = Random(5)
    for _ in range(5):
        more = build_events(acme.org_id, 20)
        known = chance.sample(made, 60)
        groups = chance.sample([*known, *more, *more], 100)
        cut = chance.randint(1, 99)
        sealing.seal_events(acme.org_id, groups[:cut])
        sealing.seal_events(acme.org_id, groups[cut:])
        made += more
    assert sorted(one["id"] for one in read_verified_chain(acme.org_id)) == sorted(event.id for event in made)


def test_events_of_a_workflow_are_sealed_by_id_even_if_messages_arrive_out_of_order(
    acme: Tenant,
) -> None:
    first, second, third = build_events(acme.org_id, 3)
    other, another = build_events(acme.org_id, 2, correlation_id="corr_2")
    bodies = [{"events": [one.model_dump() for one in batch]} for batch in ([second, other], [third, another], [first])]
    worker.handler(lambda_event(acme.org_id, bodies), None)
    # Between different workflows, the order of the queue stays.
    assert [one["id"] for one in read_verified_chain(acme.org_id)] == [
        one.id for one in (first, other, second, another, third)
    ]


def test_an_event_of_another_organization_is_refused(acme: Tenant) -> None:
    stranger, *_ = build_events("org_other", 1)
    failed = worker.handler(lambda_event(acme.org_id, [{"events": [stranger.model_dump()]}]), None)
    assert failed == {"batchItemFailures": [{"itemIdentifier": "0"}]}
    assert read_verified_chain(acme.org_id) == []


def test_a_sealer_continues_after_a_concurrent_sealer(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    mine, others = build_events(acme.org_id, 3), build_events(acme.org_id, 2)
    overtaken = let_others_seal_first(monkeypatch, acme.org_id, [others, mine[:1]])
    assert sealing.seal_events(acme.org_id, mine) == 2
    assert overtaken() == 2
    assert [one["id"] for one in read_verified_chain(acme.org_id)] == [one.id for one in (*others, *mine)]


def test_a_head_that_keeps_moving_returns_the_batch_after_pauses(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(dynamodb, "sleep", pauses.append)
    let_others_seal_first(monkeypatch, acme.org_id, [build_events(acme.org_id, 1) for _ in range(50)])
    with pytest.raises(Contended):
        sealing.seal_events(acme.org_id, build_events(acme.org_id, 1))
    assert len(pauses) > 3
    assert len(set(pauses)) > 1


def let_others_seal_first(
    monkeypatch: pytest.MonkeyPatch, org_id: str, batches: list[list[Event]]
) -> Callable[[], int]:
    """Let another sealer add one batch each time before the head moves, until no batch is left."""
    waiting, real = list(batches), store.head_write

    def seal_first(*arguments: Any) -> Put:
        if waiting:
            batch = waiting.pop(0)
            with monkeypatch.context() as patch:
                patch.setattr(store, "head_write", real)
                sealing.seal_events(org_id, batch)
        return real(*arguments)

    monkeypatch.setattr(store, "head_write", seal_first)
    return lambda: len(batches) - len(waiting)


def test_the_next_sealer_completes_the_work_of_a_killed_one(cloud: dict[str, str], frozen: clock.FrozenClock) -> None:
    """The next sealer gets the batch again, a part of it among other events, or events of another workflow."""
    saboteur = Sabotage()
    for again, slug in enumerate(("globex", "initech", "hooli")):
        acme, made = tenant(slug), list[Event]()
        for done in range(len([*ROUND, *["BatchWriteItem"] * 3, "PutItem"]) + 1):
            batch = create_recorded_events(acme.org_id, 30, correlation_id=f"corr_{done}")
            others = create_recorded_events(acme.org_id, 2, correlation_id="corr_others")
            with saboteur.killing(after=done):
                sealing.seal_events(acme.org_id, batch)
            head, documents = audit.export_part(acme.org_id, 0, 10_000)
            assert chain.verify_export(documents) == (head.seq, head.hash, None), (
                "the links that the head counts are there at once"
            )
            sealing.seal_events(acme.org_id, [batch, [*others, *batch[10:]], others][again])
            sealing.seal_events(acme.org_id, [*others, *batch])
            made += [*others, *batch]
            assert sorted(one["id"] for one in read_verified_chain(acme.org_id)) == sorted(event.id for event in made)
        for workflow in {event.correlation_id for event in made}:
            found = Reader(acme, 100, workflow).read_rest()
            assert all(one["seq"] for one in found)
            assert len(found) == len([event for event in made if event.correlation_id == workflow])


def count_bytes(value: Any) -> int:
    """Returns the bytes that DynamoDB counts for the value of an attribute."""
    ((kind, held),) = value.items()
    match kind:
        case "S":
            return len(held.encode())
        case "N":
            return len(held.lstrip("-")) // 2 + 2
        case "M":
            return 3 + sum(len(name.encode()) + count_bytes(one) + 1 for name, one in held.items())
        case "L":
            return 3 + sum(count_bytes(one) + 1 for one in held)
    return 1


def write_units(item: Item) -> int:
    """Returns the write units of an item: one for each started KB, outside transactions."""
    size = sum(len(name.encode()) + count_bytes(dynamodb.encode_value(value)) for name, value in item.items())
    return -(-size // 1024)


def test_a_sealed_event_costs_four_or_five_units_and_fewer_in_a_batch(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The head and the link are as large as the event, and two items are small."""
    email.send_message(acme.caller(), MailDraft(to=["you@example.com"], subject="s", body="b"))
    calls.place_call(acme.caller(), Order(to="+14155550142", tier=Tier.BASIC, consent_source="business-relationship"))
    found = [events.parse_event(dynamodb.decode_item(item)) for item in scan_items("activity") if "data" in item]
    kinds = {event.type: event for event in found}
    written: list[Item] = []
    monkeypatch.setattr(writes, "put_items", lambda _, items: written.extend(items))
    monkeypatch.setattr(writes, "write_item", lambda put: written.append(put.item))
    for kind, alone in (("email.queued", 4), ("voice.call.created", 5)):
        event = kinds[kind]
        written.clear()
        sealing.seal_events(acme.org_id, [event])
        assert sum(map(write_units, written)) <= alone
        for workflows, most in ((1, 3), (99, 4)):
            company = [
                event.model_copy(update={"id": f"evt_{number:026}", "correlation_id": f"corr_{number % workflows}"})
                for number in range(99)
            ]
            written.clear()
            sealing.seal_events(acme.org_id, company)
            assert sum(map(write_units, written)) / 99 < most, (kind, workflows)
