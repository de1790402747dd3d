"""The catalogue: drills, their rubrics and their personas, as plain data that is only ever added to."""
