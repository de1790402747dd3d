"""The acts of people, programs and called persons in a run. `ACTS` says how often each is chosen."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext, suppress

from switchboard.accounts import keys, organizations
from switchboard.accounts.models import Caller, HardCap
from switchboard.accounts.organizations import Status
from switchboard.calls import initiation, reports, timeouts
from switchboard.calls import service as calls
from switchboard.calls.initiation import CallRequest
from switchboard.calls.models import Order, State
from switchboard.carriers.voice.ports.reports import Report, Turn
from switchboard.compliance import ledgers
from switchboard.email import service as mails
from switchboard.email import suppressions
from switchboard.email.models import MailDraft
from switchboard.errors import DomainError, NotFound
from switchboard.persistence.idempotency import IdempotencyKey
from switchboard.usage import service as usage
from tests.races.world import ADDRESS, NUMBER, World

Act = Callable[[World], Callable[[], None]]
_OPT_OUT, _BLOCK, _SUPPRESSION = ("opt-outs", NUMBER), ("dnc", NUMBER), ("suppressed", ADDRESS)


def _with_random_effect(world: World, caller: Caller) -> Caller:
    """Returns the caller, half of the time with an Idempotency-Key, so that its request may be repeated."""
    if world.chance.random() < 0.5:
        return caller
    return Caller(
        **{name: getattr(caller, name) for name in caller.__dataclass_fields__} | {"effect": _create_effect(world)}
    )


def _create_effect(world: World) -> IdempotencyKey:
    return IdempotencyKey(scope=world.start.org_id, key=world.new_name("key"), fingerprint="f")


def anima_call(world: World) -> Callable[[], None]:
    caller = _with_random_effect(world, world.start.agent)
    order = Order.model_validate({"to": NUMBER, "tier": "basic", "consent_source": "business-relationship"})
    return _ignore_refusal(lambda: calls.place_call(caller, order))


def opticomm_call(world: World) -> Callable[[], None]:
    wanted = CallRequest(agent=world.start.flow_id, to=NUMBER, request_id=world.new_name("request"))
    return _ignore_refusal(lambda: initiation.initiate_call(world.start.back_end, wanted, nullcontext))


def send_mail(world: World) -> Callable[[], None]:
    caller, draft = (
        _with_random_effect(world, world.start.agent),
        MailDraft(to=[ADDRESS], subject="Hello", body="Hello."),
    )
    return _ignore_refusal(lambda: mails.send_message(caller, draft))


def _ignore_refusal(work: Callable[[], object]) -> Callable[[], None]:
    def act() -> None:
        with suppress(DomainError):
            work()

    return act


def opt_out(world: World) -> Callable[[], None]:
    def act() -> None:
        with world.oracle.withdrawing(_OPT_OUT):
            ledgers.record_opt_out(world.start.master, NUMBER, "api")

    return act


def say_stop(world: World) -> Callable[[], None]:
    turn = Turn(number=7, speaker="user", text="Please don't call me again.", start_ms=0, end_ms=900)
    return _report_stop(world, {"kind": "turn", "turn": turn})


def press_stop(world: World) -> Callable[[], None]:
    return _report_stop(world, {"kind": "dtmf", "digits": "9"})


def _report_stop(world: World, facts: dict[str, object]) -> Callable[[], None]:
    if not world.talks:
        return opt_out(world)
    progress = Report.model_validate({"org_id": world.start.org_id, "call_id": world.talks.pop(), **facts})

    def act() -> None:
        with world.oracle.withdrawing(_OPT_OUT):
            reports.apply_report(progress)

    return act


def opt_in(world: World) -> Callable[[], None]:
    def act() -> None:
        with world.oracle.lifting(_OPT_OUT):
            ledgers.record_opt_in(world.start.master, NUMBER)

    return act


def block(world: World) -> Callable[[], None]:
    def act() -> None:
        with world.oracle.withdrawing(_BLOCK):
            ledgers.block_number(world.start.master, NUMBER)

    return act


def unblock(world: World) -> Callable[[], None]:
    def act() -> None:
        with world.oracle.lifting(_BLOCK):
            ledgers.unblock_number(world.start.master, NUMBER)

    return act


def withdraw_again(world: World) -> Callable[[], None]:
    """Lift a withdrawal and enter it again."""
    steps = [opt_in(world), opt_out(world)] if world.chance.random() < 0.5 else [unblock(world), block(world)]

    def act() -> None:
        for step in steps:
            step()

    return act


def suspend(world: World) -> Callable[[], None]:
    return _set_status(world, "suspended")


def activate(world: World) -> Callable[[], None]:
    return _set_status(world, "active")


def _set_status(world: World, status: Status) -> Callable[[], None]:
    told = world.oracle.withdrawing if status == "suspended" else world.oracle.lifting

    def act() -> None:
        with told(("org", world.start.org_id)):
            organizations.set_status(world.start.master, status)

    return act


def revoke(world: World) -> Callable[[], None]:
    key_id = world.chance.choice((world.start.agent, world.start.back_end)).key.id

    def act() -> None:
        with world.oracle.withdrawing(("key", key_id)):
            keys.revoke_key(world.start.master, key_id)

    return act


def lower_cap(world: World) -> Callable[[], None]:
    return _set_cap(world, 1)


def raise_cap(world: World) -> Callable[[], None]:
    return _set_cap(world, 100_000)


def _set_cap(world: World, cents: int) -> Callable[[], None]:
    def act() -> None:
        org = organizations.get_organization(world.start.org_id)
        usage.set_hard_cap(world.start.master, org, HardCap(enabled=True, monthly_cap_cents=cents))

    return act


def suppress_address(world: World) -> Callable[[], None]:
    origin = world.start.master
    by_click = world.chance.random() < 0.5

    def act() -> None:
        with world.oracle.withdrawing(_SUPPRESSION):
            if by_click:
                suppressions.suppress_address(origin, ADDRESS, "unsubscribed")
            else:
                suppressions.add_suppression(origin, ADDRESS)

    return act


def lift_suppression(world: World) -> Callable[[], None]:
    def act() -> None:
        with world.oracle.lifting(_SUPPRESSION), suppress(NotFound):
            suppressions.lift_suppression(world.start.master, ADDRESS)

    return act


def cancel_call(world: World) -> Callable[[], None]:
    """Cancel a call that waits to be dialed at that time, or hang one up."""
    close = world.chance.random() < 0.7

    def act() -> None:
        world.asked("look")
        for call_id in [one for one, noun in world.oracle.accepted.items() if noun == "call"]:
            if close:
                timeouts.close_call(world.start.org_id, call_id, State.CREATED.value)
            else:
                timeouts.hang_up_call(world.start.org_id, call_id)

    return act


def pass_time(world: World) -> Callable[[], None]:
    seconds = world.chance.choice((20, 11 * 60, 16 * 60, 13 * 3_600))

    def act() -> None:
        world.asked("wait")
        world.pass_time(seconds=seconds)

    return act


ACCEPTING: tuple[Act, ...] = (anima_call, opticomm_call, send_mail)
WITHDRAWING: dict[Act, int] = {
    opt_out: 3, say_stop: 2, press_stop: 2, block: 3, opt_in: 2, unblock: 2, withdraw_again: 2, suspend: 3,
    activate: 2, revoke: 2, lower_cap: 2, raise_cap: 1, suppress_address: 3, lift_suppression: 2, cancel_call: 2,
    pass_time: 1,
}  # fmt: skip
