"""The local stack: `python -m infra.local` runs it, and the other actions control it.

| action | exit status |
|---|---|
| none, `--detach` | 0, or 1 if the stack could not start: a line says why |
| `status` | 0 if everything works, 1 if a part does not, 3 if no stack runs, 4 while it starts or stops |
| `stop` | 0, also if no stack runs |
| `reset` | 0, or 1 if a stack runs, the person says no, or there is no terminal to ask |
| `logs` | 0, or 1 if there are no logs |
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
from pathlib import Path

from infra.local.ports import Ports, read_ports


def main() -> None:
    """Run the stack, or control it."""
    arguments = _parse_arguments()
    home = Path(os.environ.get("SWITCHBOARD_HOME") or ".local")
    # The actions need no packages, and import only what they use.
    if arguments.action == "status":
        from infra.local import status

        sys.exit(status.print_status(home, as_json=arguments.json))
    elif arguments.action == "logs":
        from infra.local import logs

        logs.show_logs(home, lines=arguments.lines, follow=arguments.follow)
    elif arguments.action == "stop":
        from infra.local import stopping

        stopping.stop_stack(home)
    elif arguments.action == "reset":
        from infra.local import stopping

        stopping.reset_data(home, force=arguments.force)
    elif arguments.detach:
        from infra.local import background

        read_ports(os.environ)
        sys.exit(background.start_in_background(home, [sys.executable, "-m", "infra.local", "--in-background"]))
    else:
        _run(home, read_ports(os.environ), "`make stop`" if arguments.in_background else "Ctrl-C")


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m infra.local", description="Run the stack on this machine.")
    parser.add_argument("-d", "--detach", action="store_true", help="run it in the background; return when it is ready")
    parser.add_argument("--in-background", action="store_true", help=argparse.SUPPRESS)
    actions = parser.add_subparsers(dest="action", metavar="ACTION", title="control the stack")
    status = actions.add_parser("status", help="show what runs, and whether each part works")
    status.add_argument("--json", action="store_true", help="print JSON")
    logs = actions.add_parser("logs", help="show the last lines of each log")
    logs.add_argument("-f", "--follow", action="store_true", help="then show new lines until Ctrl-C")
    logs.add_argument("-n", "--lines", type=int, default=10, metavar="N", help="lines of each log (10)")
    actions.add_parser("stop", help="stop the stack; its data is kept")
    reset = actions.add_parser("reset", help="delete the data of the stopped stack")
    reset.add_argument("--force", action="store_true", help="do not ask")
    return parser.parse_args()


def _run(home: Path, ports: Ports, stopped_by: str) -> None:
    from infra.local.stack import LocalStack

    logging.basicConfig(level=os.environ.get("SWITCHBOARD_LOCAL_LOG", "WARNING"), format="%(name)s: %(message)s")
    try:
        asyncio.run(LocalStack(home, ports, stopped_by).run())
    except RuntimeError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
