"""The one way in which an analysis says that the data cannot answer."""

from __future__ import annotations


class RefusalError(ValueError):
    """The data cannot answer; the message is one sentence that a report can print as it is."""

    @property
    def reason(self) -> str:
        """Why there is no answer.

        >>> RefusalError("There are no judgments to analyse.").reason
        'There are no judgments to analyse.'
        """
        return str(self)
