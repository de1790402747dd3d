"""Answers to texts by the AI of a flow: one turn for a batch of texts, with its tools and limits."""
