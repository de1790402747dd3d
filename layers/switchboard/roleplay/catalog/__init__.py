"""The catalog: drills, their rubrics and their personas, as plain data. Published entries never change."""
