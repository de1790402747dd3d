"""Roleplay training: sessions that are minted and redeemed, and the practice calls that come of them, scored."""
