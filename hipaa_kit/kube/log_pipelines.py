"""What the configuration of a log agent says: which files it reads, what it leaves out, and to what it sends.

Of a configuration pass paths under `/var/log` and words of closed lists, and nothing else: no address, no name, no
expression. What is not understood is named `other`, and where it may leave something out the pipeline is `filtered`.

Sources: https://docs.fluentbit.io/manual/administration/configuring-fluent-bit, /manual/pipeline/inputs/tail,
/manual/concepts/data-pipeline/router (tags and matches); https://vector.dev/docs/reference/configuration/;
https://grafana.com/docs/loki/latest/send-data/promtail/configuration/
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any, Final, NamedTuple

from hipaa_kit.kube.reading import as_map, as_maps, as_texts

OTHER: Final = "other"
LOCAL: Final = frozenset("stdout null file counter exit flowcounter console blackhole plot".split())
"""Outputs that stay on the node, of Fluent Bit and of Vector."""

REMOTE: Final = frozenset(
    """
    aws_cloudwatch_logs aws_kinesis_firehose aws_kinesis_streams aws_s3 axiom azure azure_blob azure_kusto
    azure_logs_ingestion azure_monitor_logs bigquery clickhouse cloudwatch_logs datadog datadog_logs elasticsearch es
    forward gcp_cloud_storage gcp_stackdriver_logs gelf honeycomb http kafka kinesis_firehose kinesis_streams logdna
    loki nats new_relic nrlogs oci_logan openobserve opensearch opentelemetry papertrail pulsar s3 socket splunk
    splunk_hec splunk_hec_logs stackdriver syslog tcp vector
    """.split()
)
"""Outputs that lead away from the process that collects."""

NEAR: Final = frozenset(["localhost", "127.0.0.1", "::1", "[::1]"])
"""Hosts that are the node or the pod itself: what is sent there has not left."""

_PATH: Final = re.compile(r"/var/log(?:/[\w.*?-]{1,80}){1,8}", re.ASCII)
_SECTION: Final = re.compile(r"\s*\[\s*([A-Za-z_]{1,32})\s*\]\s*")
_DROPS: Final = frozenset(["grep", "lua", "rewrite_tag", "throttle", "sampling", "log_to_metrics", "wasm", "nightfall"])
"""Filters of Fluent Bit that may leave out lines or send them elsewhere."""

_PASSES: Final = frozenset(["remap", "aws_ec2_metadata", "log_to_metric", "tag_cardinality_limit"])
"""Transforms of Vector that leave nothing out unless they are told to abort; any other may."""


class _Input(NamedTuple):
    paths: tuple[str, ...]
    excludes: tuple[str, ...]
    tag: str


def log_pipeline(texts: Mapping[str, str], documents: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what the configuration of a log agent in a ConfigMap says; None where it holds none.

    Parameters
    ----------
    texts
        Entries of the ConfigMap, as written.
    documents
        Those of them that are one document of YAML or JSON, read.

    Returns
    -------
    dict
        `reads`: a list of path and words of where it is sent, joined by spaces; `excludes`: paths that are left
        out; `filtered`: something in it may leave out more.
    """
    included = {
        line.split()[-1] for text in texts.values() for line in text.splitlines() if line.startswith("@INCLUDE ")
    }
    classic = [section for text in texts.values() for section in _sections(text)]
    if any(name == "INPUT" for name, _ in classic) and any(name == "OUTPUT" for name, _ in classic):
        found = _fluent_bit(classic)
        # What a file that is not here says may leave out anything.
        return found | {"filtered": found["filtered"] or not included <= set(texts)}
    for document in documents.values():
        held = document if isinstance(document, Mapping) else {}
        pipeline = as_map(held, "pipeline")
        if as_maps(pipeline.get("inputs")) and as_maps(pipeline.get("outputs")):
            return _fluent_bit(list(_of_yaml(pipeline)))
        if as_map(held, "sources") and as_map(held, "sinks"):
            return _vector(held)
        if as_maps(held.get("scrape_configs")) and as_maps(held.get("clients")):
            return _promtail(held)
    return None


def glob_covers(pattern: str, path: str) -> bool:
    """Tell whether a pattern of files means a path: `*` and `?` stay within a folder, `**` does not."""
    found = "".join(
        {"**": ".*", "*": "[^/]*", "?": "[^/]"}.get(piece, re.escape(piece))
        for piece in re.split(r"(\*\*|\*|\?)", pattern)
    )
    return re.fullmatch(found, path) is not None


def _sections(text: str) -> Iterator[tuple[str, dict[str, list[str]]]]:
    """Yield the sections of a configuration of Fluent Bit in its own form: names in capitals, keys in lower case."""
    name = ""
    held: dict[str, list[str]] = {}
    for line in text.splitlines():
        if line.lstrip().startswith("#") or not line.strip():
            continue
        if found := _SECTION.fullmatch(line):
            if name:
                yield name, held
            name, held = found[1].upper(), {}
        elif name:
            key, *rest = line.split(None, 1)
            held.setdefault(key.lower(), []).append("".join(rest).strip())
    if name:
        yield name, held


def _of_yaml(pipeline: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, list[str]]]]:
    for part, name in (("inputs", "INPUT"), ("filters", "FILTER"), ("outputs", "OUTPUT")):
        for each in as_maps(pipeline.get(part)):
            yield (
                name,
                {
                    str(key).lower(): [value] if isinstance(value, str) else as_texts(value) or [OTHER]
                    for key, value in each.items()
                },
            )


