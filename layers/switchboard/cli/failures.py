"""The exit code and the message of a command that failed. Only a failure imports this module."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import click

from switchboard.aws.clients import BotoCoreError, ClientError
from switchboard.aws.queues import SendError
from switchboard.aws.writes import ConditionFailedError
from switchboard.cli import commands
from switchboard.errors import DomainError, Invalid
from switchboard.kit.settings import MissingSettingError

REFUSED, BAD_USAGE, INTERRUPTED = 1, 2, 130


class Failure(NamedTuple):
    """A failure as the person sees it. `code` is a word for programs, `exit_code` the status of the process."""

    exit_code: int
    code: str
    message: str


def describe_failure(error: BaseException) -> Failure | None:
    """Returns the failure that an error means, `None` for a fault of the program itself."""
    match error:
        case click.UsageError():
            return Failure(BAD_USAGE, "usage", _usage_message(error))
        case click.Abort() | KeyboardInterrupt():
            return Failure(INTERRUPTED, "interrupted", "interrupted")
        case Invalid(code="usage"):
            return Failure(BAD_USAGE, "usage", _domain_message(error))
        case DomainError():
            return Failure(REFUSED, error.code, _domain_message(error))
        case MissingSettingError():
            name = str(error).partition(":")[0]
            return Failure(
                REFUSED,
                "no_deployment",
                f"no deployment is named ({name}): start a local stack with `make run` and run the command in the"
                " same folder, name a stack with --local HOME, or a deployment with --stage NAME",
            )
        case BotoCoreError() | ClientError():
            return Failure(REFUSED, "aws", f"AWS: {str(error).removesuffix('.')}.{_cure(error)}")
        case SendError():
            return Failure(REFUSED, "not_sent", f"{error}: run the command again, sending a message twice is harmless")
        case ConditionFailedError():
            message = "somebody else changed it at the same time: check its state, and try again"
            return Failure(REFUSED, "conflict", message)
    return None


def print_failure(failure: Failure, error: BaseException, *, as_json: bool) -> None:
    """Prints a failure to stderr. Wrong usage comes after one line of the right usage."""
    message = " ".join(failure.message.split())
    if as_json:
        click.echo(json.dumps({"error": {"code": failure.code, "message": message}}, ensure_ascii=False), err=True)
        return
    context = getattr(error, "ctx", None)
    if isinstance(context, click.Context):
        click.echo(" ".join(context.get_usage().split()), err=True)
    click.echo(f"{click.style('switchboard:', fg='red')} {message}", err=True, color=_color(context))


def _color(context: Any) -> bool | None:
    return getattr(context, "color", None)


def _usage_message(error: click.UsageError) -> str:
    if isinstance(error, click.BadParameter) and not isinstance(error, click.MissingParameter) and error.param:
        # A list of words says itself what it is about.
        is_plain = isinstance(error.param.type, click.Choice)
        return error.message if is_plain else f"{commands.name_of(error.param)}: {error.message}"
    message = error.format_message()
    if message.startswith("No such command"):
        path = error.ctx.command_path.removeprefix("switchboard").strip() if error.ctx else ""
        end = "" if message.endswith("?") else ":"
        message = (
            f"{message.removesuffix('.')}{end} `{' '.join(('switchboard help', path)).strip()}` lists the commands"
        )
    return message[:1].lower() + message[1:]


def _domain_message(error: DomainError) -> str:
    fields = error.details.get("fields") or {}
    # The message may already contain the problem of a single field.
    more = [f"{name} {problem}." for name, problem in fields.items() if problem not in error.message]
    return " ".join([error.message, *more])


def _cure(error: Exception) -> str:
    match type(error).__name__:
        case "EndpointConnectionError" | "ConnectTimeoutError" | "ReadTimeoutError":
            return " Check that the stack runs, or the network"
        case "NoRegionError":
            return " Set AWS_REGION to the region of the deployment, or `region` in your AWS profile"
        case "NoCredentialsError" | "TokenRetrievalError" | "SSOTokenLoadError" | "UnauthorizedSSOTokenError":
            return " Sign in to AWS, or name a profile with AWS_PROFILE"
    return ""
