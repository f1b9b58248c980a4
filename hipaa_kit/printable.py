"""Text of any origin made safe to show: what would steer a terminal or turn a line around is written as an escape."""

from __future__ import annotations


def printable(text: str, keep: str = "") -> str:
    r"""Return a text in which every character can be seen.

    Parameters
    ----------
    text
        Of any origin: a name in a cluster, the path of a file, the words of a server.
    keep
        Characters that stay although they cannot be seen, such as line ends.

    Returns
    -------
    str
        Control characters, marks that turn the direction of writing, characters without width, and spaces
        that are none are written as Python writes them: `\x1b`, `\u202e`.

    Notes
    -----
    Source: Unicode Technical Report 36, section 3.1.1, and CVE-2021-42574 ("Trojan Source").
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in keep else c.encode("unicode_escape").decode() for c in text)
