"""HUM's words: sessions in cookies, errors and the API document."""
