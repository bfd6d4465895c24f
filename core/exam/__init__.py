"""The exam: its plan, where it is, and an examiner that repeats itself."""
