"""The simulated provider's recordings. Their audio is made when it is fetched, from the lines that were said."""

from __future__ import annotations

from switchboard.carriers.outcomes import RefusedError
from switchboard.carriers.voice.ports.recordings import Audio, RecordingPlace
from switchboard.carriers.voice.ports.reports import Turn
from switchboard.carriers.voice.simulator import caller_state, speech_audio, state


class SimulatedRecordings:
    """The recordings of simulated calls, in both directions."""

    def fetch(self, place: RecordingPlace) -> Audio:
        """Returns the audio of a recording as WAV. Raises RefusedError for an unknown one."""
        lines = None
        if caller_state.is_recording_forgotten(place.org_id, _call_key(place), place.recording_id):
            raise RefusedError("the recording was deleted")
        if place.provider_call_id:
            lines = caller_state.get_recorded_lines(place.org_id, place.provider_call_id, place.recording_id)
        leg = state.get_leg(place.org_id, place.call_id) if lines is None else None
        if leg is not None:
            turns = [Turn.model_validate(step.facts["turn"]) for step in leg.course if step.kind == "turn"]
            lines = [turn.text for turn in turns if turn.final]
        if lines is None:
            raise RefusedError("there is no such recording")
        return Audio(speech_audio.speak(" ".join(lines)), "audio/wav")

    def forget(self, place: RecordingPlace) -> None:
        """Deletes a recording: it cannot be fetched again."""
        caller_state.forget_recording(place.org_id, _call_key(place), place.recording_id)


def _call_key(place: RecordingPlace) -> str:
    return place.provider_call_id or place.call_id
