"""The responses to providers' callbacks."""
