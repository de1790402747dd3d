"""The installer gets pip's configuration, falls back to pip, and says in one line what is wrong."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from infra import node
from infra.install import environments, uv
from infra.install.environments import Installer, InstallError
from infra.install.sizes import format_bytes, measure_bytes
from tests.tables import each

_LISTED = """\
:env:.index-url='https://env.example/simple'
:env:.trusted-host='one.example two.example'
global.index-url='https://global.example/simple'
global.extra-index-url='https://a.example/simple\\nhttps://b.example/simple'
global.find-links='/wheels /more wheels'
install.cert='/certificates.pem'
global.cert='/other.pem'
freeze.timeout='10'
"""


def test_uv_gets_the_configuration_of_pip_with_its_precedence() -> None:
    assert uv.translate_configuration(_LISTED) == {
        "UV_DEFAULT_INDEX": "https://env.example/simple",
        "UV_INDEX": "https://a.example/simple https://b.example/simple",
        "UV_FIND_LINKS": "/wheels,/more,wheels",
        "UV_INSECURE_HOST": "one.example two.example",
        "SSL_CERT_FILE": "/certificates.pem",
    }


def test_a_setting_of_uv_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://own.example/simple")
    assert uv.uv_environ(None)["UV_DEFAULT_INDEX"] == "https://own.example/simple"


@pytest.fixture
def program(tmp_path: Path) -> Callable[[str, int, str], list[str]]:
    """Makes a program that notes its arguments, prints an error, and ends with a status."""

    def make(name: str, status: int, error: str = "") -> list[str]:
        path = tmp_path / name
        path.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/{name}.log\necho "{error}" >&2\nexit {status}\n')
        path.chmod(0o755)
        return [str(path)]

    return make


def _lock(tmp_path: Path) -> Path:
    lock = tmp_path / "some.lock"
    lock.write_text("thing==1\n")
    return lock


@pytest.mark.parametrize(("uv_status", "pip_is_used"), [(0, False), (1, True)])
def test_pip_installs_what_uv_cannot(
    tmp_path: Path, program: Callable[..., list[str]], uv_status: int, pip_is_used: bool
) -> None:
    home, lock = tmp_path / "home", _lock(tmp_path)
    Installer(program("uv", uv_status), {}, program("pip", 0)).install(home, lock)
    assert "--require-hashes" in (tmp_path / "uv.log").read_text()
    assert (tmp_path / "pip.log").exists() == pip_is_used
    if pip_is_used:
        assert "--require-hashes" in (tmp_path / "pip.log").read_text()
    assert environments.is_installed(home, lock)
    lock.write_text("thing==2\n")
    assert not environments.is_installed(home, lock)


def test_a_failure_names_its_reason_in_one_line_and_is_not_taken_for_installed(
    tmp_path: Path, program: Callable[..., list[str]]
) -> None:
    lock = _lock(tmp_path)
    failing = Installer(None, {}, program("pip", 1, "WARNING: retrying\nERROR: No matching distribution for thing==1"))
    with pytest.raises(InstallError) as failure:
        failing.install(tmp_path / "home", lock)
    assert "cannot be installed: No matching distribution for thing==1. Check the network" in str(failure.value)
    assert "\n" not in str(failure.value)
    assert not environments.is_installed(tmp_path / "home", lock)


def test_a_python_without_pip_and_ensurepip_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uv, "_works", lambda *_: False)
    monkeypatch.setattr(uv.shutil, "which", lambda _: None)
    monkeypatch.setattr(environments, "VENV", Path("/nowhere"))
    with pytest.raises(InstallError, match=r"no pip and no ensurepip: install them .*apt install python3-venv"):
        environments.find_installer().__enter__()


def test_npm_that_cannot_reach_its_registry_names_the_reason(
    tmp_path: Path, program: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    [npm] = program("npm", 1, "npm error code ENOTFOUND\nnpm error more")
    monkeypatch.setattr(node, "find_spec", lambda _: None)
    monkeypatch.setattr(node.shutil, "which", lambda _: npm)
    with pytest.raises(node.NpmError, match=r"^code ENOTFOUND$"):
        node.install_packages(Path(node.__file__).parent / "local" / "dynoxide", tmp_path / "home")


def test_a_machine_without_npm_and_pip_is_told_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failed = subprocess.CompletedProcess([], 1, "", "no pip")
    monkeypatch.setattr(node, "find_spec", lambda _: None)
    monkeypatch.setattr(node.shutil, "which", lambda _: None)
    monkeypatch.setattr(node.subprocess, "run", lambda *_, **__: failed)
    with pytest.raises(node.NpmError, match=r"This machine has no npm, and .* install Node with npm"):
        node.install_packages(Path(node.__file__).parent / "local" / "dynoxide", tmp_path / "home")


@each(
    "size, text",
    [
        (0, "0 B"),
        (999, "999 B"),
        (1_000, "1 kB"),
        (2_345_678, "2.3 MB"),
        (20_000_000, "20 MB"),
        (1.6e9, "1.6 GB"),
        (5e12, "5000 GB"),
    ],
)
def test_sizes_read_well(size: float, text: str) -> None:
    assert format_bytes(size) == text


def test_a_size_counts_all_files_and_follows_no_link(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "one").write_bytes(b"x" * 10)
    (tmp_path / "a" / "b" / "two").write_bytes(b"x" * 5)
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    assert measure_bytes(tmp_path / "a") == 15 + (tmp_path / "a" / "loop").lstat().st_size
    assert measure_bytes(tmp_path / "nothing") == 0
