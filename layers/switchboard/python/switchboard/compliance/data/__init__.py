"""What the gate knows of the world, as dated tables: area codes, state law, holidays."""
