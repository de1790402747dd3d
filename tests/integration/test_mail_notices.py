"""Notices about one mail, processed by many workers at once: each is recorded, and the mail's final state follows."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest

from switchboard.aws import clients
from switchboard.aws.reads import Query
from switchboard.carriers import mail as carriers
from switchboard.email import delivery, feedback, service, store
from switchboard.email.models import MailDraft, MailState, Message
from switchboard.events import service as events
from switchboard.events.models import Event
from switchboard.kit import chance
from switchboard.usage import charges
from tests.actors import tenant
from tests.fakes.mail import MailCarrier
from tests.integration.sabotage import Sabotage

pytestmark = pytest.mark.usefixtures("engine_cloud")

WORKERS = 20
PEOPLE = [f"Person+{number}@example.com" for number in range(50)]


@pytest.fixture(autouse=True)
def _any_slice(_first_slice: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(charges, "choose_slice", chance.below)


@pytest.fixture
def mail(monkeypatch: pytest.MonkeyPatch) -> Message:
    """A mail to fifty recipients that the provider has accepted."""
    monkeypatch.setattr(carriers, "mail_carrier", MailCarrier)
    message = service.send_message(tenant().caller(), MailDraft(to=PEOPLE, subject="s", body="long text " * 18_000))
    delivery.send_queued(message.org_id, message.id)
    return message


def by_workers(jobs: Sequence[Callable[[], None]]) -> list[Exception]:
    """Let twenty workers process the jobs. Returns the failed jobs, which a queue would bring again. Gives up after a
    while.
    """

    def run(job: Callable[[], None]) -> Exception | None:
        try:
            job()
        except Exception as error:  # noqa: BLE001 it is counted
            return error
        return None

    with ThreadPoolExecutor(WORKERS) as pool:
        return [error for error in pool.map(run, jobs) if error]


def count_events(message: Message, kind: str) -> list[Event]:
    partition = events.workflow_partition(message.org_id, message.correlation_id)
    found = (
        events.parse_event(item) for item in Query(table="activity", partition=partition).read_all() if "outbox" in item
    )
    return [event for event in found if event.type == kind]


def list_reported_recipients(message: Message, kind: str) -> Counter[str]:
    return Counter(digest for event in count_events(message, kind) for digest in event.data["recipients"])


def delivery_notice(message: Message, address: str) -> Callable[[], None]:
    return lambda: feedback.record_delivery(message.org_id, message.id, [address.lower()])


def bounce_notice(message: Message, address: str) -> Callable[[], None]:
    return lambda: feedback.record_bounce(message.org_id, message.id, [address], permanent=True)


def load_message(message: Message) -> Message:
    found = store.get_message(message.org_id, message.id)
    assert found
    return found


def test_fifty_notices_by_twenty_workers_are_all_recorded(mail: Message) -> None:
    jobs = [delivery_notice(mail, address) for address in PEOPLE] * 2
    random.Random(1).shuffle(jobs)
    assert by_workers(jobs) == []
    assert load_message(mail).state is MailState.DELIVERED
    assert set(list_reported_recipients(mail, "email.delivered").values()) == {1}
    numbers = [event.subject.version for event in count_events(mail, "email.delivered")]
    assert len(set(numbers)) == len(numbers) == 50
    (sent,) = count_events(mail, "email.sent")
    assert sent.subject.version is not None
    assert all(number is not None and number > sent.subject.version for number in numbers)


def test_bounces_suppress_each_address_and_end_the_mail_as_bounced(mail: Message) -> None:
    gone = PEOPLE[::5]
    jobs = [bounce_notice(mail, address) if address in gone else delivery_notice(mail, address) for address in PEOPLE]
    assert by_workers(jobs) == []
    found = load_message(mail)
    assert (found.state, found.error) == (MailState.BOUNCED, "permanent bounce")
    assert (
        len(list_reported_recipients(mail, "email.delivered")),
        len(list_reported_recipients(mail, "email.bounced")),
    ) == (40, 10)
    assert sorted(store.list_suppressed(mail.org_id, PEOPLE)) == sorted(gone)


def test_notices_before_the_response_to_the_send_are_recorded_too(
    mail: Message, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(carriers, "mail_carrier", lambda: MailCarrier(carriers.OutcomeUnknownError("timeout")))
    unanswered = service.send_message(tenant("other").caller(), MailDraft(to=PEOPLE, subject="s", body="b"))
    delivery.send_queued(unanswered.org_id, unanswered.id)
    jobs = [delivery_notice(unanswered, address) for address in PEOPLE]
    jobs += [lambda: feedback.record_acceptance(unanswered.org_id, unanswered.id, "late@email.amazonses.com")] * 4
    random.Random(2).shuffle(jobs)
    assert by_workers(jobs) == []
    found = load_message(unanswered)
    assert (found.state, found.external_id) == (MailState.DELIVERED, "late@email.amazonses.com")
    assert len(count_events(unanswered, "email.sent")) == 1
    assert set(list_reported_recipients(unanswered, "email.delivered").values()) == {1}


def test_conflicts_of_transactions_lose_no_notice(mail: Message) -> None:
    # The engine produces no conflicts. Here every third transaction gets one.
    saboteur, number = Sabotage(), count(1)

    def conflict(**_: object) -> None:
        if not next(number) % 3:
            saboteur.fail("TransactWriteItems", "TransactionCanceledException", reasons=["TransactionConflict"])

    clients.dynamodb_client().meta.events.register_first("provide-client-params.dynamodb.TransactWriteItems", conflict)
    assert by_workers([delivery_notice(mail, address) for address in PEOPLE]) == []
    assert next(number) > 51 * 4 / 3
    assert load_message(mail).state is MailState.DELIVERED
    assert set(list_reported_recipients(mail, "email.delivered").values()) == {1}


def test_notices_of_different_recipients_write_to_different_items(mail: Message) -> None:
    places: list[tuple[str, str]] = []

    def note(params: dict[str, list[dict[str, dict[str, dict[str, dict[str, str]]]]]], **_: object) -> None:
        for write in params["TransactItems"]:
            item = write["Put"]["Item"]
            places.append((item["pk"]["S"], item["sk"]["S"]))
            assert len(repr(item)) < 4_000, "a notice carries no text of the mail"

    clients.dynamodb_client().meta.events.register("provide-client-params.*.TransactWriteItems", note)
    for address in PEOPLE[:-1]:
        delivery_notice(mail, address)()
    assert len(set(places)) == len(places) == 2 * 49, (
        "a recipient's item and an event for each, and no write to the head"
    )
    delivery_notice(mail, PEOPLE[-1])()
    assert [sk for _, sk in places[98:]].count("message") == 1
