"""The types of events, one file for each noun. `switchboard.events.registry` collects them."""