def _first(section: Mapping[str, list[str]], key: str) -> str:
    return next(iter(section.get(key, ())), "")


def _fluent_bit(sections: list[tuple[str, dict[str, list[str]]]]) -> dict[str, Any]:
    inputs, sinks, filtered = [], [], False
    for number, (name, section) in enumerate(sections):
        kind = _first(section, "name").lower()
        if name == "INPUT" and kind == "tail":
            paths, strange = _paths(_first(section, "path"))
            excludes, hidden = _paths(_first(section, "exclude_path"))
            filtered |= strange or hidden
            inputs.append(_Input(paths, excludes, _first(section, "tag") or f"{kind}.{number}"))
        elif name == "FILTER":
            # The filter for Kubernetes leaves out pods that ask for it, where it is told so.
            leaves = _first(section, "k8s-logging.exclude").lower() in ("on", "true")
            filtered |= kind in _DROPS or leaves
        elif name == "OUTPUT":
            near = _first(section, "host").lower() in NEAR
            matches = _first(section, "match") if "match_regex" not in section else ""
            sinks.append((_sink("stdout" if near else kind), matches))
    reads = [
        [path, " ".join(sorted({sink for sink, match in sinks if fnmatchcase(_tag(each.tag, path), match)}))]
        for each in inputs
        for path in each.paths
    ]
    return _pipeline(reads, [path for each in inputs for path in each.excludes], filtered)


def _tag(tag: str, path: str) -> str:
    """Return the tag that lines of a file get: `*` stands for its path, with dots."""
    return tag.replace("*", path.strip("/").replace("/", "."))


def _vector(held: Mapping[str, Any]) -> dict[str, Any]:
    transforms, sinks = as_map(held, "transforms"), as_map(held, "sinks")
    filtered = any(as_map(transforms, str(name)).get("type") not in _PASSES for name in transforms)
    filtered |= any("abort" in str(as_map(transforms, str(name)).get("source")) for name in transforms)
    reads: list[list[str]] = []
    excludes: list[str] = []
    for name, source in as_map(held, "sources").items():
        kind = source.get("type") if isinstance(source, Mapping) else ""
        if kind == "kubernetes_logs":
            paths: tuple[str, ...] = ("/var/log/pods/**",)
            left = as_texts(source.get("exclude_paths_glob_patterns"))
            # Selectors say which pods are read, and what they leave out is not told here.
            filtered |= any(str(key).startswith("extra_") for key in source)
        elif kind == "file":
            (paths, strange), left = _listed(as_texts(source.get("include"))), as_texts(source.get("exclude"))
            filtered |= strange
        else:
            continue
        hidden, strange = _listed(left)
        filtered, excludes = filtered or strange, [*excludes, *hidden]
        words = {
            _sink(str(as_map(sinks, str(s)).get("type"))) for s in sinks if _fed(str(s), str(name), sinks, transforms)
        }
        reads += [[path, " ".join(sorted(words))] for path in paths]
    return _pipeline(reads, excludes, filtered)


def _fed(sink: str, source: str, sinks: Mapping[str, Any], transforms: Mapping[str, Any]) -> bool:
    """Tell whether what a source reads comes to a sink, through transforms; of routes every branch counts."""
    waiting, seen = as_texts(as_map(sinks, sink).get("inputs")), set()
    while waiting:
        each = waiting.pop()
        if fnmatchcase(source, each):
            return True
        if each not in seen:
            seen.add(each)
            waiting += as_texts(as_map(transforms, each.partition(".")[0]).get("inputs"))
    return False


def _promtail(held: Mapping[str, Any]) -> dict[str, Any]:
    reads, filtered = [], False
    for each in as_maps(held.get("scrape_configs")):
        stages = [stage for stage in as_maps(each.get("pipeline_stages")) if {"drop", "match", "sampling"} & set(stage)]
        rules = as_maps(each.get("relabel_configs"))
        filtered |= bool(stages) or any(rule.get("action") in ("drop", "keep") for rule in rules)
        if as_maps(each.get("kubernetes_sd_configs")):
            reads.append(["/var/log/pods/**", "loki"])
        for target in as_maps(each.get("static_configs")):
            paths, strange = _paths(str(as_map(target, "labels").get("__path__", "")))
            filtered |= strange
            reads += [[path, "loki"] for path in paths]
    return _pipeline(reads, [], filtered)


def _pipeline(reads: list[list[str]], excludes: list[str], filtered: bool) -> dict[str, Any]:
    joined: dict[str, set[str]] = {}
    for path, words in reads:
        joined.setdefault(path, set()).update(words.split())
    return {
        "reads": [[path, " ".join(sorted(words))] for path, words in sorted(joined.items())],
        "excludes": sorted(set(excludes)),
        "filtered": filtered,
    }


def _sink(kind: str) -> str:
    return kind if kind in LOCAL | REMOTE else OTHER


def _paths(written: str) -> tuple[tuple[str, ...], bool]:
    """Return the paths in a text that lists them by commas, and whether something in it is none that is known."""
    return _listed([each.strip() for each in written.split(",") if each.strip()])


def _listed(written: list[str]) -> tuple[tuple[str, ...], bool]:
    known = tuple(each for each in written if _PATH.fullmatch(each))
    return known, len(known) < len(written)
