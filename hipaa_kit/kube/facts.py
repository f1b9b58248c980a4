"""Typed facts: what checks may know of values that are removed at the door.

Each is defined here once, extracted by redaction before the value goes, and named by the checks that
read it. A fact never lets the value be guessed. In a record they stand under the names below.

Adding one: a name, a function that takes the raw field and gives the fact, and its call in
`sources.redaction`, at the handler of that field.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any, Final

FIELD_MANAGERS: Final = "field_managers"
"""Who wrote the object: a list of manager, operation, subresource and time."""

LITERAL_LENGTH: Final = "literal_length"
"""`container/VARIABLE` → length class of a literal of the environment."""

EXEC_PROGRAM: Final = "exec_program"
"""`container/livenessProbe` (or another probe or hook) → the program that its command runs in the end."""

NETWORK_ENCRYPTION: Final = "network_encryption"
"""Setting → true or false, of a network plugin's ConfigMap: whether it encrypts between nodes."""

ENCRYPTION_SETTINGS: Final = {"cilium-config": ("enable-ipsec", "enable-wireguard", "encrypt-node")}
"""ConfigMaps by name, and the settings of them that are taken.

Source: https://docs.cilium.io/en/stable/security/network/encryption/
"""

POD_SECURITY_FIELDS: Final = "pod_security_fields"
"""Which fields of the Pod Security Standards an admission policy, or the template of one, speaks of; sorted."""

NAMESPACE_FILTERS: Final = "namespace_filters"
"""Namespaces that the `resourceFilters` of Kyverno's ConfigMap keep it away from, as written; sorted."""

SECURITY_FIELDS: Final = frozenset(
    """
    allowPrivilegeEscalation appArmorProfile capabilities hostIPC hostNetwork hostPID hostPath hostPort hostPorts
    hostProcess privileged procMount runAsNonRoot runAsUser seLinuxOptions seccompProfile sysctls
    """.split()
)
"""Fields that the Pod Security Standards speak of, and no other part of the API."""

LENGTH_CLASSES: Final = ((0, "empty"), (8, "short"), (32, "medium"))
SHELLS: Final = frozenset(["ash", "bash", "busybox", "dash", "ksh", "sh", "zsh", "cmd", "powershell", "pwsh"])
SHELL_FLAGS: Final = frozenset(["-c", "-ec", "-ce", "-lc", "-xc", "-exc", "-euc", "/c", "-Command"])
"""Shells, and the flags after which they take a script."""

_FIRST_WORD: Final = re.compile(r"\s*(?:exec\s+)?(?:/[\w.-]+)*?/?([a-z][\w.-]{0,31})(?=[\s;&|)]|\Z)")
_NAME: Final = re.compile(r"[\w.+-]{1,64}", re.ASCII)
_WORD: Final = re.compile(r"[A-Za-z]{7,24}")
_FILTER: Final = re.compile(r"\[\s*([\w*?./-]{1,128})\s*,\s*([\w*?.-]{1,63})\s*,\s*([\w*?.:-]{1,253})\s*\]", re.ASCII)
_HOOKS: Final = ("livenessProbe", "readinessProbe", "startupProbe")


def length_class(value: str) -> str:
    """Return how long a literal is, in four classes: empty, short (to 8), medium (to 32), long."""
    return next((name for limit, name in LENGTH_CLASSES if len(value) <= limit), "long")


def field_managers(managed: Any) -> list[dict[str, str]]:
    """Return who has written which object when, from `metadata.managedFields`, without the fields.

    Source: https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management
    """
    found = []
    for entry in managed if isinstance(managed, list) else []:
        if isinstance(entry, Mapping) and isinstance(entry.get("manager"), str):
            names = ("manager", "operation", "subresource", "time")
            found.append({name: entry[name] for name in names if isinstance(entry.get(name), str)})
    return found


