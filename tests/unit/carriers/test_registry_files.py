"""The national registry's own files."""

from __future__ import annotations

import os
import zipfile
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from switchboard.carriers import registries
from switchboard.carriers.registries import NoAnswerError, SimulatedReassignedNumbers
from switchboard.carriers.registry_files import FileRegistry
from switchboard.compliance import service
from switchboard.compliance.models import ContactAttempt, StatedConsent
from switchboard.kit import clock
from tests.unit.compliance.gate import verdict

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
LISTED, FREE = "+12025550123", "+12025550124"

FORMS = [b"202,5550122\r\n202,5550123\r\n", b"2025550122\n2025550123", b"\xef\xbb\xbf202,5550123\n\n"]


def write_file(folder: Path, name: str, content: bytes, changed: datetime = NOW) -> Path:
    path = folder / name
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(path.with_suffix(".txt").name, content)
    else:
        path.write_bytes(content)
    os.utime(path, (changed.timestamp(), changed.timestamp()))
    return path


def refusal_reason(folder: Path, e164: str = LISTED, now: datetime = NOW) -> str:
    with pytest.raises(NoAnswerError) as error:
        FileRegistry(folder).query_number(e164, now)
    return str(error.value)


@pytest.mark.parametrize("name", ["2026-01-20_202_0B1C.txt", "202.txt", "2026-01-20_202_0B1C.zip", "district.txt"])
@pytest.mark.parametrize(
    "lines", [b"202,5550122\r\n202,5550123\r\n", b"2025550122\n2025550123", b"\xef\xbb\xbf202,5550123\n\n"]
)
def test_a_full_list_is_read_in_both_formats(tmp_path: Path, name: str, lines: bytes) -> None:
    write_file(tmp_path, name, lines)
    registry = FileRegistry(tmp_path)
    assert registry.query_number(LISTED, NOW).on_list
    assert not registry.query_number(FREE, NOW).on_list
    as_of = registry.query_number(FREE, NOW).as_of
    assert as_of == (date(2026, 1, 20) if name.startswith("2026") else NOW.date())


def test_the_first_and_the_last_number_of_an_area_code_are_found(tmp_path: Path) -> None:
    write_file(tmp_path, "202.txt", b"202,2000000\n202,9999999\n")
    registry = FileRegistry(tmp_path)
    assert [
        registry.query_number(f"+1202{number}", NOW).on_list for number in (2000000, 2000001, 9999998, 9999999)
    ] == [
        True,
        False,
        False,
        True,
    ]


def test_a_file_of_a_state_has_its_area_codes_and_no_others(tmp_path: Path) -> None:
    write_file(tmp_path, "florida.txt", b"305,5550123\n786,5550123\n")
    registry = FileRegistry(tmp_path)
    assert registry.query_number("+13055550123", NOW).on_list
    assert not registry.query_number("+17865550199", NOW).on_list
    assert refusal_reason(tmp_path, "+19045550123") == "area_code_not_downloaded"


def test_numbers_of_an_area_code_that_was_not_downloaded_are_unknown(tmp_path: Path) -> None:
    assert refusal_reason(tmp_path) == "area_code_not_downloaded"
    write_file(tmp_path, "212.txt", b"212,5550123\n")
    assert refusal_reason(tmp_path) == "area_code_not_downloaded"
    write_file(tmp_path, "202.txt", b"")
    assert refusal_reason(tmp_path) == "area_code_not_downloaded"
    assert refusal_reason(tmp_path / "nowhere") == "folder_not_there"


@pytest.mark.parametrize(("days", "fresh"), [(0, True), (31, True), (32, False)])
@pytest.mark.parametrize("named", [True, False])
def test_a_list_is_valid_for_31_days(tmp_path: Path, days: int, fresh: bool, named: bool) -> None:
    made = NOW - timedelta(days=days)
    name = f"{made:%Y-%m-%d}_202.txt" if named else "202.txt"
    write_file(tmp_path, name, b"202,5550123\n", NOW if named else made)
    if fresh:
        assert FileRegistry(tmp_path).query_number(LISTED, NOW).on_list
    else:
        assert refusal_reason(tmp_path) == "list_too_old"


def test_a_copied_old_list_stays_old_and_a_new_list_replaces_it(tmp_path: Path) -> None:
    old = write_file(tmp_path, "2025-06-01_202.txt", b"202,5550123\n")
    assert refusal_reason(tmp_path) == "list_too_old"
    write_file(tmp_path, "2026-01-30_202.txt", b"202,5550199\n")
    assert FileRegistry(tmp_path).query_number("+12025550199", NOW).on_list
    assert FileRegistry(tmp_path).query_number(LISTED, NOW).on_list  # the old list still has the number
    old.unlink()
    assert not FileRegistry(tmp_path).query_number(LISTED, NOW).on_list


