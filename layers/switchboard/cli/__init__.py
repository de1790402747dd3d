"""`switchboard`: operates a deployment, on this machine or in AWS."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from switchboard.aws.clients import BotoCoreError, ClientError
from switchboard.aws.queues import SendError
from switchboard.aws.writes import ConditionFailedError
from switchboard.cli import (
    agents,
    audit,
    compliance,
    deployments,
    events,
    flows,
    keys,
    law,
    mail,
    numbers,
    organizations,
    people,
    projections,
    queues,
    recordings,
    simulate,
    tail,
    tenants,
    timers,
    usage,
    webhooks,
)
from switchboard.cli.commands import common_options
from switchboard.errors import DomainError, Invalid
from switchboard.kit.settings import MissingSettingError

_NOUNS = (
    *(organizations, people, keys, agents, flows, numbers, audit, compliance, law, mail, queues, timers),
    *(events, projections, usage, tail, webhooks, tenants, recordings, simulate),
)
_REFUSED, _BAD_USAGE, _INTERRUPTED = 1, 2, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command. Returns 0, or 1 for a refusal or a found fault, or 2 for bad usage."""
    parser = _parser()
    args = parser.parse_args(deployments.expand_local_option(sys.argv[1:] if argv is None else argv))
    local, stage = getattr(args, "local", None), getattr(args, "stage", None)
    if local is not None and stage:
        parser.error("--local and --stage exclude each other")
    try:
        if not (args.offline and args.offline(args)):
            deployments.load_settings(local, stage)
        code: int | None = args.run(args)
        sys.stdout.flush()
    except Invalid as error:
        return _fail(_BAD_USAGE if error.code == "usage" else _REFUSED, _told(error))
    except DomainError as error:
        return _fail(_REFUSED, _told(error))
    except MissingSettingError as error:
        return _fail(_REFUSED, f"{str(error).partition(':')[0]}: name a deployment with --local or --stage NAME")
    except (BotoCoreError, ClientError) as error:
        return _fail(_REFUSED, f"AWS: {error}")
    except SendError as error:
        return _fail(_REFUSED, f"{error}: run the command again, sending a message twice is harmless")
    except ConditionFailedError:
        return _fail(_REFUSED, "somebody else changed it at the same time: check its state, and try again")
    except BrokenPipeError:
        # The reader of the output has closed the pipe: nothing may be flushed into it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _REFUSED
    except KeyboardInterrupt:
        return _fail(_INTERRUPTED, "interrupted")
    return code or 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="switchboard",
        description=__doc__,
        parents=[common_options()],
        epilog="Without --local and --stage, a command uses the SWITCHBOARD_* variables of the environment, or else"
        " the stack in .local.",
    )
    nouns = parser.add_subparsers(metavar="NOUN", required=True)
    for noun in _NOUNS:
        noun.add_to(nouns)
    return parser


def _told(error: DomainError) -> str:
    fields = error.details.get("fields") or {}
    # The message may already contain the problem of a single field.
    more = [f"{name} {problem}." for name, problem in fields.items() if problem not in error.message]
    return " ".join([error.message, *more])


def _fail(code: int, message: str) -> int:
    print("switchboard:", " ".join(message.split()), file=sys.stderr)
    return code
