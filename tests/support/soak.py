"""How much of a long search a commit meets: a part of it, always the same, and all of it in `make soak`."""

import os

SOAK = os.environ.get("SOAK") == "1"


def share(commit: int, soak: int) -> int:
    """How many cases to try: `commit` of them, or `soak` where there is an hour."""
    return soak if SOAK else commit
