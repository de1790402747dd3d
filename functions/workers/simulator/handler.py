"""The simulated voice provider: plays the events of its calls and posts the callbacks."""

from __future__ import annotations

from switchboard import workers
from switchboard.carriers.voice.simulator import worker

handler = workers.message_handler(worker.handle_message)
