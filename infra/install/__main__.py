"""`python3 -m infra.install SET`: installs what a target of the Makefile needs. An installed set costs nothing.

| set | packages | for |
|---|---|---|
| `run` | `infra/local/run.lock`, the AWS engine, the table engine, the renderer of the API reference | `make run` |
| `speech` | `infra/local/speech.lock` | speech recognition in the local stack |
| `all` | `requirements.lock` | tests, the CDK, checks |
"""

from __future__ import annotations

import argparse
import fcntl
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial

from infra import renderer
from infra.install.environments import PROJECT, ROOT, VENV, Installer, InstallError, find_installer, is_installed
from infra.install.progress import Progress
from infra.local import dynoxide, engine

_LOCAL = ROOT / "infra" / "local"
_RUN, _SPEECH, _ALL = _LOCAL / "run.lock", _LOCAL / "speech.lock", ROOT / "requirements.lock"
#: The lock file of each set, with the locks that are parts of it.
_LOCKS = {"run": (_RUN,), "speech": (_SPEECH,), "all": (_ALL, _RUN, _SPEECH)}
_LABELS = {"run": "packages of the stack", "speech": "speech recognition", "all": "packages of tests, checks and CDK"}


def main() -> None:
    """Install a set unless it is installed."""
    parser = argparse.ArgumentParser(prog="python -m infra.install", description="Install a set of packages.")
    parser.add_argument("set", choices=_LOCKS)
    name = parser.parse_args().set
    if _is_complete(name):
        return
    (ROOT / ".local").mkdir(exist_ok=True)
    with (ROOT / ".local" / "install.lock").open("w") as turn:
        # Two commands that start at once install one after the other.
        fcntl.flock(turn, fcntl.LOCK_EX)
        try:
            _install(name)
        except InstallError as error:
            sys.exit(str(error))
        except KeyboardInterrupt:
            sys.exit("Interrupted. The next start goes on with the installation.")


def _is_complete(name: str) -> bool:
    return is_installed(VENV, *_LOCKS[name], PROJECT) and (
        name != "run" or (engine.is_installed() and dynoxide.is_installed() and renderer.is_installed())
    )


def _install(name: str) -> None:
    begun, progress = time.monotonic(), Progress()
    print("Installing into .venv and .local. Nothing else on this machine changes.", flush=True)
    with progress.shown(), ThreadPoolExecutor() as threads, ExitStack() as ends:
        works = []
        if name == "run":
            works.append(threads.submit(_install_npm_packages, progress))
        with progress.step("installer"):
            installer = ends.enter_context(find_installer())
        works.append(threads.submit(_install_packages, installer, name, progress))
        if name == "run" and not engine.is_installed():
            works.append(threads.submit(_run, progress, "AWS engine", partial(engine.install_with, installer)))
        for work in works:
            work.result()
    print(f"Installed in {time.monotonic() - begun:.1f} s.", flush=True)


def _install_npm_packages(progress: Progress) -> None:
    """Install what comes from npm. Without it, the stack works more slowly, or shows no API reference."""
    if not dynoxide.is_installed():
        _run(progress, "table engine", dynoxide.install_dynoxide)
    if not renderer.is_installed():
        _run(progress, "API reference", renderer.try_install_renderer)


def _run(progress: Progress, label: str, action: Callable[[], object]) -> None:
    with progress.step(label):
        action()


def _install_packages(installer: Installer, name: str, progress: Progress) -> None:
    if not is_installed(VENV, *_LOCKS[name]):
        _run(progress, _LABELS[name], partial(installer.install, VENV, *_LOCKS[name]))
    if not is_installed(VENV, PROJECT):
        _run(progress, "this project", partial(installer.install_project, VENV))


if __name__ == "__main__":
    main()
