"""Text messages: conversations, messages in and out, keywords, and scheduled texts."""
