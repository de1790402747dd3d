"""The way out to addresses that customers name: checked, bounded, and never into a network of our own."""
