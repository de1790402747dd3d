"""`switchboard simulate`: lets simulated people call our numbers, and text them."""

from __future__ import annotations

import mimetypes
import secrets

import click

from switchboard.aws import queues
from switchboard.calls import inbound
from switchboard.carriers.messages.segments import count_segments
from switchboard.carriers.voice.twilio.callbacks import ANONYMOUS
from switchboard.cli.arguments import E164, Parsed, read_number
from switchboard.cli.commands import command_group, print_rows
from switchboard.errors import Invalid, NotFound
from switchboard.kit import settings
from switchboard.numbers import service as numbers
from switchboard.numbers.models import Number

#: A number that belongs to nobody.
STRANGER = "+14155550142"

simulate_command = command_group("simulate")


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ValueError(f"{text!r} is not a number of lines: it must be 0 or more")
    return int(text)


def _times(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text)):
        raise ValueError(f"{text!r} is not how often the carrier reports the text: it must be 1 or more")
    return int(text)


@simulate_command.command("call")
@click.option(
    "--to", "called", metavar="E164", type=E164, required=True, help="The number that is called, one of ours."
)
@click.option(
    "--from",
    "caller",
    metavar="E164",
    type=Parsed("caller", lambda text: text if text == ANONYMOUS else read_number(text)),
    default=STRANGER,
    help=f"The caller, or {ANONYMOUS}; {STRANGER} by default.",
)
@click.option("--says", metavar="TEXT", multiple=True, help="A line of the caller, once for each line.")
@click.option("--voicemail", is_flag=True, help="The caller asks to leave a message, and the lines are the message.")
@click.option("--hang-up-after", metavar="N", type=Parsed("n", _count), help="The caller hangs up after N lines.")
def call(called: str, caller: str, says: tuple[str, ...], hang_up_after: int | None, *, voicemail: bool) -> None:
    """Call a number: the call is answered as a real one, and nobody is called."""
    if voicemail and not says:
        raise click.UsageError("--voicemail needs --says: the lines are the message.")
    number = find_own_number(called)
    sid = start_simulated_call(number, caller, list(says), leaves_message=voicemail, hang_up_after=hang_up_after)
    call_id = inbound.call_id_of(number.org_id, sid)
    print_rows({"call": call_id, "organization": number.org_id, "number": number.id, "call_sid": sid})


@simulate_command.command("text")
@click.option(
    "--to", "texted", metavar="E164", type=E164, required=True, help="The number that is texted, one of ours."
)
@click.option(
    "--from", "sender", metavar="E164", type=E164, default=STRANGER, help=f"The sender; {STRANGER} by default."
)
@click.option("--body", metavar="TEXT", default="", help="The text.")
@click.option(
    "--times",
    metavar="N",
    type=Parsed("n", _times),
    default=1,
    help="The carrier reports the text N times: 1 or more; 1 by default.",
)
@click.option("--media", "urls", metavar="URL", multiple=True, help="The address of a file, once for each file.")
def text(texted: str, sender: str, body: str, times: int, urls: tuple[str, ...]) -> None:
    """Text a number of the simulator, as a person does."""
    if not (body or urls):
        raise click.UsageError("A text needs --body or --media.")
    number = find_own_number(texted)
    sid = send_simulated_text(number, sender, body, urls, times)
    print_rows({"message_sid": sid, "organization": number.org_id, "number": number.id})


def find_own_number(e164: str) -> Number:
    """Returns the number of an organization. Raises NotFound."""
    number = numbers.find_number_by_e164(e164)
    if number is None:
        raise NotFound(f"No organization has the number {e164}: list the numbers of an organization.")
    return number


def start_simulated_call(
    number: Number, caller_number: str, says: list[str], *, leaves_message: bool, hang_up_after: int | None
) -> str:
    """Lets a simulated person call a number. Returns the provider's id of the call."""
    from switchboard.carriers.voice.simulator import caller, caller_state  # for cold start: only calls need it

    person = caller_state.SimulatedCaller(
        org_id=number.org_id,
        call_sid=f"CA{secrets.token_hex(16)}",
        number_id=number.id,
        from_number=caller_number,
        to_number=number.e164,
        says=says,
        leaves_message=leaves_message,
        hang_up_after=hang_up_after,
        step_seconds=settings.number("VOICE_STEP_SECONDS", 2),
    )
    caller.start_call(person)
    return person.call_sid


def send_simulated_text(number: Number, sender: str, body: str, urls: tuple[str, ...] = (), times: int = 1) -> str:
    """Lets a simulated person text a number. Returns the carrier's id of the text. Raises Invalid for a real number."""
    from switchboard.carriers.messages.simulator import forms  # for cold start: only texts need it

    if number.provider != "simulator":
        raise Invalid(f"{number.e164} is a real number: an answer would go to a real person. Text a simulated number.")
    sid = forms.text_sid(number.org_id, secrets.token_hex(16))
    media = [(url, mimetypes.guess_type(url)[0] or "application/octet-stream") for url in urls]
    sent = forms.incoming_message(
        number.org_id,
        number.id,
        sid,
        from_number=sender,
        to_number=number.e164,
        body=body,
        media=media,
        segments=count_segments(body).segments,
    )
    queues.send_messages([sent] * times)
    return sid
