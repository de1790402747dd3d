"""Limits within which a mail is parsed, so that the work grows with its size only."""

from __future__ import annotations

#: The largest attachment in bytes, the number of attachments, and how many dropped attachments are listed.
MAX_ATTACHMENT_BYTES = 25 * 1024 * 1024
MAX_ATTACHMENTS = 50
MAX_NAMED_PARTS = 50
#: The limits of lines and steps. A larger mail is not meant for a reader and would take minutes: see `is_hopeless`.
MAX_LINES, MAX_STEPS = 2_000_000, 100_000_000
MAX_HEADERS, MAX_HEADER_BYTES, MAX_MIME_HEADER_BYTES = 500, 32_768, 4_096
#: How many parameters of a MIME header are kept. The library checks for each semicolon whether it is quoted.
MAX_PARAMETERS = 64
#: How many headers of one name are parsed for people. RFC 5322 allows one.
MAX_SAME_HEADERS = 20
#: The limits for headers in a mail's item, which holds at most 400 KB in total. Sizes are in bytes.
MAX_PEOPLE, MAX_ADDRESS_CHARACTERS, MAX_SUBJECT_CHARACTERS, MAX_REFERENCES = 100, 320, 998, 20
MAX_SHOWN_HEADERS, MAX_SHOWN_HEADER_CHARACTERS, MAX_SHOWN_CHARACTERS = 60, 2_000, 16_384
#: How many bytes all people, file names and content ids may have together, and the overhead of each in the item.
MAX_NAMES_BYTES, MAX_BESIDE = 96 * 1024, 16
CHUNK_BYTES = 65_536
#: From how many HTML parts text is extracted.
MAX_HTML_TEXTS = 20
