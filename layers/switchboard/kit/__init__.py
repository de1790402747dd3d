"""Small tools of our own. Every noun may import them, and they import no noun."""
