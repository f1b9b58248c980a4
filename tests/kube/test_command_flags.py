"""Flags are read as pflag and Go's own `flag` read them."""

import pytest

from hipaa_kit.kube.command_flags import command_flags


@pytest.mark.parametrize(
    ("words", "flags"),
    [
        ([], []),
        (["--secure-port=6443"], [("secure-port", "6443")]),
        (["--secure-port", "6443", "--v=2"], [("secure-port", "6443"), ("v", "2")]),
        (["-auto-tls", "-name=m1"], [("auto-tls", "true"), ("name", "m1")]),
        (["--anonymous-auth", "false"], [("anonymous-auth", "true")]),
        (["--anonymous-auth=false"], [("anonymous-auth", "false")]),
        (
            ["--authorization-mode=Node", "--authorization-mode=RBAC"],
            [("authorization-mode", x) for x in ("Node", "RBAC")],
        ),
        (["--a=b=c"], [("a", "b=c")]),
        (["--a="], [("a", "")]),
        (["--a=1", "--", "--b=2"], [("a", "1")]),
        (["--a", "--b"], [("a", "--b")]),
        (["word", "-", "--a=1"], [("a", "1")]),
        (["--a"], []),
    ],
)
def test_flags_of_a_command_line(words: list[str], flags: list[tuple[str, str]]) -> None:
    assert list(command_flags(words)) == flags