def program(command: Iterable[Any]) -> str:
    """Return the name of the program that a command starts, without its path; "" where there is none."""
    first = next(iter(command), "")
    return first.rpartition("/")[2] if isinstance(first, str) else ""


def exec_program(command: Any) -> str:
    """Return the program that a command runs in the end; "" where there is none.

    Of a shell with a script it is the first word of the script, where that is plainly the name of a
    program, and else the shell. What is no plain name, such as a whole line as one word, is none.

    Source: https://kubernetes.io/docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/
    """
    name = program(command) if isinstance(command, list) else ""
    if _NAME.fullmatch(name) is None:
        return ""
    flag, script = command[1:3] if len(command) > 2 else (None, None)
    if name in SHELLS and isinstance(flag, str) and flag in SHELL_FLAGS and isinstance(script, str):
        word = _FIRST_WORD.match(script)
        return word[1] if word else name
    return name


def literal_lengths(container: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield (variable, length class) of a container's literals."""
    for entry in _maps(container.get("env")):
        name, value = entry.get("name"), entry.get("value")
        if isinstance(name, str) and value is not None and not isinstance(value, Mapping | list):
            yield name, length_class(str(value))


def exec_programs(container: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield (probe or hook, program) of a container's probes and lifecycle hooks that run a command."""
    lifecycle = container.get("lifecycle")
    hooks = lifecycle if isinstance(lifecycle, Mapping) else {}
    handlers = [(name, container.get(name)) for name in _HOOKS]
    handlers += [(name, hooks.get(name)) for name in ("postStart", "preStop")]
    for name, handler in handlers:
        action = handler.get("exec") if isinstance(handler, Mapping) else None
        if isinstance(action, Mapping) and (found := exec_program(action.get("command"))):
            yield name, found


def network_encryption(name: Any, data: Any) -> dict[str, bool]:
    """Return the settings of a network plugin's ConfigMap that say true or false; {} for any other ConfigMap.

    A setting that is not written is false, as in the plugin itself.
    """
    wanted = ENCRYPTION_SETTINGS.get(name, ()) if isinstance(name, str) else ()
    held = data if isinstance(data, Mapping) else {}
    return {each: str(held.get(each, "false")).lower() == "true" for each in wanted} if held else {}


def security_fields(policy: Any) -> list[str]:
    """Return the fields of the Pod Security Standards whose names stand anywhere in a policy, as key or in a text.

    Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/. The names alone say what a policy is
    about, and not what it asks for.
    """
    found: set[str] = set()
    waiting = [policy]
    while waiting:
        each = waiting.pop()
        if isinstance(each, Mapping):
            waiting += [*each.keys(), *each.values()]
        elif isinstance(each, list | tuple):
            waiting += each
        elif isinstance(each, str):
            found.update(SECURITY_FIELDS.intersection(_WORD.findall(each)))
    return sorted(found)


def namespace_filters(data: Any) -> list[str] | None:
    """Return the namespaces that Kyverno's filters leave out for pods; None where the text is none of its filters.

    Source: https://kyverno.io/docs/installation/customization/#resource-filters: entries `[kind,namespace,name]`.
    """
    written = data.get("resourceFilters") if isinstance(data, Mapping) else None
    if not isinstance(written, str):
        return None
    found = _FILTER.findall(written)
    if len(found) != written.count("["):
        return None
    return sorted({namespace for kind, namespace, _ in found if names_pods(kind)})


def names_pods(kind: str) -> bool:
    """Tell whether a kind in Kyverno's form, `[[group/]version/]Kind[/subresource]` with wildcards, stands for pods."""
    steps = kind.split("/")
    if steps[0][:1].isupper() and len(steps) > 1:
        return False  # a kind and its subresource
    return fnmatchcase("Pod", steps[-1])


def _maps(value: Any) -> list[Mapping[str, Any]]:
    return [entry for entry in value if isinstance(entry, Mapping)] if isinstance(value, list) else []
