"""Stage `echo`: keeps the examiner's own voice from opening a turn."""
