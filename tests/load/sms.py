"""Texts: the throttle of campaigns, beside limiters of other projects, the cost of a text, and the
measurements beside this module: opt-outs, scheduled texts, and organizations beside each other.

Campaigns run on the virtual clock of `tests.unit.campaigns.virtual`: the real workers over tables in memory, while
workers are killed, messages come twice and tables are throttled.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

from switchboard.aws.writes import commit
from switchboard.campaigns import changes, counts
from switchboard.campaigns.models import Campaign, CampaignStatus
from switchboard.carriers.messages.ports.reports import TextReport
from switchboard.kit import clock
from switchboard.messaging import acceptance, reports, sending
from switchboard.messaging import store as messages
from switchboard.messaging.drafts import TextDraft
from switchboard.messaging.jobs import SendText
from switchboard.messaging.models import TextMessage
from tests.load import report, sms_lateness, sms_neighbors, sms_opt_outs, sms_units, stub
from tests.unit.campaigns.desk import make_campaign
from tests.unit.campaigns.virtual import (
    Carried,
    Mishaps,
    Office,
    World,
    add_recipients,
    contact_of,
    open_office,
    open_world,
    worst_window,
)
from tests.unit.messaging.desk import make_conversation

CAMPAIGNS, THROTTLE, MINUTES = 10, 600, 3
_DISTURBED = Mishaps(killed=0.0005, throttled=0.005, repeated=0.02)
#: The most requests of a text, all told: of a campaign, and of a single text that is delivered.
CAMPAIGN_TARGET, SINGLE_TARGET = 6, 14

#: The limiter of npm's `rate-limiter-flexible` on a clock of its own.
_RIVAL = Path(__file__).with_name("sms_rival.cjs")


class Figures(NamedTuple):
    """The figures of one campaign."""

    worst: int
    use: float
    distance: float


def measure() -> None:
    """Print the figures."""
    stub.drop_log()
    _measure_throttle()
    _measure_requests()
    sms_units.measure()
    sms_neighbors.measure()
    sms_lateness.measure()
    sms_opt_outs.measure()


# ---- the throttle


def _measure_throttle() -> None:
    rows: list[tuple[object, ...]] = []
    runs = {"undisturbed": Mishaps(), "killed, repeated and throttled": _DISTURBED}
    with ProcessPoolExecutor(2, mp_context=get_context("spawn"), initializer=stub.drop_log) as pool:
        done = list(pool.map(_run_campaigns, runs.values()))
    for (name, mishaps), (found, twice, lost, kills) in zip(runs.items(), done, strict=True):
        worst = max(one.worst for one in found)
        use, distance = min(one.use for one in found), max(one.distance for one in found)
        rows.append((f"{name} ({kills} kills)", worst, f"{use:.2%}", f"{distance:.1f} s", twice, lost))
        report.at_most(f"campaigns, {name}: worst 60 s of the throttle", worst / THROTTLE, "x", 1.0)
        report.at_most(f"campaigns, {name}: texts sent twice", twice, "texts", 0)
        report.at_most(f"campaigns, {name}: texts lost", lost, "texts", 0)
        if mishaps == Mishaps():
            report.at_least("campaigns: use of the throttle", use * 100, "%", 99)
            report.without_target("campaigns: p99 distance from an even row", distance, "s")
    rows += [(name, *_row(begun)) for name, begun in _rivals()]
    report.table(
        f"{CAMPAIGNS} campaigns at {THROTTLE} texts a minute, on a virtual clock (the worst campaign)",
        ("", "worst 60 s", "use", "p99 from an even row", "twice", "lost"),
        rows,
    )


def _run_campaigns(mishaps: Mishaps) -> tuple[list[Figures], int, int, int]:
    """Runs all campaigns to their end. Returns their figures, the texts sent twice and lost, and the kills."""
    total = THROTTLE * MINUTES + 300
    with open_world(1, mishaps) as world:
        campaigns = []
        for place in range(CAMPAIGNS):
            office = open_office(f"office-{place}", e164=f"+121255501{place:02d}")
            campaign = make_campaign(office.who, office.number, throttle_per_minute=THROTTLE)
            add_recipients(campaign, total)
            campaigns.append(changes.launch_campaign(office.who, campaign.id))
        for _ in range(60):
            world.run(60)
            if all(_now(one).status is CampaignStatus.COMPLETED for one in campaigns):
                break
        by_campaign = {
            one.org_id: [carried for carried in world.carried if carried.org_id == one.org_id] for one in campaigns
        }
        figures = [_figures(carried) for carried in by_campaign.values()]
        sent = [Counter(one.contact for one in carried if one.taken) for carried in by_campaign.values()]
        twice = sum(number > 1 for one in sent for number in one.values())
        return figures, twice, CAMPAIGNS * total - sum(len(one) for one in sent), world.kills


def _now(campaign: Campaign) -> Campaign:
    return changes.require_campaign(campaign.org_id, campaign.id)


def _figures(carried: Sequence[Carried]) -> Figures:
    begun = sorted(one.begun for one in carried)
    # The first lanes begin one after another, and the last minute has no recipients left.
    opens, closes = begun[0] + 60, begun[0] + 60 * MINUTES
    return Figures(worst_window(carried), *_steady([at for at in begun if opens <= at < closes], closes - opens))


def _steady(begun: Sequence[float], seconds: float) -> tuple[float, float]:
    step = (begun[-1] - begun[0]) / (len(begun) - 1)
    offsets = [at - place * step for place, at in enumerate(begun)]
    middle = (max(offsets) + min(offsets)) / 2
    distance = sorted(abs(offset - middle) for offset in offsets)[len(begun) * 99 // 100]
    return len(begun) / (THROTTLE * seconds / 60), distance


def _row(begun: Sequence[float]) -> tuple[object, ...]:
    """Returns the figures of another limiter, whose hand-overs take no time."""
    worst = max(sum(opens <= at < opens + 60 for at in begun) for opens in begun)
    use, distance = _steady([at for at in begun if 60 <= at < 540], 480)
    return worst, f"{use:.2%}", f"{distance:.1f} s", "-", "-"


def _rivals() -> list[tuple[str, list[float]]]:
    """Returns the hand-overs of limiters of other projects, with workers that stop now and then."""
    print(
        "\nBullMQ's limiter is not measured: it needs Redis. It has a fixed window too, from the first job of a window."
    )
    if not shutil.which("npm") or not shutil.which("node"):
        print("rate-limiter-flexible is not measured: there is no Node here.")
        return []
    with tempfile.TemporaryDirectory() as folder:
        install = ["npm", "install", "--silent", "--no-audit", "--no-fund", "rate-limiter-flexible@7"]
        if subprocess.run(install, cwd=folder, check=False, capture_output=True, timeout=120).returncode:
            print("rate-limiter-flexible is not measured: npm cannot install it here.")
            return []
        script = Path(shutil.copy(_RIVAL, folder))
        # A worker is killed after 100 texts of a window, and its queue delivers again half a minute later.
        pauses = [[place * 120_000 + 1_000, 56_000] for place in range(1, 5)]
        done = subprocess.run(
            ["node", str(script), json.dumps(pauses)],
            cwd=folder,
            check=True,
            capture_output=True,
            text=True,
            timeout=60,
        )
    return [("rate-limiter-flexible, a worker stops 4 times", json.loads(done.stdout))]


# ---- requests


def _measure_requests() -> None:
    rows: list[tuple[object, ...]] = []
    for throttle in (30, 60, 120, THROTTLE):
        in_campaign = _count_requests(throttle)
        rows.append((f"a text of a campaign at {throttle} a minute, delivered", f"{in_campaign:.1f}", CAMPAIGN_TARGET))
        report.at_most(
            f"requests of a campaign's text at {throttle} a minute", in_campaign, "requests", CAMPAIGN_TARGET
        )
    with open_world(1) as world:
        office = open_office()
        single = _send_single(world, office, contact_of(2_000))
        _report(world, office, world.carried[-1])
        alone = sum(world.requests.values())
    rows.append((f"a single text ({single.status.value}), accepted, sent and delivered", alone, SINGLE_TARGET))
    report.table(
        "Requests of a text to the tables and queues, without its fan-out and audit (they are among the units)",
        ("", "requests", "target"),
        rows,
    )
    report.at_most("requests of a single text", alone, "requests", SINGLE_TARGET)


def _count_requests(throttle: int) -> float:
    """Returns the requests of a campaign's text, with its report."""
    with open_world(1) as world:
        office = open_office()
        campaign = make_campaign(office.who, office.number, throttle_per_minute=throttle)
        add_recipients(campaign, min(throttle * 5, 1_000))
        changes.launch_campaign(office.who, campaign.id)
        world.run(200)
        for one in world.carried:
            _report(world, office, one)
        return sum(world.requests.values()) / len(world.carried)


def _report(world: World, office: Office, one: Carried) -> None:
    told = TextReport(
        org_id=office.org_id,
        conversation_id=make_conversation(office.org_id, one.contact, office.number.id).id,
        message_id=one.message_id,
        provider_sid=f"SM{one.message_id}",
        status="delivered",
        reported_at=clock.now_iso(),
    )
    with world.working():
        reports.apply_report(told, counts.status_writes)


def _send_single(world: World, office: Office, contact: str) -> TextMessage:
    talk = make_conversation(office.org_id, contact, office.number.id, simulated=True)
    commit(messages.CONVERSATIONS.create_write(talk))
    with world.working():
        sent = acceptance.send_text(office.who, talk.id, TextDraft(body="Hello."), None).message
        assert sent
        sending.send_queued_text(SendText(org_id=sent.org_id, conversation_id=sent.conversation_id, message_id=sent.id))
    return sent
