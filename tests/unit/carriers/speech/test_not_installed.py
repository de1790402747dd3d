"""Without the packages of `make speech` the local stack says how to get them, and uses the texts of the simulator."""

from __future__ import annotations

import pytest

from switchboard.carriers import speech
from switchboard.carriers.speech import AudioSource, NotInstalledError, RefusedError

_AUDIO = AudioSource("recordings", "one", "audio/wav")


@pytest.fixture
def local(monkeypatch: pytest.MonkeyPatch) -> None:
    """A local stack without the recognizer's packages."""
    monkeypatch.setenv("SWITCHBOARD_TRANSCRIBER", "sphinx")
    monkeypatch.setattr(speech, "find_spec", lambda name: None if name == "pocketsphinx" else object())


@pytest.mark.usefixtures("local")
def test_a_missing_recognizer_refuses_jobs_and_says_what_to_do() -> None:
    transcriber = speech.configured_transcriber()
    for work in (
        lambda: transcriber.start(_AUDIO, "job"),
        lambda: transcriber.has_job("job"),
        lambda: transcriber.fetch(_AUDIO, "job"),
    ):
        with pytest.raises(NotInstalledError, match="run `make speech`") as refusal:
            work()
        assert isinstance(refusal.value, RefusedError)
    transcriber.forget(_AUDIO, "job")


@pytest.mark.usefixtures("local")
def test_a_missing_recognizer_leaves_simulated_voicemails_to_the_simulator() -> None:
    assert not speech.is_local()


def test_an_installed_recognizer_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWITCHBOARD_TRANSCRIBER", "sphinx")
    assert speech.is_local()
    assert type(speech.configured_transcriber()).__name__ == "Sphinx"
