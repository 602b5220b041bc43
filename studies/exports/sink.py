"""Where writers put bytes that somebody else takes away at once."""

from __future__ import annotations


class Sink:
    """A file that can only be written; what was written is handed over by `take`.

    It has no position on purpose: a ZIP that is written to it says its sizes behind the data, so it
    can be sent while it is made.
    """

    closed = False

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, data: bytes) -> int:
        """Take in some bytes."""
        self._parts.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Do nothing: nothing is kept back."""

    def close(self) -> None:
        """Do nothing: the last bytes are still to be taken."""

    def take(self) -> bytes:
        """Return what has been written since the last time."""
        taken = b"".join(self._parts)
        self._parts.clear()
        return taken
