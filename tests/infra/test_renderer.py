"""The renderer of the API reference is installed from its pinned package, and from no other."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import tarfile
from pathlib import Path

import pytest

from infra import node, renderer

_FILES = {
    "package/package.json": "{}",
    "package/dist/index.js": "for bundlers",
    "package/dist/browser/standalone.js": "all in one",
    "package/dist/browser/standalone.esm.js": "export {}",
}


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small package that npm returns, and the lock that pins it."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        for name, text in _FILES.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    path, lock = tmp_path / "package.tgz", tmp_path / "renderer.json"
    path.write_bytes(content.getvalue())
    digest = base64.b64encode(hashlib.sha512(path.read_bytes()).digest()).decode()
    lock.write_text(json.dumps({"name": "thing", "version": "1.2.3", "integrity": f"sha512-{digest}"}))
    monkeypatch.setattr(renderer, "LOCK", lock)

    def run_npm(*arguments: str, at: Path) -> None:
        assert arguments[:2] == ("pack", "thing@1.2.3")
        (at / "thing-1.2.3.tgz").write_bytes(path.read_bytes())

    monkeypatch.setattr(node, "run_npm", run_npm)
    return path


@pytest.mark.usefixtures("package")
def test_the_build_for_browsers_is_installed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "scalar"
    renderer.install_renderer(folder)
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert found == {"scalar.js", "installed.json"}
    assert (folder / "scalar.js").read_text() == "all in one"
    monkeypatch.delattr(node, "run_npm")
    renderer.install_renderer(folder)


@pytest.mark.usefixtures("package")
def test_another_version_replaces_all_files(tmp_path: Path) -> None:
    folder = tmp_path / "scalar"
    folder.mkdir()
    (folder / "old.js").write_text("")
    (folder / renderer.STAMP).write_text("{}")
    renderer.install_renderer(folder)
    assert not (folder / "old.js").exists()
    assert renderer.is_installed(folder)


def test_a_package_with_another_digest_is_refused(package: Path, tmp_path: Path) -> None:
    package.write_bytes(package.read_bytes() + b"x")
    with pytest.raises(renderer.WrongPackageError, match="check the version and the registry"):
        renderer.install_renderer(tmp_path / "scalar")
    assert not (tmp_path / "scalar").exists()
