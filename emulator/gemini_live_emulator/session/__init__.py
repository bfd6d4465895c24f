"""One Live session: what it hears, says and remembers."""
