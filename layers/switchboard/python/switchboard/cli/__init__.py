"""`switchboard`: what an operator does with a deployment, on this machine or in AWS."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from switchboard.aws.queue import SendError
from switchboard.aws.session import BotoCoreError, ClientError
from switchboard.aws.settings import MissingSettingError
from switchboard.aws.table import ConditionFailedError
from switchboard.cli import (
    agents,
    audit,
    compliance,
    environment,
    events,
    flows,
    keys,
    law,
    mail,
    organisations,
    people,
    projections,
    queues,
    tail,
    tenants,
    timers,
    usage,
    webhooks,
)
from switchboard.cli.command import common
from switchboard.errors import DomainError, Invalid

_NOUNS = (
    *(organisations, people, keys, agents, flows, audit, compliance, law, mail, queues, timers),
    *(events, projections, usage, tail, webhooks, tenants),
)
_REFUSED, _BAD_USAGE, _INTERRUPTED = 1, 2, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. Answers 0, 1 for a refusal or a fault that was found, 2 for bad usage."""
    parser = _parser()
    args = parser.parse_args(environment.spelled_out(sys.argv[1:] if argv is None else argv))
    local, stage = getattr(args, "local", None), getattr(args, "stage", None)
    if local is not None and stage:
        parser.error("--local and --stage exclude each other")
    try:
        if not (args.offline and args.offline(args)):
            environment.load(local, stage)
        code: int | None = args.run(args)
        sys.stdout.flush()
    except Invalid as error:
        return _fail(_BAD_USAGE if error.code == "usage" else _REFUSED, _told(error))
    except DomainError as error:
        return _fail(_REFUSED, _told(error))
    except MissingSettingError as error:
        return _fail(_REFUSED, f"{str(error).partition(':')[0]}: which deployment is meant? --local or --stage NAME")
    except (BotoCoreError, ClientError) as error:
        return _fail(_REFUSED, f"AWS: {error}")
    except SendError as error:
        return _fail(_REFUSED, f"{error}: run it again, sending twice is harmless")
    except ConditionFailedError:
        return _fail(_REFUSED, "it was changed by someone else at the same time: look, and try again")
    except BrokenPipeError:
        # Whoever read our output has seen enough. Nothing is to be flushed to them at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _REFUSED
    except KeyboardInterrupt:
        return _fail(_INTERRUPTED, "interrupted")
    return code or 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="switchboard",
        description=__doc__,
        parents=[common()],
        epilog="Without --local and --stage: the stack that runs in .local, or else the deployment that the"
        " SWITCHBOARD_* variables of the environment name.",
    )
    nouns = parser.add_subparsers(metavar="NOUN", required=True)
    for noun in _NOUNS:
        noun.add_to(nouns)
    return parser


def _told(error: DomainError) -> str:
    fields = error.details.get("fields") or {}
    # The message of a single field may be all that there is to say of it.
    more = [f"{name} {problem}." for name, problem in fields.items() if problem not in error.message]
    return " ".join([error.message, *more])


def _fail(code: int, message: str) -> int:
    print("switchboard:", " ".join(message.split()), file=sys.stderr)
    return code
