"""`switchboard simulate`: lets simulated people call our numbers, and text them."""

from __future__ import annotations

import argparse
import mimetypes
import secrets
from typing import TYPE_CHECKING

from switchboard.aws import queues
from switchboard.calls import inbound
from switchboard.carriers.messages.segments import count_segments
from switchboard.carriers.voice.twilio.callbacks import ANONYMOUS
from switchboard.cli.commands import CommandGroup, print_rows
from switchboard.compliance import phone
from switchboard.errors import Invalid, NotFound
from switchboard.kit import settings
from switchboard.numbers import service as numbers

if TYPE_CHECKING:
    from switchboard.cli.commands import Nouns

#: A number that belongs to nobody.
_CALLER = "+14155550142"


def add_to(nouns: Nouns) -> None:
    """Adds the commands."""
    simulate = CommandGroup(nouns, "simulate", "simulated people who call and text our numbers")
    call = simulate.add_command(
        "call", _call, "call a number: the call is answered as a real one, and nobody is called"
    )
    call.add_argument(
        "--to", metavar="E164", type=_number, required=True, help="the number that is called, one of ours"
    )
    call.add_argument(
        "--from",
        dest="caller",
        metavar="E164",
        type=_caller,
        default=_CALLER,
        help=f"the caller, or {ANONYMOUS}; {_CALLER} by default",
    )
    call.add_argument("--says", metavar="TEXT", action="append", help="a line of the caller, once for each line")
    call.add_argument(
        "--voicemail", action="store_true", help="the caller asks to leave a message, and the lines are the message"
    )
    call.add_argument("--hang-up-after", metavar="N", type=_count, help="the caller hangs up after N lines")
    text = simulate.add_command("text", _text, "text a number of the simulator, as a person does")
    text.add_argument(
        "--to", metavar="E164", type=_number, required=True, help="the number that is texted, one of ours"
    )
    text.add_argument(
        "--from",
        dest="sender",
        metavar="E164",
        type=_number,
        default=_CALLER,
        help=f"the sender; {_CALLER} by default",
    )
    text.add_argument("--body", metavar="TEXT", default="", help="the text")
    text.add_argument(
        "--times",
        metavar="N",
        type=_times,
        default=1,
        help="the carrier reports the text N times: 1 or more; 1 by default",
    )
    text.add_argument("--media", metavar="URL", action="append", help="the address of a file, once for each file")


def _number(text: str) -> str:
    try:
        return phone.parse_pasted(text).e164
    except Invalid as error:
        raise argparse.ArgumentTypeError(f"{text!r} {error.details['fields']['e164']}") from None


def _caller(text: str) -> str:
    return text if text == ANONYMOUS else _number(text)


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError("must be a number of lines: 0 or more")
    return int(text)


def _times(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text)):
        raise argparse.ArgumentTypeError("must be how often the carrier reports the text: 1 or more")
    return int(text)


def _call(args: argparse.Namespace) -> None:
    if args.voicemail and not args.says:
        args.usage_error("--voicemail needs --says: the lines are the message.")
    from switchboard.carriers.voice.simulator import caller, caller_state  # for cold start: only this command needs it

    number = numbers.find_number_by_e164(args.to)
    if number is None:
        raise NotFound(f"No organization has the number {args.to}: list the numbers of an organization.")
    person = caller_state.SimulatedCaller(
        org_id=number.org_id,
        call_sid=f"CA{secrets.token_hex(16)}",
        number_id=number.id,
        from_number=args.caller,
        to_number=number.e164,
        says=args.says or [],
        leaves_message=args.voicemail,
        hang_up_after=args.hang_up_after,
        step_seconds=settings.number("VOICE_STEP_SECONDS", 2),
    )
    caller.start_call(person)
    call_id = inbound.call_id_of(number.org_id, person.call_sid)
    print_rows(args, {"call": call_id, "organization": number.org_id, "number": number.id, "call_sid": person.call_sid})


def _text(args: argparse.Namespace) -> None:
    if not (args.body or args.media):
        args.usage_error("A text needs --body or --media.")
    from switchboard.carriers.messages.simulator import forms  # for cold start: only this command needs it

    number = numbers.find_number_by_e164(args.to)
    if number is None:
        raise NotFound(f"No organization has the number {args.to}: list the numbers of an organization.")
    if number.provider != "simulator":
        raise Invalid(f"{args.to} is a real number: an answer would go to a real person. Text a simulated number.")
    sid = forms.text_sid(number.org_id, secrets.token_hex(16))
    media = [(url, mimetypes.guess_type(url)[0] or "application/octet-stream") for url in args.media or []]
    sent = forms.incoming_message(
        number.org_id,
        number.id,
        sid,
        from_number=args.sender,
        to_number=number.e164,
        body=args.body,
        media=media,
        segments=count_segments(args.body).segments,
    )
    queues.send_messages([sent] * args.times)
    print_rows(args, {"message_sid": sid, "organization": number.org_id, "number": number.id})
