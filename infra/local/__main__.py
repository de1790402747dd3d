"""`make run`: the whole system on this machine."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import shutil
import sys
from pathlib import Path

from infra.local.stack import LocalStack, lock_home

_LARGEST_PORT = 65_535


def port_of(name: str, default: int) -> int:
    """Return the port in an environment variable. Ends the program if it is not a port."""
    text = os.environ.get(name, str(default))
    if not (text.isascii() and text.isdigit()):
        raise SystemExit(f"{name} is not a number: {text!r}")
    if int(text) > _LARGEST_PORT:
        raise SystemExit(f"{name} is larger than {_LARGEST_PORT}: {text}")
    return int(text)


def main() -> None:
    """Run the stack, or with `reset` delete its data."""
    parser = argparse.ArgumentParser(prog="python -m infra.local", description="Run the stack on this machine.")
    parser.add_argument("action", nargs="?", choices=["reset"], help="delete the data of the stopped stack instead")
    action = parser.parse_args().action
    logging.basicConfig(level=os.environ.get("SWITCHBOARD_LOCAL_LOG", "WARNING"), format="%(name)s: %(message)s")
    home = Path(os.environ.get("SWITCHBOARD_HOME", ".local"))
    if action == "reset":
        try:
            lock_home(home).close()
        except BlockingIOError:
            sys.exit(f"The engine of a killed stack is still writing its data in {home}: try again in a few seconds.")
        for name in ("data", "mail"):
            shutil.rmtree(home / name, ignore_errors=True)
        logs = ("engine.log", "functions.log", "identity.log", "tables.log")
        for name in ("demo.json", "demo.env", "environ.json", "smtp_port", *logs):
            (home / name).unlink(missing_ok=True)
        return
    port = port_of("PORT", 8080)
    try:
        asyncio.run(LocalStack(home, port, port_of("IDENTITY_PORT", port + 1)).run())
    except RuntimeError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
