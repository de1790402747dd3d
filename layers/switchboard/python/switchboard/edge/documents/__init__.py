"""What each API's document says beyond its routes."""
