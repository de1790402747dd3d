"""Writes the skeleton of a new noun of HUM: `python -m infra.noun NAME [--singular WORD] [--prefix abc] [--worker]`."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from infra.noun.names import NounError, NounNames
from infra.noun.skeleton import Skeleton

ROOT = Path(__file__).resolve().parents[2]
#: The APIs whose routes the skeleton can write.
APIS = ("hum",)
#: Writes the documents, in a new process that imports the new noun.
_DOCUMENTS = (
    "from infra import events_page, openapi, retention_page, webhook_events_page;"
    "openapi.main(); events_page.main(); retention_page.main(); webhook_events_page.main()"
)

_NEXT = """\
Its tests pass now:  .venv/bin/pytest tests/unit/{things}

Next:
  1. layers/switchboard/{things}/models.py, functions/hum/{things}/schemas.py: the fields of the contract.
  2. layers/switchboard/{things}/service.py: the rules, each with a test in tests/unit/{things}.{worker}
  3. infra/topology.py: remove draft=True from hum/{things} when its operations have the form of the contract.
     Then run `make openapi`, and name the noun in the README's table.
  4. docs/glossary.md and CHANGELOG.md: a line for the noun.
  5. make lint types test
"""
_NEXT_OF_WORKER = "\n     preparing.py and jobs.py: the work that the job stands for. Rename both."


def main(arguments: list[str] | None = None) -> None:
    """Write the noun, and print what to do next."""
    parser = argparse.ArgumentParser(prog="infra.noun", description=__doc__)
    parser.add_argument("name", help="the plural: surveys")
    parser.add_argument("--singular", default="")
    parser.add_argument("--prefix", default="", help="the prefix of ids: the first three letters, if it is not given")
    parser.add_argument("--api", default="hum", choices=APIS)
    parser.add_argument("--worker", action="store_true", help="also write a queue, a worker and a job")
    asked = parser.parse_args(arguments)
    try:
        names = NounNames.of(asked.name, asked.singular, asked.prefix)
        paths = Skeleton(ROOT, names, asked.worker).write()
    except NounError as error:
        sys.exit(f"No noun was made. {error}.")
    subprocess.run([sys.executable, "-c", _DOCUMENTS], cwd=ROOT, check=True)
    print("\n".join(f"  {path}" for path in paths), end="\n\n")
    print(_NEXT.format(things=names.things, worker=_NEXT_OF_WORKER if asked.worker else ""))


if __name__ == "__main__":
    main()
