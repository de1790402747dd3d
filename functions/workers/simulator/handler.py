"""The simulated voice provider: plays the events of its calls and posts the callbacks."""

from __future__ import annotations

from switchboard import consumer
from switchboard.carriers.voice.simulator import playing

handler = consumer.messages(playing.play)
