"""HUM's dialect: sessions in cookies, errors and the API document."""
