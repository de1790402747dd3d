"""Opt-outs against texts under way: of campaigns, of members at once and later, and of the AI.

Each contact opts out between two requests of a worker, by its STOP or by a member. A text that a carrier gets after
that commit is a failure. The real workers run on the virtual clock of `tests.unit.campaigns.virtual`, while some of
them are killed and tables are throttled.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from multiprocessing import get_context
from typing import Any

from switchboard.aws.writes import commit
from switchboard.campaigns import changes
from switchboard.carriers.messages.ports.messenger import OutgoingText
from switchboard.carriers.messages.ports.reports import IncomingText
from switchboard.compliance import ledgers
from switchboard.compliance.verdicts import Blocked
from switchboard.errors import Contended
from switchboard.flows import service as flows
from switchboard.flows.models import FlowSettings
from switchboard.kit import clock
from switchboard.messaging import acceptance, firing, incoming, sending
from switchboard.messaging import store as messages
from switchboard.messaging.drafts import TextDraft
from switchboard.messaging.jobs import SendScheduledText, SendText
from switchboard.messaging.threads import conversation_id_of
from switchboard.replies import service as replies
from switchboard.replies.jobs import PAUSE, ReplyToTexts
from tests.actors import member, system, tenant
from tests.load import report, stub
from tests.load.sizes import SIZES
from tests.unit.calls.console_calls import save_number
from tests.unit.campaigns.desk import make_campaign
from tests.unit.campaigns.virtual import (
    CAMPAIGN_WORK,
    Mishaps,
    Office,
    WorkerKilledError,
    World,
    add_recipients,
    contact_of,
    open_world,
)
from tests.unit.messaging.desk import make_conversation

#: The contacts of a run, by the kind of their text.
KINDS = {"campaign": 200, "member": 100, "scheduled": 100, "ai": 100}
PIECE = sum(KINDS.values())
_MISHAPS = Mishaps(killed=0.0005, throttled=0.003)
_SECONDS = 70
#: The requests between the job of a text and its hand-over, about.
_STEPS = 7


def measure() -> None:
    """Print the number of opt-outs, and the texts that they did not stop."""
    began = time.perf_counter()
    pieces = range(-(-SIZES.opt_outs // PIECE))
    cores, context = os.cpu_count() or 1, get_context("spawn")
    with ProcessPoolExecutor(cores, mp_context=context, initializer=stub.drop_log) as pool:
        found = sum(pool.map(run_opt_outs, pieces), Counter[str]())
    seconds = time.perf_counter() - began
    rows = [
        (
            kind,
            *(f"{found[f'{kind}: {what}']:,}" for what in ("opt-outs", "handed over before", "handed over after")),
            f"{found[f'{kind}: opt-outs'] - found[f'{kind}: handed over before']:,}",
        )
        for kind in KINDS
    ]
    report.table(
        f"{found['opt-outs']:,} opt-outs, each at a random moment of a text, in {seconds:.0f} s"
        f" ({found['kills']:,} workers killed)",
        ("texts", "opt-outs", "handed over before", "handed over after", "never handed over"),
        rows,
    )
    report.at_least("opt-outs against texts", found["opt-outs"], "opt-outs", SIZES.opt_outs)
    report.at_most("texts handed over after an opt-out", found["handed over after"], "texts", 0)


def run_opt_outs(seed: int) -> Counter[str]:
    """Sends some hundred texts of each kind, of which each contact opts out. Returns what happened."""
    with open_world(seed, _MISHAPS) as world:
        return _Run(world).run()


class _Run:
    """One world. `out` has the contacts that have opted out, `left` those that will."""

    def __init__(self, world: World) -> None:
        self.world, self.found = world, Counter[str]()
        contacts = iter([contact_of(index) for index in range(PIECE)])
        self.contacts = {kind: [next(contacts) for _ in range(number)] for kind, number in KINDS.items()}
        self.kinds = {contact: kind for kind, found in self.contacts.items() for contact in found}
        self.left = dict.fromkeys(self.kinds)
        self.out: set[str] = set()
        self.office = _open_office()
        self.by_job: dict[str, str] = {}
        #: The contact that opts out during the job of its text, and the number of requests until then.
        self.near: str | None = None
        self.in_campaign = True
        self.steps = 0
        self.sids = 0
        #: Contacts of the campaign, in the order of their opt-outs.
        self.others = list(self.contacts["campaign"])
        world.random.shuffle(self.others)

    def run(self) -> Counter[str]:
        world = self.world
        world.work = {
            **CAMPAIGN_WORK,
            "SendText": (SendText, self._beside(sending.send_queued_text)),
            "SendScheduledText": (SendScheduledText, self._beside(firing.send_scheduled)),
            "ReplyToTexts": (ReplyToTexts, self._beside(replies.reply_to_texts)),
        }
        world.carrier, world.before = self._look, self._pass_step
        campaign = make_campaign(self.office.who, self.office.number, throttle_per_minute=600)
        add_recipients(campaign, KINDS["campaign"])
        changes.launch_campaign(self.office.who, campaign.id)
        for contact in self.contacts["scheduled"]:
            self._send(contact, clock.format_iso(clock.now() + timedelta(seconds=world.random.uniform(5, _SECONDS))))
        for second in range(_SECONDS):
            for contact in self.contacts["member"][second * 2 : second * 2 + 2]:
                self._accept(contact)
            for contact in self.contacts["ai"][second * 2 : second * 2 + 2]:
                self._hear(contact, "When do you open?")
            world.run(1)
        world.run(60)
        for contact in list(self.left):
            self._opt_out(contact)
        self.found["opt-outs"] = len(self.out)
        self.found["kills"] = world.kills
        for kind, contacts in self.contacts.items():
            self.found[f"{kind}: opt-outs"] = len(contacts)
        return self.found

    # ---- texts

    def _accept(self, contact: str) -> None:
        """A member sends a text. The contact may opt out within the request."""
        with self._aiming(contact, 0.2), self.world.working():
            try:
                self._send(contact, None)
            except (Blocked, Contended, WorkerKilledError):
                self.found["refused or killed at acceptance"] += 1

    def _send(self, contact: str, at: str | None) -> None:
        org_id, number_id = self.office.org_id, self.office.number.id
        talk = make_conversation(org_id, contact, number_id, simulated=True)
        with self.world.aside():
            commit(messages.CONVERSATIONS.create_write(talk))
        self.by_job[talk.id] = contact
        sent = acceptance.send_text(self.office.who, talk.id, TextDraft(body="Hello.", scheduled_at=at), None)
        if sent.scheduled:
            self.by_job[sent.scheduled.id] = contact

    def _hear(self, contact: str, body: str) -> None:
        """A text of a contact comes in, and starts a job of the AI unless it is a keyword."""
        org_id, number = self.office.org_id, self.office.number
        self.sids += 1
        incoming.receive_text(
            IncomingText(
                org_id=org_id,
                number_id=number.id,
                provider_sid=f"SM{self.sids:032d}",
                from_number=contact,
                to_number=number.e164,
                body=body,
                received_at=clock.now_iso(),
            )
        )
        if body == "STOP":
            return
        talk_id = conversation_id_of(org_id, number.id, contact)
        self.by_job[talk_id] = contact
        newest = messages.list_messages(org_id, talk_id, 1)[0][0]
        job = ReplyToTexts(org_id=org_id, conversation_id=talk_id, message_id=newest.id)
        self.world.send([job.to_message(delay=int(PAUSE.total_seconds()))])

    # ---- opt-outs

    def _beside(self, work: Callable[[Any], None]) -> Callable[[Any], None]:
        """Lets the contact of a job opt out while the job runs, in most of the runs."""

        def run(job: Any) -> None:
            contact = self.by_job.get(getattr(job, "scheduled_id", None) or job.conversation_id)
            with self._aiming(contact, 0.6):
                work(job)

        return run

    @contextmanager
    def _aiming(self, contact: str | None, probability: float) -> Iterator[None]:
        if self.world.random.random() < probability:
            self.near, self.steps = contact, self.world.random.randrange(_STEPS)
        self.in_campaign = False
        try:
            yield
        finally:
            self.near, self.in_campaign = None, True

    def _pass_step(self, _: str) -> None:
        if self.in_campaign:
            # As many as keep up with the texts of a turn.
            for _each in range(min(len(self.others), self.world.random.choice((0, 0, 0, 1)))):
                self._opt_out(self.others.pop())
        elif self.near is not None:
            self.steps -= 1
            if self.steps < 0:
                contact, self.near = self.near, None
                self._opt_out(contact)

    def _opt_out(self, contact: str) -> None:
        if contact not in self.left:
            return
        del self.left[contact]
        with self.world.aside():
            if self.world.random.random() < 0.5:
                self._hear(contact, "STOP")
            else:
                ledgers.record_opt_out(system(self.office.org_id), contact, "keyword")
        self.out.add(contact)

    def _look(self, text: OutgoingText) -> None:
        """The carrier gets a text."""
        kind = self.kinds[text.to_number]
        if text.to_number not in self.out:
            self.found[f"{kind}: handed over before"] += 1
            return
        with self.world.aside():
            message = messages.get_message(text.org_id, text.conversation_id, text.message_id)
        if message and message.passes_opt_out:
            self.found["confirmations"] += 1
            return
        self.found["handed over after"] += 1
        self.found[f"{kind}: handed over after"] += 1


def _open_office() -> Office:
    org_id = tenant().org_id
    flow = flows.create_flow(
        system(org_id), FlowSettings(name="Desk", greeting="Welcome to Acme!", system_prompt="Be kind.")
    )
    return Office(member(org_id), save_number(org_id, sms_flow_id=flow.id))
