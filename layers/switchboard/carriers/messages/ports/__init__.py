"""The parts of the port to carriers of text messages."""
