"""Transport `wav`: a recording as the caller."""
