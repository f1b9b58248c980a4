"""Typed facts: what checks may know of values that are removed at the door.

Each is defined here once, extracted by redaction before the value goes, and named by the checks that
read it. A fact never lets the value be guessed. In a record they stand under the names below.

Adding one: a name, a function that takes the raw field and gives the fact, its call in
`sources.redaction`, at the handler of that field, and its entry in `FACTS`. A table that reads it says so
(`builds(…, facts=…)`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any, Final

from hipaa_kit.kube.reading import GO_FALSE, as_maps, as_texts

FIELD_MANAGERS: Final = "field_managers"
"""Who wrote the object: a list of manager, operation, subresource and time."""

EXEC_PROGRAM: Final = "exec_program"
"""`container/livenessProbe` (or another probe or hook) → the program that its command runs in the end."""

CREDENTIALS: Final = "credentials"
"""`container/place/NAME` → how a literal was told to be a credential (`name`, `shape`, `url`) and its length class.

The place is `env`, `args` or `command`; of a ConfigMap it is `data`, without a container.
"""

SERVICE_ADDRESSES: Final = "service_addresses"
"""`container/place/NAME` → what `kube.service_addresses` keeps of an address that may be that of a Service: whether it
asks for TLS, scheme, host and port; never user info, path or query."""

KMS_KINDS: Final = "kms_kinds"
"""Name of a key service in a ConfigMap of Ceph-CSI → its kind."""

SERVER_FLAGS: Final = "server_flags"
"""Of a node of k3s or rke2: the distribution, its role, and its flags of encryption."""

NETWORK_ENCRYPTION: Final = "network_encryption"
"""Setting → true or false, of a network plugin's ConfigMap: whether it encrypts between nodes."""

ENCRYPTION_SETTINGS: Final = {"cilium-config": ("enable-ipsec", "enable-wireguard", "encrypt-node")}
"""ConfigMaps by name, and the settings of them that are taken.

Source: https://docs.cilium.io/en/stable/security/network/encryption/
"""

FLOW_EXPORT: Final = "flow_export"
"""Of the configuration of Cilium's agents: where they write the connections that they see (`to` the `log`, a `file` or
""), whether they may be `filtered`, and whether a second file says of more exports (`dynamic`)."""

POD_SECURITY_FIELDS: Final = "pod_security_fields"
"""Which fields of the Pod Security Standards an admission policy, or the template of one, speaks of; sorted."""

NAMESPACE_FILTERS: Final = "namespace_filters"
"""Namespaces that the `resourceFilters` of Kyverno's ConfigMap keep it away from, as written; sorted."""

IMAGE_SIGNERS: Final = "image_signers"
"""Part of a policy about images → whose signatures it takes: somebody named, anyone, nobody, or what must be read.

Extracted by `kube.admission.signers`: keys, and the names and addresses of those who sign, do not pass.
"""

VULNERABILITY_GATE: Final = "vulnerability_gate"
"""Of an admission policy that speaks of what scanners attested: `all` where it is for every image, else `some`."""

ALERT_ROUTES: Final = "alert_routes"
"""Entry of a Secret or ConfigMap, or "" of an AlertmanagerConfig → what `kube.monitoring.routes` keeps of the
configuration of Alertmanager in it: kinds of integration per receiver, and the tree of routes; never an address."""

ALERTMANAGER_FILES: Final = frozenset(
    ["alertmanager.yaml", "alertmanager.yaml.gz", "alertmanager.yml", "alertmanager-config.yaml"]
)
"""Entries that hold the configuration of Alertmanager.

Source: https://prometheus-operator.dev/docs/developer/alerting/, https://github.com/prometheus-community/helm-charts
"""

FALCO_SETTINGS: Final = "falco_settings"
"""Of the `falco.yaml` of a ConfigMap: `plugins` that are loaded, sorted, and whether it has `audit_rules`: a file of
rules whose name speaks of audit."""

LOG_PIPELINE: Final = "log_pipeline"
"""Of a ConfigMap with the configuration of a log agent, what `kube.log_pipelines` keeps of it: paths under `/var/log`
that are read or left out, the kinds of output that they go to, and whether something may leave out more."""

