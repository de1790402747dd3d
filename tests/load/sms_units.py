"""The cost of a text in DynamoDB over its whole life: of a campaign, and of a member.

As in `tests.load.units`: the real handlers over dynoxide, and units by the published rules. The whole life is the
acceptance or the campaign's turns, the hand-over, the report of the delivery, the fan-out of all events, the audit
chain and the projections. The simulated carrier's own records do not count. Lambda reads the stream for free.
"""

from __future__ import annotations

from datetime import timedelta

from switchboard.aws import clients
from switchboard.aws.writes import commit
from switchboard.campaigns import changes, counts
from switchboard.campaigns.models import Campaign
from switchboard.kit import clock
from switchboard.messaging import acceptance
from switchboard.messaging import store as messages
from switchboard.messaging.drafts import TextDraft
from switchboard.messaging.models import MessageStatus
from tests.load import dynoxide, report, stub
from tests.load.capacity import Units
from tests.load.world import World, run_world
from tests.unit.campaigns.desk import make_campaign
from tests.unit.campaigns.virtual import Office, add_recipients, contact_of, open_office
from tests.unit.messaging.desk import make_conversation

_TEXTS, _THROTTLE = 120, 600
_STEP, _STEPS, _MINUTES = 0.05, 40, 20
#: How long a request takes. Without it, a turn that looks until its time has come would look for ever.
_REQUEST_MS = 8
#: The worker that plays the carrier.
_CARRIER = "workers/simulator"


def measure() -> None:
    """Print requests and units of a text."""
    binary = dynoxide.binary()
    if binary is None:
        print("\nUnits of a text: not measured, dynoxide cannot be had here.")
        return
    with run_world(binary, SWITCHBOARD_TEXTS_STEP_SECONDS="1") as world:
        # Eleven in the morning in California, far from quiet hours.
        now = clock.now()
        world.source.advance(seconds=((19 - now.hour) % 24) * 3_600)
        for client in (clients.dynamodb_client(), clients.dynamodb_client_without_retries()):
            # A turn may begin a moment before its time: it needs a clock that moves.
            client.meta.events.register(
                "after-call.dynamodb", lambda **_: world.source.advance(milliseconds=_REQUEST_MS)
            )
        office = open_office()
        rows = [*_campaign(world, office), *_single(world, office)]
    report.table(
        "DynamoDB: requests and units of a text over its whole life, delivered and told, and where they go",
        ("", "requests", "RCU", "WCU", "largest parts of the WCU"),
        rows,
    )


def _campaign(world: World, office: Office) -> list[tuple[object, ...]]:
    with world.meter.aside():
        campaign = make_campaign(office.who, office.number, throttle_per_minute=_THROTTLE)
        add_recipients(campaign, _TEXTS)
        world.settle()
    world.meter.taken()
    until = clock.now() + timedelta(minutes=5)
    with world.meter.of("launch"):
        changes.launch_campaign(office.who, campaign.id)
    # It starts at the next full minute.
    world.source.advance(seconds=58 - clock.now().second % 58)
    while not _is_done(world, office, campaign) and clock.now() < until:
        for _ in range(_STEPS):
            world.step(_STEP)
    world.pass_by(_MINUTES)
    assert _is_done(world, office, campaign), "not all texts are delivered"
    return _rows("a text of a campaign", world.meter.taken(), _TEXTS)


def _is_done(world: World, office: Office, campaign: Campaign) -> bool:
    with world.meter.aside():
        return counts.read_counts(office.org_id, campaign.id).delivered == _TEXTS


def _single(world: World, office: Office) -> list[tuple[object, ...]]:
    talk = make_conversation(office.org_id, contact_of(90_000), office.number.id, simulated=True)
    with world.meter.aside():
        commit(messages.CONVERSATIONS.create_write(talk))
    # The first one creates the counters of the month and the day.
    for _ in range(2):
        world.meter.taken()
        with world.meter.of("acceptance"), stub.drop_metrics():
            sent = acceptance.send_text(office.who, talk.id, TextDraft(body="Hello."), None).message
        assert sent
        world.settle()
        world.pass_by(_MINUTES)
        told = messages.get_message(sent.org_id, sent.conversation_id, sent.id)
        assert told is not None
        assert told.status is MessageStatus.DELIVERED, told
    return _rows("a single text", world.meter.taken(), 1)


def _rows(name: str, found: dict[str, Units], number: int) -> list[tuple[object, ...]]:
    found.pop(_CARRIER, None)
    total = Units()
    for units in found.values():
        total.add(units)
    report.without_target(f"{name}: units written", total.write / number, "WCU")
    report.without_target(f"{name}: units read", total.read / number, "RCU")
    return [
        *(_row(f"{name}: {part.removeprefix('workers/')}", units, number) for part, units in found.items()),
        _row(f"{name}: whole life", total, number),
    ]


def _row(name: str, units: Units, number: int) -> tuple[object, ...]:
    largest = ", ".join(f"{place} {amount / number:.3g}" for place, amount in units.places.most_common(4))
    return (
        name,
        f"{units.requests.total() / number:.1f}",
        f"{units.read / number:.1f}",
        f"{units.write / number:.1f}",
        largest,
    )
