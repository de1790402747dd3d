"""The live stream of a call for the console."""