FACTS: Final = {
    ALERT_ROUTES: 1,
    CREDENTIALS: 3,
    EXEC_PROGRAM: 1,
    FALCO_SETTINGS: 1,
    FIELD_MANAGERS: 1,
    FLOW_EXPORT: 1,
    IMAGE_SIGNERS: 1,
    KMS_KINDS: 1,
    LOG_PIPELINE: 1,
    NAMESPACE_FILTERS: 1,
    NETWORK_ENCRYPTION: 1,
    POD_SECURITY_FIELDS: 1,
    SERVER_FLAGS: 1,
    SERVICE_ADDRESSES: 2,
    VULNERABILITY_GATE: 1,
}
"""Every fact, and the number of the rule by which it is taken.

A snapshot keeps this: one that was taken before a fact was, or by an older rule, does not have it, and where a
fact is missing nothing can be concluded from that. Whoever changes what a fact takes raises its number.
"""

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

_REFERENCE: Final = re.compile(r"\$\([\w.]{1,253}\)|\$\{[\w.]{1,253}\}|\$[A-Za-z_]\w{0,252}", re.ASCII)
_NOT_A_VALUE: Final = re.compile(
    r"true|false|yes|no|on|off|none|null|(?:/[\w.-]+)+/?|[a-z][a-z0-9+.-]*://[^@\s]*", re.IGNORECASE
)
_NUMBER_NAME: Final = re.compile(r"(?:passw(?:or)?d|passphrase|pwd|pin)$", re.IGNORECASE)
_NAMES_AN_OBJECT: Final = re.compile(
    r"(?:tls|certs?|certificate|ssl|ca|pull|image|registry|webhook|serving)(?:[-_.]?(?:bundle|cert|dir|key))?"
    r"[-_.]?secrets?$|secrets$",
    re.IGNORECASE,
)
_TELLS_OF_IT: Final = re.compile(
    r"(?:token|secret|key|credential|password)s?[-_.]?"
    r"(?:audiences?|issuers?|ttl|expir(?:y|ation)|duration|lifetime|algorithm|formats?|types?|(?:file[-_.]?)?names?|files?"
    r"|paths?|dir(?:ectory)?)$|client[-_.]?id$",
    re.IGNORECASE,
)
"""Names of what is said of a secret, and is none: for whom it is, who gives it, how long it holds, its name and file;
and what a client calls itself, which OAuth does not hold for a secret (RFC 6749, 2.2)."""
_OBJECT_NAME: Final = re.compile(r"[a-z0-9][a-z0-9./,-]{0,252}", re.ASCII)
_NAMES_A_FILE: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,200}\.(?:cer|crt|jks|json|key|p12|pem|pfx|ya?ml)", re.ASCII)
_FILE_NAME: Final = re.compile(r".+\.[a-z]{2,10}", re.IGNORECASE)
_ASSIGNED: Final = re.compile(
    r"(?:passw(?:or)?d|passphrase|pwd|secret|token|api_?key|access_?key)=[\"\']?(?![=/$<\"\']|true\b|false\b)[^\s,;]",
    re.IGNORECASE,
)
_URL_PASSWORD: Final = re.compile(r"://[^\s/@:]{0,256}:[^\s/@]{1,512}@")
_SERVER_ARGUMENTS: Final = {"k3s.io/node-args": "k3s", "rke2.io/node-args": "rke2"}
_FIRST_WORD: Final = re.compile(r"\s*(?:exec\s+)?(?:/[\w.-]+)*?/?([a-z][\w.-]{0,31})(?=[\s;&|)]|\Z)")
_FLAG: Final = re.compile(r"--?[A-Za-z][\w.-]{0,79}", re.ASCII)
_NAME: Final = re.compile(r"[\w.+-]{1,64}", re.ASCII)
_WORD: Final = re.compile(r"[A-Za-z]{7,24}")
_FILTER: Final = re.compile(r"\[\s*([\w*?./-]{1,128})\s*,\s*([\w*?.-]{1,63})\s*,\s*([\w*?.:-]{1,253})\s*\]", re.ASCII)
EVERY_IMAGE: Final = frozenset(["*", "**"])
_IMAGE_LISTS: Final = frozenset(["imageReferences", "matchImageReferences", "images"])
_SKIPS: Final = frozenset(["skipImageReferences"])
_ATTESTED: Final = re.compile(r"attestation/vuln|/vuln/v\d|vulnerabilit|openvex", re.IGNORECASE)
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


def credentials(
    container: Mapping[str, Any], names_secret: Callable[[str], bool], looks_secret: Callable[[str], bool]
) -> Iterator[tuple[str, str]]:
    """Yield (`place/NAME`, how it was told and its length class) of literals that are credentials.

    Parameters
    ----------
    container
        As written.
    names_secret, looks_secret
        Tell whether a name stands for a secret, and whether a text has the shape of one.

    Notes
    -----
    References (`$(NAME)`), paths, names of files, addresses without a password and truth values are none, nor is the
    name of a Secret under a name such as `--tls-secret`; a number is one only where it may be a password.
    """
    for key, name, value in literals(container):
        told = _told(name, value, names_secret, looks_secret) if name else _shape(value, looks_secret)
        if told:
            yield key, f"{told} {length_class(value)}"


