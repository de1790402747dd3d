"""The ports of telephony: a line, a talker, and the reports that both send."""
