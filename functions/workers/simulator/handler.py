"""The simulated voice provider: what happens in its calls, and the callbacks that tell of it."""

from __future__ import annotations

from switchboard import consumer
from switchboard.carriers.voice.simulator import playing

handler = consumer.messages(playing.play)
