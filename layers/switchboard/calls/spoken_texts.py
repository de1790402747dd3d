"""The texts that people hear when no talker speaks, in English and Spanish."""

from __future__ import annotations

from enum import StrEnum

from switchboard.calls.models import Declined


class SpokenText(StrEnum):
    """The texts that are not in a flow."""

    RECORDED = "recorded"
    AFTER_HOURS = "after_hours"
    LEAVE_MESSAGE = "leave_message"
    NOT_REACHED = "not_reached"
    THANKS = "thanks"
    GOODBYE = "goodbye"
    TROUBLE = "trouble"
    NOT_IN_SERVICE = "not_in_service"
    BUSY = "busy"
    CANNOT_TALK = "cannot_talk"
    DONE = "done"


_ENGLISH = {
    SpokenText.RECORDED: "This call is recorded.",
    SpokenText.AFTER_HOURS: "Thank you for calling. We are closed now. Please call again during our business hours.",
    SpokenText.LEAVE_MESSAGE: "Please leave a message after the tone. Press the pound key when you are done.",
    SpokenText.NOT_REACHED: "Nobody can take your call at the moment.",
    SpokenText.THANKS: "Thank you. Your message is recorded. Goodbye.",
    SpokenText.GOODBYE: "Thank you for calling. Goodbye.",
    SpokenText.TROUBLE: "We are sorry. We cannot take your call at the moment. Please call again later. Goodbye.",
    SpokenText.NOT_IN_SERVICE: "Thank you for calling. This number does not take calls at the moment. Goodbye.",
    SpokenText.CANNOT_TALK: "We are sorry. We called you, but cannot talk at the moment. Goodbye.",
    SpokenText.DONE: "Thank you. Goodbye.",
    SpokenText.BUSY: "Thank you for calling. All our lines are busy. Please call again in a few minutes. Goodbye.",
}
_SPANISH = {
    SpokenText.RECORDED: "Esta llamada se graba.",
    SpokenText.AFTER_HOURS: "Gracias por llamar. Ahora estamos cerrados. Llame de nuevo en nuestro horario.",
    SpokenText.LEAVE_MESSAGE: "Deje un mensaje después del tono. Pulse la tecla numeral cuando termine.",
    SpokenText.NOT_REACHED: "Nadie puede atender su llamada en este momento.",
    SpokenText.THANKS: "Gracias. Su mensaje está grabado. Adiós.",
    SpokenText.GOODBYE: "Gracias por llamar. Adiós.",
    SpokenText.TROUBLE: "Lo sentimos. No podemos atender su llamada en este momento. Llame más tarde. Adiós.",
    SpokenText.NOT_IN_SERVICE: "Gracias por llamar. Este número no recibe llamadas en este momento. Adiós.",
    SpokenText.CANNOT_TALK: "Lo sentimos. Le hemos llamado, pero no podemos hablar en este momento. Adiós.",
    SpokenText.DONE: "Gracias. Adiós.",
    SpokenText.BUSY: "Gracias por llamar. Todas las líneas están ocupadas. Llame en unos minutos. Adiós.",
}
#: The text for each reason to take no call. A caller does not learn why.
_OF_REASON = {
    Declined.NO_FLOW: SpokenText.NOT_IN_SERVICE,
    Declined.SUSPENDED: SpokenText.NOT_IN_SERVICE,
    Declined.UNAVAILABLE: SpokenText.TROUBLE,
    Declined.BUSY: SpokenText.BUSY,
    Declined.SPENDING_CAP: SpokenText.TROUBLE,
}


def find_text(which: SpokenText, language: str) -> str:
    """Returns a text in a language, in English if we do not have the language."""
    return (_SPANISH if language.lower().startswith("es") else _ENGLISH)[which]


def find_refusal(reason: Declined, language: str) -> str:
    """Returns the polite message for a caller whose call is not taken."""
    return find_text(_OF_REASON[reason], language)