def literals(container: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield (`place/NAME`, name, text) of what is written in a container's environment, command and arguments.

    A word has the name of the flag that it is the value of, or that stands before it; in the place of a name that it
    has not stands its number.
    """
    for entry in as_maps(container.get("env")):
        name, value = entry.get("name"), entry.get("value")
        if isinstance(name, str) and not (value is None or isinstance(value, Mapping | list | bool)):
            yield f"env/{name}", name, str(value)
    for place in ("command", "args"):
        words = container.get(place)
        before = ""
        for number, word in enumerate(words if isinstance(words, list) else []):
            if not isinstance(word, str):
                before = ""
                continue
            flag, given, value = word.partition("=")
            name, value = (flag, value) if given and _FLAG.fullmatch(flag) else (before, word)
            yield f"{place}/{name or number}", name, value
            before = word if _FLAG.fullmatch(word) else ""


def _told(name: str, value: str, names_secret: Callable[[str], bool], looks_secret: Callable[[str], bool]) -> str:
    """Return how a value under a name was told to be a credential; "" where it is none."""
    if shape := _shape(value, looks_secret):
        return shape
    plain = value.strip()
    if not plain or not names_secret(name) or _REFERENCE.fullmatch(plain) or _NOT_A_VALUE.fullmatch(plain):
        return ""
    if _TELLS_OF_IT.search(name) or _NAMES_A_FILE.fullmatch(plain):
        return ""
    if _NAMES_AN_OBJECT.search(name) and _OBJECT_NAME.fullmatch(plain):
        return ""
    return "" if plain.isdecimal() and not _NUMBER_NAME.search(name) else "name"


def _shape(value: str, looks_secret: Callable[[str], bool]) -> str:
    """Return whether a text, without the references in it, holds a URL with a password or the shape of a secret."""
    written = _REFERENCE.sub("", value)
    if _URL_PASSWORD.search(written):
        return "url"
    return "shape" if looks_secret(written) or _ASSIGNED.search(written) else ""


def data_credentials(
    data: Any, names_secret: Callable[[str], bool], looks_secret: Callable[[str], bool]
) -> Iterator[tuple[str, str]]:
    """Yield (`data/KEY`, how it was told and its length class) of a ConfigMap's values that hold credentials."""
    for key, value in data.items() if isinstance(data, Mapping) else ():
        written = value if isinstance(key, str) and isinstance(value, str) else ""
        # A whole file is no value under the name of a secret: only what is written in it can be one.
        file = "\n" in written.strip() or _FILE_NAME.fullmatch(key) is not None
        told = _shape(written, looks_secret) if file else _told(key, written, names_secret, looks_secret)
        if told:
            yield f"data/{key}", f"{told} {length_class(written)}"


def kms_kinds(data: Any) -> Iterator[tuple[str, str]]:
    """Yield (name, kind) of the key services in a ConfigMap of Ceph-CSI, in either of its two forms.

    Source: https://github.com/ceph/ceph-csi/tree/devel/examples/kms.
    """
    for key, value in data.items() if isinstance(data, Mapping) else ():
        if not isinstance(value, str) or not ("encryptionKMSType" in value or "KMS_PROVIDER" in value):
            continue
        try:
            found = json.loads(value)
        except (ValueError, RecursionError):
            continue
        services = {key: found, **found} if isinstance(found, Mapping) else {}
        for name, service in services.items():
            held = service if isinstance(service, Mapping) else {}
            kind = held.get("encryptionKMSType") or held.get("KMS_PROVIDER")
            if isinstance(name, str) and isinstance(kind, str) and _NAME.fullmatch(kind):
                yield name, kind


def server_flags(annotations: Any) -> dict[str, str]:
    """Return what a node of k3s or rke2 says of itself: distribution, role, and whether Secrets are encrypted.

    Source: pkg/nodeconfig/nodeconfig.go of k3s-io/k3s: the arguments, with those of its configuration file.
    """
    for annotation, distribution in _SERVER_ARGUMENTS.items():
        given = annotations.get(annotation) if isinstance(annotations, Mapping) else None
        if not isinstance(given, str):
            continue
        try:
            words = json.loads(given)
        except (ValueError, RecursionError):
            words = None
        if isinstance(words, list) and all(isinstance(word, str) for word in words):
            return {"distribution": distribution, **_encryption_flags(words)}
    return {}


def _encryption_flags(words: list[str]) -> dict[str, str]:
    found = {"role": words[0] if words[:1] in (["server"], ["agent"]) else "unknown"}
    for number, word in enumerate(words):
        name, given, value = word.partition("=")
        value = value if given else next(iter(words[number + 1 : number + 2]), "")
        if name == "--secrets-encryption":
            found["encrypts"] = "false" if value in GO_FALSE else "true"
        elif name == "--secrets-encryption-provider" and value in ("aescbc", "secretbox"):
            found["provider"] = value
        elif name == "--kube-apiserver-arg" and value.startswith("encryption-provider-config="):
            found["own_file"] = "true"
    return found


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


def flow_export(name: Any, data: Any) -> dict[str, Any] | None:
    """Return how Cilium's agents export the connections that they see; None for any other ConfigMap.

    Hubble sees nothing where it is off, and is off where nothing is written of it. A list of what is left out or let
    through leaves connections out; a mask of fields does not.
    Source: https://docs.cilium.io/en/stable/observability/hubble/configuration/export/
    """
    if name != "cilium-config" or not isinstance(data, Mapping):
        return None
    hubble = str(data.get("enable-hubble", "false")).lower() == "true"
    path = str(data.get("hubble-export-file-path") or "").strip() if hubble else ""
    return {
        "to": "log" if path == "stdout" else "file" if path else "",
        "filtered": any(
            str(data.get(f"hubble-export-{each}") or "").strip(" []") for each in ("allowlist", "denylist")
        ),
        "dynamic": hubble and bool(str(data.get("hubble-flowlogs-config-path") or "").strip()),
    }


def security_fields(policy: Any) -> list[str]:
    """Return the fields of the Pod Security Standards whose names stand anywhere in a policy, as key or in a text.

    Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/. The names alone say what a policy is
    about, and not what it asks for.
    """
    found: set[str] = set()
    for each in _words_of(policy):
        found.update(SECURITY_FIELDS.intersection(_WORD.findall(each)))
    return sorted(found)


def vulnerability_gate(policy: Any) -> str:
    """Return for which images a policy speaks of vulnerabilities, "" where it does not.

    By the predicates of attestations or in any other text. It is for `all` where each of its lists of images holds a
    pattern that every image matches, and nothing is skipped; otherwise for `some`.

    Source: https://docs.sigstore.dev/cosign/verifying/attestation/, `https://cosign.sigstore.dev/attestation/vuln/v1`;
    https://github.com/in-toto/attestation/blob/main/spec/predicates/vuln.md
    """
    if not any(_ATTESTED.search(each) for each in _words_of(policy)):
        return ""
    lists = list(_lists_of_images(policy))
    whole = lists and all(name not in _SKIPS and not EVERY_IMAGE.isdisjoint(held) for name, held in lists)
    return "all" if whole else "some"


def _lists_of_images(value: Any) -> Iterator[tuple[str, list[str]]]:
    """Yield every list of patterns of images in a policy, with its name."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if name in _IMAGE_LISTS or name in _SKIPS:
                yield str(name), list(_words_of(inner))
            else:
                yield from _lists_of_images(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _lists_of_images(inner)


def _words_of(value: Any) -> Iterator[str]:
    """Yield every text in a value of any shape, names of fields as well."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, Mapping):
            waiting += [*each.keys(), *each.values()]
        elif isinstance(each, list | tuple):
            waiting += each
        elif isinstance(each, str):
            yield each


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


def falco_settings(configuration: Any) -> dict[str, Any] | None:
    """Return which plugins a configuration of Falco loads, and whether it names rules about audit events, or None.

    Source: https://falco.org/docs/concepts/plugins/usage/: `load_plugins` names those that are loaded of all that are
    configured, and `rules_files` the files of rules; those for audit events are called `k8s_audit_rules.yaml`.
    """
    held = configuration if isinstance(configuration, Mapping) else {}
    if not isinstance(held.get("load_plugins"), list):
        return None
    files = held.get("rules_files") or held.get("rules_file")
    return {
        "plugins": sorted({each for each in as_texts(held["load_plugins"]) if _NAME.fullmatch(each)}),
        "audit_rules": any("audit" in each.rpartition("/")[2] for each in as_texts(files)),
    }


def names_pods(kind: str) -> bool:
    """Tell whether a kind in Kyverno's form, `[[group/]version/]Kind[/subresource]` with wildcards, stands for pods."""
    steps = kind.split("/")
    if steps[0][:1].isupper() and len(steps) > 1:
        return False  # a kind and its subresource
    return fnmatchcase("Pod", steps[-1])
