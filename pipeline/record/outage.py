"""Something that cannot be done for a while: said once, not at every attempt."""

from loguru import logger


class Outage:
    """An outage of what `what` says cannot be done, such as "The pending jobs cannot be looked up"."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._why: str | None = None

    def failed(self, why: str, error: BaseException | None = None) -> None:
        """An attempt has failed: a warning, unless the last one failed for the same reason."""
        if why != self._why:
            logger.opt(exception=error).warning("{}: {}", self._what, why)
        self._why = why

    def over(self) -> None:
        """An attempt has succeeded."""
        if self._why is not None:
            logger.info("This is over: {}: {}", self._what, self._why)
        self._why = None
