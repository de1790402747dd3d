"""A talker without a voice AI: the line itself says the first words of the call, and takes one key.

It suits calls that only tell something. The called person hears the greeting with its disclosures and can press the key
that asks for no more calls. A caller is never announced to: the flow takes a message then. The voices are Amazon
Polly's, which Twilio speaks with and bills.
"""

from __future__ import annotations

from xml.etree import ElementTree

from switchboard.carriers.outcomes import RefusedError
from switchboard.carriers.spoken import fill_variables, make_sayable
from switchboard.carriers.voice.ports.line import Placement
from switchboard.carriers.voice.ports.talker import Conversation, ProviderCallIds, TalkConnection, Transcript, Voice

_VOICES = [
    Voice("Polly.Joanna", "Joanna", "basic", "en-US", "female", ("clear",), ("announcements",)),
    Voice("Polly.Matthew", "Matthew", "basic", "en-US", "male", ("clear",), ("announcements",)),
    Voice("Polly.Lupe", "Lupe", "basic", "es-US", "female", ("clear",), ("announcements",)),
    Voice("Polly.Joanna-Neural", "Joanna", "premium", "en-US", "female", ("natural",), ("announcements",)),
    Voice("Polly.Matthew-Neural", "Matthew", "premium", "en-US", "male", ("natural",), ("announcements",)),
    Voice("Polly.Lupe-Neural", "Lupe", "premium", "es-US", "female", ("natural",), ("announcements",)),
]
#: How long the line waits for a key after the words, in seconds.
_KEY_SECONDS = 5


class Announcer:
    """Lets the line say the greeting of a conversation."""

    def list_voices(self) -> list[Voice]:
        """Returns voices of both tiers, in English and Spanish."""
        return _VOICES

    def reports_analysis(self) -> bool:
        """Returns False."""
        return False

    def open_talk(self, conversation: Conversation) -> TalkConnection:
        """Returns the line's instructions. Raises RefusedError for a caller, and if there is nothing to say."""
        if conversation.inbound:
            # A caller wants to say something. Without a talker the flow takes a message.
            raise RefusedError("the announcer talks only in calls that we place")
        said = fill_variables(conversation.greeting, conversation.variables)
        if not said.strip():
            raise RefusedError("the call has no greeting to say")
        root = ElementTree.Element("Response")
        keys = ElementTree.SubElement(root, "Gather", input="dtmf", numDigits="1", timeout=str(_KEY_SECONDS))
        known = next((one for one in _VOICES if one.id == conversation.voice_id), _VOICES[0])
        say = ElementTree.SubElement(keys, "Say", voice=known.id, language=known.language)
        say.text = make_sayable(said)
        return TalkConnection(None, ElementTree.tostring(root, encoding="unicode"))

    def call_with_talk(self, conversation: Conversation, placement: Placement) -> ProviderCallIds | None:  # noqa: ARG002 a talker's signature
        """Returns None, because this talker has no line of its own."""
        return None

    def fetch_transcript(self, org_id: str, call_id: str, conversation_id: str | None) -> Transcript | None:  # noqa: ARG002 a talker's signature
        """Returns None: nobody listens."""
        return None

    def close_talk(self, org_id: str, call_id: str, conversation_id: str | None) -> None:
        """Does nothing."""
