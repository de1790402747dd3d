"""Python environments, each with the packages of a lock file."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from infra.install.uv import PYTHON, find_pip, find_uv, uv_environ

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
PROJECT = ROOT / "pyproject.toml"


class InstallError(Exception):
    """Packages could not be installed. The message says why."""


@dataclass(frozen=True)
class Installer:
    """uv, with pip as its substitute. Nothing is compiled: Python compiles a module when it imports it first."""

    uv: Sequence[str] | None
    environ: Mapping[str, str]
    pip: Sequence[str] | None

    def install(self, home: Path, lock: Path, *parts: Path) -> None:
        """Create an environment if it is missing, and install the packages of a lock file into it.

        `parts` are lock files whose packages all are in it.
        """
        self._create(home)
        self._run(home, "--require-hashes", "--no-deps", "-r", str(lock))
        for one in (lock, *parts):
            _stamp_of(home, one).write_bytes(one.read_bytes())

    def install_project(self, home: Path) -> None:
        """Install this project itself: its modules stay in their folders."""
        self._run(home, "--no-deps", "--no-build-isolation", "--editable", str(ROOT))
        _stamp_of(home, PROJECT).write_bytes(PROJECT.read_bytes())

    def _create(self, home: Path) -> None:
        if (home / "bin" / "python").exists():
            return
        shutil.rmtree(home, ignore_errors=True)
        # pip would be a tenth of the environment, and uv or the pip outside installs everything.
        command = [PYTHON, "-m", "venv", "--without-pip", str(home)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise InstallError(f"{PYTHON} cannot create an environment: {_error_line(done.stderr)}")

    def _run(self, home: Path, *arguments: str) -> None:
        python = str(home / "bin" / "python")
        reason = ""
        if self.uv:
            command = [*self.uv, "pip", "install", "--quiet", "--python", python, *arguments]
            done = subprocess.run(command, env=dict(self.environ), capture_output=True, text=True, check=False)
            if done.returncode == 0:
                return
            reason = done.stderr
        if self.pip:
            # pip knows more ways to reach a package index: a login of the keyring, an indirect certificate.
            quiet = ("--quiet", "--no-compile", "--no-warn-script-location", "--disable-pip-version-check")
            command = [*self.pip, "--python", python, "install", *quiet, *arguments]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode == 0:
                return
            reason = done.stderr
        raise InstallError(
            f"The packages cannot be installed: {_error_line(reason)}. "
            "Check the network and the package index (python3 -m pip config list), then repeat the command."
        )


@contextmanager
def find_installer() -> Iterator[Installer]:
    """The installer of this machine. Raises InstallError if there is none."""
    with find_pip() as pip, find_uv(VENV / "bin" / "uv", pip) as uv:
        if not (pip or uv):
            raise InstallError(
                f"{PYTHON} has no pip and no ensurepip: install them (on Debian and Ubuntu: apt install python3-venv)."
            )
        yield Installer(uv, uv_environ(pip), pip)


def is_installed(home: Path, *locks: Path) -> bool:
    """Whether an environment has the packages of lock files, or this project for `PROJECT`."""
    stamps = [(_stamp_of(home, lock), lock) for lock in locks]
    return all(stamp.exists() and stamp.read_bytes() == lock.read_bytes() for stamp, lock in stamps)


def _stamp_of(home: Path, lock: Path) -> Path:
    """The copy of a lock file in an environment that has its packages."""
    return home / f"installed-{lock.name}"


def _error_line(text: str) -> str:
    """The line of an installer's output that says what is wrong."""
    lines = [line.strip() for line in text.splitlines() if line.strip() and "WARNING" not in line]
    errors = [line for line in lines if line.lower().startswith(("error", "cause"))]
    return (errors or lines or ["no reason was given"])[-1].removeprefix("ERROR: ").rstrip(".")
