"""Why a stream is not there: one exception whose cause is one of the words that `messages.StreamStatus` allows."""

REFUSALS = frozenset(("unauthorized", "not_found", "codec_unsupported", "no_video", "tls", "configuration"))


class StreamFault(Exception):
    """A stream cannot be had, or has ended. `detail` says for a person what was attempted and what came; no
    credentials."""

    def __init__(self, cause: str, detail: str) -> None:
        super().__init__(f"{cause}: {detail}")
        self.cause = cause
        self.detail = detail

    @property
    def state(self) -> str:
        """`refused` where trying again alone will not mend it, else `lost`."""
        return "refused" if self.cause in REFUSALS else "lost"
