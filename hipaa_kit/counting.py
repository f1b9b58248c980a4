"""A count and what is counted, as they stand in a sentence: 1 pod runs, 2 pods run."""

from __future__ import annotations


class Count(str):
    """A number as it is written, whose format is what it counts, or one of two words that goes with it.

    Examples
    --------
    >>> "{pods:pod} {pods:runs|run} on {nodes:node}".format(pods=Count(1), nodes=Count(2))
    '1 pod runs on 2 nodes'
    """

    __slots__ = ()

    def __format__(self, spec: str) -> str:
        """Return the number with a noun whose plural ends in `s`, or the word before or after `|`."""
        if not spec:
            return str(self)
        word, either, other = spec.partition("|")
        if either:
            return word if self == "1" else other
        return f"{self} {word}" if self == "1" else f"{self} {word}s"
