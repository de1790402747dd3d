"""uv, the installer, is ten times as fast as pip. It does not read pip's configuration: its environment tells it."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

LOCK = Path(__file__).with_name("uv.lock")
#: The environment variable of uv for each option of pip, and the separator of its values.
_VARIABLES = {
    "index-url": ("UV_DEFAULT_INDEX", " "),
    "extra-index-url": ("UV_INDEX", " "),
    "find-links": ("UV_FIND_LINKS", ","),
    "trusted-host": ("UV_INSECURE_HOST", " "),
    "no-index": ("UV_NO_INDEX", " "),
    "cert": ("SSL_CERT_FILE", " "),
    "client-cert": ("SSL_CLIENT_CERT", " "),
    "proxy": ("ALL_PROXY", " "),
}
#: Later sections win, as in pip.
_SECTIONS = ("global", "install", ":env:")


#: The Python outside of `.venv`: it may have pip.
PYTHON: str = getattr(sys, "_base_executable", sys.executable)


@contextmanager
def find_pip() -> Iterator[list[str] | None]:
    """The command of pip: that of this Python, or one that ensurepip unpacks. `None` if there is neither."""
    if _works(PYTHON, "-c", "import pip"):
        yield [PYTHON, "-m", "pip"]
        return
    with TemporaryDirectory(prefix="switchboard-pip-") as folder:
        pip = [str(Path(folder) / "bin" / "python"), "-m", "pip"]
        unpacked = _works(PYTHON, "-m", "venv", folder) and _works(*pip, "--version")
        yield pip if unpacked else None


@contextmanager
def find_uv(own: Path, pip: list[str] | None) -> Iterator[list[str] | None]:
    """The command of uv: `own`, that of the machine, or a temporary one. `None` if there is none."""
    found = str(own) if own.exists() else shutil.which("uv")
    if found or pip is None:
        yield [found] if found else None
        return
    with TemporaryDirectory(prefix="switchboard-uv-") as folder:
        arguments = ("install", "--quiet", "--no-compile", "--require-hashes", "--no-deps", "--target", folder)
        program = Path(folder) / "bin" / "uv"
        yield [str(program)] if _works(*pip, *arguments, "-r", str(LOCK)) and program.exists() else None


def uv_environ(pip: list[str] | None) -> dict[str, str]:
    """The environment for uv, with the package index, certificates and proxy that pip is configured with.

    A variable of uv that is set already wins.
    """
    command = [*pip, "config", "list"] if pip else ["true"]
    listed = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    environ = translate_configuration(listed) | dict(os.environ)
    # Each package is chosen by its hash, so that it does not matter which index has it.
    environ.setdefault("UV_INDEX_STRATEGY", "unsafe-best-match")
    environ["UV_NO_CONFIG"] = "1"
    environ["UV_PYTHON_DOWNLOADS"] = "never"
    return environ


def translate_configuration(listed: str) -> dict[str, str]:
    """The environment variables of uv for the output of `pip config list`."""
    options: dict[str, str] = {}
    lines = [line.partition("=") for line in listed.splitlines() if "=" in line]
    for section in _SECTIONS:
        for key, _, text in lines:
            if key.startswith(f"{section}."):
                options[key.removeprefix(f"{section}.")] = str(ast.literal_eval(text))
    return _named_for_uv(options)


def _named_for_uv(options: Mapping[str, str]) -> dict[str, str]:
    return {
        name: separator.join(options[option].split())
        for option, (name, separator) in _VARIABLES.items()
        if options.get(option)
    }


def _works(*command: str) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False
