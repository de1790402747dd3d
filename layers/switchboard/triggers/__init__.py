"""Inbound triggers: opaque addresses at which other systems fire events of their own."""
