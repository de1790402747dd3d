"""Finding things by the beginnings of words, through an index of tokens in a table."""
