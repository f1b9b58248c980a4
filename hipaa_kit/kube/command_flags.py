"""Flags of a command line, as the programs of the control plane read them.

Kubernetes reads with pflag, etcd with Go's own `flag`: `--name=value` and `--name value` mean the same, a boolean
alone is true and never takes the next word, a lone `--` ends the flags, and so, for Go's own, does the first word
that is none. pflag takes names with one dash for shorthands; the components have none that a check reads.

Source: https://pkg.go.dev/github.com/spf13/pflag#hdr-Command_line_flag_syntax,
https://pkg.go.dev/flag#hdr-Command_line_flag_syntax
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

BOOLEAN: Final = frozenset(
    """
    allow-privileged anonymous-auth auto-tls client-cert-auth contention-profiling enable-aggregator-routing
    enable-bootstrap-token-auth enable-garbage-collector enable-logs-handler enable-priority-and-fairness enable-v2
    experimental-compact-hash-check-enabled experimental-initial-corrupt-check force-new-cluster leader-elect
    peer-auto-tls peer-client-cert-auth peer-skip-client-san-verification permit-address-sharing permit-port-sharing
    pre-vote profiling rotate-certificates service-account-extend-token-expiration service-account-lookup
    unsafe-no-fsync use-service-account-credentials version watch-cache
    """.split()
)
"""Flags of the components that are true where no value is given."""


class Flag(NamedTuple):
    """One flag as it was given: its name without dashes, and its value."""

    name: str
    value: str


def command_flags(words: Iterable[str]) -> Iterator[Flag]:
    """Yield the flags of a command line in order; one that is given twice twice.

    Parameters
    ----------
    words
        Arguments of the program, without its name.
    """
    waiting = ""
    for word in words:
        if waiting:
            yield Flag(waiting, word)
            waiting = ""
        elif word == "--":
            return
        elif word.startswith("-") and len(word) > 1:
            name, given, value = word.removeprefix("-").removeprefix("-").partition("=")
            if given:
                yield Flag(name, value)
            elif name in BOOLEAN:
                yield Flag(name, "true")
            else:
                waiting = name
