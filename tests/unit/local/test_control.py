"""`make reset`, `make clean`, `make logs` and `make status` without a running stack."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from infra.install import cleaning
from infra.install.environments import ROOT
from infra.local import lock, logs, status, stopping


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A stopped stack's folder with data, and with programs that stay."""
    for name in ("data/tables.db", "mail/one.eml", "functions.log", "demo.env", "engine/python", "tour/chain.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x" * 1_000)
    return tmp_path


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], list[str]]:
    """A person at a terminal who gives an answer. Returns the questions."""

    def answering(answer: str) -> list[str]:
        asked: list[str] = []
        monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
        monkeypatch.setattr("builtins.input", lambda question: asked.append(question) or answer)
        return asked

    return answering


def test_reset_says_what_it_deletes_and_keeps_the_programs(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stopping.reset_data(home, force=True)
    said = capsys.readouterr().out
    assert "data (1 kB), mail (1 kB), logs (1 kB), keys (1 kB), files of the tour (1 kB)" in said
    assert "All packages stay" in said
    assert {path.name for path in home.iterdir()} == {"engine", "lock"}
    stopping.reset_data(home, force=True)
    assert "There is no data" in capsys.readouterr().out


@pytest.mark.parametrize(("answer", "deleted"), [("", False), ("n", False), ("y", True), ("YES", True)])
def test_reset_asks_a_person_at_a_terminal(
    home: Path, terminal: Callable[[str], list[str]], answer: str, deleted: bool
) -> None:
    asked = terminal(answer)
    if deleted:
        stopping.reset_data(home, force=False)
    else:
        with pytest.raises(SystemExit, match="Nothing was deleted"):
            stopping.reset_data(home, force=False)
    assert asked == [
        f"Delete data (1 kB), mail (1 kB), logs (1 kB), keys (1 kB), files of the tour (1 kB) in {home}? [y/N] "
    ]
    assert (home / "data").exists() != deleted


def test_reset_does_not_ask_with_force(home: Path, terminal: Callable[[str], list[str]]) -> None:
    asked = terminal("n")
    stopping.reset_data(home, force=True)
    assert not asked
    assert not (home / "data").exists()


def test_reset_refuses_without_force_and_without_a_terminal(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)
    with pytest.raises(SystemExit, match="there is no terminal to ask"):
        stopping.reset_data(home, force=False)
    assert (home / "data").exists()


def test_reset_and_a_second_stack_are_refused_while_a_stack_runs(home: Path) -> None:
    with lock.lock_home(home):
        for attempt in (lambda: stopping.reset_data(home, force=True), lambda: lock.lock_home(home)):
            with pytest.raises(SystemExit, match="`make stop` stops it"):
                attempt()
        assert lock.find_holder(home) is not None
    assert (home / "data").exists()
    assert lock.find_holder(home) is None


def test_a_stopped_stack_has_status_3_and_stop_does_nothing(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert status.print_status(home, as_json=False) == status.STOPPED == 3
    assert "No stack runs" in capsys.readouterr().out
    assert status.print_status(home, as_json=True) == 3
    assert json.loads(capsys.readouterr().out)["status"] == "stopped"
    stopping.stop_stack(home)
    assert "No stack runs" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "status"), [("status", 3), ("status --json", 3), ("logs", 0), ("logs --follow --lines 0", 0)]
)
def test_a_reader_that_stops_reading_gets_no_traceback(home: Path, words: str, status: int) -> None:
    """As with `make status | head -1`."""
    reading, writing = os.pipe()
    os.close(reading)
    program = subprocess.Popen(
        [sys.executable, "-m", "infra.local", *words.split()],
        env=os.environ | {"SWITCHBOARD_HOME": str(home)},
        cwd=ROOT,
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(writing)
    for _ in range(600):
        with (home / "functions.log").open("a") as file:
            file.write("new\n")
        with suppress(subprocess.TimeoutExpired):
            program.wait(0.1)
            break
    told = program.communicate(timeout=1)[1]
    assert (told, program.returncode) == ("", status)


def test_a_stack_that_reports_nothing_yet_has_status_4(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with lock.lock_home(home):
        assert status.print_status(home, as_json=False) == status.CHANGING == 4
    assert "starting or stopping" in capsys.readouterr().out


def test_logs_show_the_last_lines_of_each_log(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="There are no logs"):
        logs.show_logs(tmp_path, lines=2, follow=False)
    (tmp_path / "engine.log").write_text("one\ntwo\nthree\n")
    (tmp_path / "functions.log").write_bytes(b"\xff only\n")
    logs.show_logs(tmp_path, lines=2, follow=False)
    assert capsys.readouterr().out.splitlines() == ["engine    | two", "engine    | three", "functions | \ufffd only"]


def test_following_logs_shows_new_whole_lines_and_a_log_that_begins_anew(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "stack.log"
    log.write_text("old\n")
    steps = iter(["old\nnew\nhalf", "old\nnew\nhalf done\n", "again\n"])

    def pause(_: float) -> None:
        text = next(steps, None)
        if text is None:
            raise KeyboardInterrupt
        log.write_text(text)

    monkeypatch.setattr(logs.time, "sleep", pause)
    logs.show_logs(tmp_path, lines=0, follow=True)
    assert capsys.readouterr().out.splitlines() == ["stack     | new", "stack     | half done", "stack     | again"]


def test_clean_deletes_programs_and_keeps_data_but_not_under_a_running_stack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in (".venv/bin", ".local/engine", ".local/data", "build", "layers/switchboard.egg-info", "docs"):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.setattr(cleaning, "ROOT", tmp_path)
    monkeypatch.setattr(cleaning, "_USERS", tmp_path / ".local" / "users.lock")
    with cleaning.use_packages(), pytest.raises(SystemExit, match="stop it first"):
        cleaning.main()
    cleaning.main()
    said = capsys.readouterr().out
    assert "Deleting .venv (0 B)." in said
    assert "The local data stays" in said
    assert not any(
        (tmp_path / name).exists() for name in (".venv", ".local/engine", "build", "layers/switchboard.egg-info")
    )
    assert (tmp_path / ".local" / "data").exists()
    assert (tmp_path / "docs").exists()