@pytest.mark.parametrize(
    "content",
    [
        b"202,5550123,A,2026-01-20\n",  # a change list
        b"<list><ph val='5550123'/></list>\n",
        b"202,555012\n",
        b"102,5550123\n",
        b"202;5550123\n",
        b"202,5550123\n" + b"9" * 10_000,
        b"\x00" * 100,
    ],
)
def test_a_file_of_unclear_content_is_unusable(tmp_path: Path, content: bytes) -> None:
    write_file(tmp_path, "202.txt", b"202,5550100\n" + content)
    assert refusal_reason(tmp_path) == "list_malformed"
    assert refusal_reason(tmp_path) == "list_malformed"


def test_an_invalid_zip_file_is_unusable(tmp_path: Path) -> None:
    (tmp_path / "202.zip").write_bytes(b"202,5550123\n")
    assert refusal_reason(tmp_path) == "list_unreadable"


def test_a_file_with_an_invalid_date_is_unusable(tmp_path: Path) -> None:
    write_file(tmp_path, "2026-13-45_202.txt", b"202,5550123\n")
    assert refusal_reason(tmp_path) == "list_misnamed"


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    write_file(tmp_path, "202.txt", b"202,5550123\n")
    assert FileRegistry(tmp_path).query_number(LISTED, NOW).on_list
    write_file(tmp_path, "202.txt", b"202,5550199\n", NOW + timedelta(minutes=1))
    assert not FileRegistry(tmp_path).query_number(LISTED, NOW).on_list


def test_the_setting_selects_the_registry(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("SWITCHBOARD_NATIONAL_REGISTRY", raising=False)
    with pytest.raises(NoAnswerError):
        registries.get_national_registry().query_number(LISTED, NOW)
    monkeypatch.setenv("SWITCHBOARD_NATIONAL_REGISTRY", "simulator")
    assert not registries.get_national_registry().query_number(LISTED, NOW).on_list
    assert registries.get_national_registry().query_number("+15005550025", NOW).on_list
    monkeypatch.setenv("SWITCHBOARD_NATIONAL_REGISTRY", "files")
    monkeypatch.setenv("SWITCHBOARD_NATIONAL_REGISTRY_FOLDER", str(tmp_path))
    write_file(tmp_path, "202.txt", b"202,5550123\n")
    assert registries.get_national_registry().query_number(LISTED, NOW).on_list


class BrokenRegistry:
    def query_number(self, e164: str, now: datetime) -> registries.RegistryAnswer:
        raise OSError("disk on fire")


@pytest.mark.usefixtures("cloud", "frozen")
def test_a_failing_registry_refuses_and_a_test_key_needs_none() -> None:
    consent = StatedConsent(source="opt-in:web-form", date="2025-06-01")
    asked = ContactAttempt(org_id="org_a", channel="voice", to="+12125551234", consent=consent, purpose="telemarketing")
    found = service.evaluate(asked, SimulatedReassignedNumbers(), registry=BrokenRegistry())
    assert (found.code, found.find_result("national_dnc").reason) == ("national_dnc_unknown", "unavailable")
    simulated = asked.model_copy(update={"simulated": True})
    assert service.evaluate(simulated, SimulatedReassignedNumbers(), registry=BrokenRegistry()).allowed
    magic = simulated.model_copy(update={"to": "+15005550025"})
    assert service.evaluate(magic, SimulatedReassignedNumbers()).code == "national_dnc"
    assert service.evaluate(magic.model_copy(update={"purpose": "informational"}), SimulatedReassignedNumbers()).allowed


class NotedRegistry:
    """A registry without numbers that keeps its queries."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, datetime]] = []

    def query_number(self, e164: str, now: datetime) -> registries.RegistryAnswer:
        self.asked.append((e164, now))
        return registries.RegistryAnswer(on_list=False, as_of=now.date())


@pytest.mark.usefixtures("cloud")
def test_the_registry_is_asked_about_the_number_at_the_time_of_the_verdict(frozen: clock.FrozenClock) -> None:
    consent = StatedConsent(source="opt-in:web-form", date="2025-06-01")
    asked = ContactAttempt(org_id="org_a", channel="voice", to="+12125551234", consent=consent, purpose="telemarketing")
    noted = NotedRegistry()
    service.evaluate(asked, SimulatedReassignedNumbers(), registry=noted)
    assert noted.asked == [("+12125551234", clock.now())]


def test_a_verdict_on_given_facts_asks_the_registry_at_its_own_time(monkeypatch: pytest.MonkeyPatch) -> None:
    noted = NotedRegistry()
    monkeypatch.setattr(service, "get_national_registry", lambda: noted)
    verdict("+12125551234", NOW, purpose="telemarketing")
    assert noted.asked == [("+12125551234", NOW)]
