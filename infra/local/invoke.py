"""`make invoke`: runs one handler with one sample event, and prints its response.

It uses the data of the local stack while the stack runs. Otherwise it uses temporary tables with a demo organization.
The handler's logs go to stderr.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from infra import topology
from infra.local import demo, engine, pool, provision, readiness, samples


def main() -> None:
    """Invoke `<function> <event file>`."""
    try:
        name, path = sys.argv[1:]
        function = topology.function(name)
        text = Path(path).read_text()
    except ValueError:
        raise SystemExit("usage: python -m infra.local.invoke anima/email events/anima-email-send.json") from None
    except StopIteration:
        names = ", ".join(one.name for one in topology.FUNCTIONS)
        raise SystemExit(f"There is no function {name}: use one of {names}.") from None
    except FileNotFoundError:
        raise SystemExit(f"There is no file {path}.") from None
    except OSError as error:
        raise SystemExit(f"Cannot read {path}: {error.strerror}.") from None
    with redirect_stdout(sys.stderr):
        answer = run(function.name, text, Path(os.environ.get("SWITCHBOARD_HOME", ".local")))
    print(json.dumps(answer, indent=2, ensure_ascii=False))


def run(name: str, text: str, home: Path) -> Any:
    """Run a function with a sample event. Returns its response."""
    with _running_stack(home) if readiness.is_ready(home) else _throw_away() as organization:
        return pool.invoke(name, samples.fill_sample(text, organization))


@contextmanager
def _running_stack(home: Path) -> Iterator[dict[str, str]]:
    os.environ.update(json.loads((home / "environ.json").read_text()))
    yield json.loads((home / "demo.json").read_text())


@contextmanager
def _throw_away() -> Iterator[dict[str, str]]:
    from moto import mock_aws

    environ = {"AWS_ACCESS_KEY_ID": "none", "AWS_SECRET_ACCESS_KEY": "none", "AWS_REGION": engine.REGION}
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL_DYNAMODB_STREAMS"):
        os.environ.pop(name, None)
    os.environ.update(environ | {"AWS_DEFAULT_REGION": engine.REGION})
    with mock_aws(), TemporaryDirectory() as folder:
        os.environ.update(provision.provision(environ) | {"SWITCHBOARD_MAIL_CARRIER": "simulator"})
        yield demo.seed_demo(Path(folder) / "demo.json")


if __name__ == "__main__":
    main()
