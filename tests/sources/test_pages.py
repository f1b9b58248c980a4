"""Pods that are read by the page are byte for byte those that are read one by one."""

from __future__ import annotations

import copy
import io
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hipaa_kit.sources import documents, molds
from hipaa_kit.sources.builder import SnapshotBuilder
from hipaa_kit.sources.documents import pages as pages_module
from hipaa_kit.sources.dump import import_dump
from hipaa_kit.sources.limits import DEFAULT_LIMITS
from hipaa_kit.sources.pseudonyms import Pseudonymizer
from hipaa_kit.sources.redaction import shapes
from hipaa_kit.sources.redaction.molded import Understood
from hipaa_kit.sources.redaction.pages import PLAIN, PageRedactor
from hipaa_kit.sources.redaction.pieces import NotUnderstoodError, load_piece
from hipaa_kit.sources.redaction.texts import is_clean
from hipaa_kit.sources.snapshot import Snapshot
from hipaa_kit.sources.transport import json_content
from tests.support.snapshots import TEST_KEY

STARTED = "2026-11-20T02:00:05Z"
TOKEN = "kube-api-access-x7k2p"


def container(name: str, **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "image": f"example/{name}:1",
        "command": ["sh", "-c", "exec /bin/app --token=abc"],
        "args": ["--listen=:8080", "--password", "hunter2"],
        "env": [
            {"name": "DB_PASSWORD", "value": "hunter2hunter2"},
            {"name": "LOG_LEVEL", "value": "info"},
            {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}},
        ],
        "livenessProbe": {"exec": {"command": ["pg_isready", "-U", "app"]}, "timeoutSeconds": 1},
        "volumeMounts": [{"name": TOKEN, "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"}],
        **more,
    }


def status(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "image": f"example/{name}:1",
        "imageID": f"example/{name}@sha256:{'a' * 64}",
        "containerID": f"containerd://{'0f' * 32}",
        "ready": True,
        "restartCount": 2,
        "state": {"running": {"startedAt": STARTED}},
        "lastState": {"terminated": {"exitCode": 1, "reason": "Error", "finishedAt": STARTED, "message": "password=x"}},
        "volumeMounts": [{"name": TOKEN, "mountPath": "/var/run", "readOnly": True}],
    }


POD: dict[str, Any] = {
    "metadata": {
        "name": "app-5d9f-x7k2p",
        "generateName": "app-5d9f-",
        "namespace": "ehr",
        "uid": "2a962828-a4a6-4550-bc50-fbcb48ae2c3d",
        "resourceVersion": "31723624",
        "creationTimestamp": "2026-11-20T02:00:00Z",
        "labels": {"app": "app", "patient": "John Doe"},
        "annotations": {"prometheus.io/scrape": "true", "note": "call John Doe"},
        "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "app-5d9f", "controller": True}],
        "managedFields": [
            {"manager": "kubelet", "operation": "Update", "time": STARTED, "subresource": "status", "fieldsV1": {}}
        ],
    },
    "spec": {
        "containers": [container("app"), container("proxy")],
        "initContainers": [container("migrate")],
        "nodeName": "worker-1.example",
        "hostname": "app-0",
        "affinity": {"nodeAffinity": {"required": {"matchFields": [{"key": "metadata.name", "operator": "In"}]}}},
        "serviceAccountName": "app",
        "volumes": [
            {"name": TOKEN, "projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}},
            {"name": "data", "persistentVolumeClaim": {"claimName": "data-app-0"}},
        ],
    },
    "status": {
        "phase": "Running",
        "hostIP": "10.0.0.1",
        "podIPs": [{"ip": "10.244.0.1"}, {"ip": "fd00::1"}],
        "conditions": [
            {"type": "Ready", "status": "True", "lastProbeTime": None, "lastTransitionTime": STARTED, "message": "m"}
        ],
        "containerStatuses": [status("app"), status("proxy")],
        "initContainerStatuses": [status("migrate")],
        "qosClass": "BestEffort",
    },
}


def paths(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at, *(path for key, each in inner for path in paths(each, (*at, key)))]


HOSTILE = [
    *(None, True, 0, -0.0, 1e22, 12345678901234567890, "", "true", "12", "5m", "on", "ä", "\u2028", "\x7f", "a\nb"),
    *("mrn-1234567", "123-45-6789", "AKIAABCDEFGHIJKLMNOP", "postgres://a:b@c/d", "/x?token=1", "hk-0123456789abcdef"),
    *(TOKEN, "kube-api-access-00000", "nodeName of the pod", "worker-1.example", "kube-proxy", "removed", "a" * 300),
    *({}, [], [None], {"name": "x"}, [{"name": "y", "value": "z"}], {TOKEN: TOKEN}, "<b>", "\\u003c", '"', "p=q"),
]
KEYS = ["message", "name", "value", "env", "data", "extra", "labels", "kind", "apiVersion", "managedFields", TOKEN]
changes = st.lists(
    st.tuples(
        st.sampled_from(paths(POD)[1:]),
        st.sampled_from(["put", "put", "remove", "add", "double"]),
        st.one_of(st.sampled_from(HOSTILE), st.text(max_size=12)),
        st.sampled_from(KEYS),
    ),
    max_size=4,
)


def changed(pod: dict[str, Any], what: list[tuple[Any, str, Any, str]]) -> dict[str, Any]:
    pod = copy.deepcopy(pod)
    for path, how, value, key in what:
        holder: Any = pod
        try:
            for step in path[:-1]:
                holder = holder[step]
            if how == "put":
                holder[path[-1]] = copy.deepcopy(value)
            elif how == "remove":
                del holder[path[-1]]
            elif how == "double" and isinstance(holder, list):
                holder.append(copy.deepcopy(holder[path[-1]]))
            elif isinstance(holder[path[-1]], dict):
                holder[path[-1]][key] = copy.deepcopy(value)
        except (KeyError, IndexError, TypeError):
            continue
    return pod


def written(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")


def item(raw: bytes) -> dict[str, Any]:
    """Return an object as the reader of single items gives it."""
    [document] = [each for each in documents.json_item(raw, "", {}, DEFAULT_LIMITS) if hasattr(each, "content")]
    return {"apiVersion": "v1", "kind": "Pod", **document.content}


def one_by_one(objects: list[dict[str, Any]]) -> Snapshot:
    builder = SnapshotBuilder("live", Pseudonymizer(TEST_KEY))
    for number, obj in enumerate(objects):
        builder.add(item(written(obj)), "pods", f"/items/{number}", "default")
    return builder.build()


def by_page(objects: list[dict[str, Any]]) -> tuple[Snapshot, list[bool]]:
    builder = SnapshotBuilder("live", Pseudonymizer(TEST_KEY))
    understood = []
    for number, each in enumerate(builder.add_page(written(objects), "pods", 0, "default", kind=("v1", "Pod"))):
        understood.append(isinstance(each, Understood))
        if isinstance(each, bytes):
            builder.add(item(each), "pods", f"/items/{number}", "default")
    return builder.build(), understood


def by_mold(objects: list[dict[str, Any]], plain: list[dict[str, Any]] | None = None) -> tuple[Snapshot, int]:
    """Return a snapshot of pods that come after two plain ones of their owner, and how many fitted their mold."""
    builder = SnapshotBuilder("live", Pseudonymizer(TEST_KEY))
    first, second = plain or PLAIN_PODS
    for number, page in enumerate([[first], [second], objects]):
        for position, each in enumerate(builder.add_page(written(page), "pods", number, "default", kind=("v1", "Pod"))):
            if isinstance(each, bytes):
                builder.add(item(each), "pods", f"/items/{number + position}", "default")
    fitting = sum(mold.uses for mold in builder._pages._molds.book)
    return builder.build(), fitting


def said(snapshot: Snapshot) -> tuple[Any, ...]:
    lines = {key: list(part.lines()) for key, part in snapshot.parts.items()}
    return lines, snapshot.redactions, snapshot.conflicts.to_csv(), snapshot.coverage.to_csv(), snapshot.digest


PLAIN_PODS = [changed(POD, [(("metadata", "name"), "put", f"app-{name}", "")]) for name in "ab"]

OWN_WORDS = {
    ("metadata", "name"): "app-5d9f-q8w7z",
    ("metadata", "namespace"): "lab",
    ("metadata", "uid"): "00000000-a4a6-4550-bc50-fbcb48ae2c3d",
    ("metadata", "resourceVersion"): "7",
    ("metadata", "annotations"): {"note": "call Jane Doe"},
    ("metadata", "managedFields", 0, "time"): "2026-11-21T02:00:05Z",
    ("spec", "nodeName"): "worker-12.example",
    ("spec", "volumes", 1): {"name": "data", "persistentVolumeClaim": {"claimName": "data-app-5d9f-q8w7z"}},
    ("status", "hostIP"): "10.0.0.255",
    ("status", "podIPs", 1, "ip"): "fd00::1234",
    ("status", "conditions", 0, "lastTransitionTime"): "2026-11-21T02:00:05Z",
    ("status", "containerStatuses", 1, "containerID"): f"containerd://{'7a' * 32}",
    ("status", "containerStatuses", 0, "lastState", "terminated", "finishedAt"): "2026-11-21T02:00:05Z",
}


@pytest.mark.parametrize("path", OWN_WORDS)
def test_pods_that_differ_in_their_own_words_fit_the_mold_of_their_workload(path: tuple[Any, ...]) -> None:
    pods = [changed(POD, [(path, "put", OWN_WORDS[path], "")])]
    snapshot, fitting = by_mold(pods)
    assert fitting == 1
    assert said(snapshot) == said(one_by_one([*PLAIN_PODS, *pods]))


def test_words_of_many_lengths_fit_one_mold() -> None:
    pods = [
        changed(POD, [(("metadata", "name"), "put", "a" * n, ""), (("spec", "nodeName"), "put", "w" * (60 - n), "")])
        for n in (*range(1, 50), *range(1, 50))
    ]
    snapshot, fitting = by_mold(pods)
    assert fitting == len(pods)
    assert said(snapshot) == said(one_by_one([*PLAIN_PODS, *pods]))


def test_a_mold_is_made_of_the_first_pod_where_the_page_has_more_of_its_owner() -> None:
    pods = [changed(POD, [(("metadata", "name"), "put", f"app-{n}", "")]) for n in range(4)]
    alone = changed(
        pods[0], [(("metadata", "name"), "put", "alone", ""), (("metadata", "ownerReferences"), "remove", 0, "")]
    )
    builder = SnapshotBuilder("live", Pseudonymizer(TEST_KEY))
    assert all(
        isinstance(each, Understood) for each in builder.add_page(written([alone, *pods]), "pods", kind=("v1", "Pod"))
    )
    assert [mold.uses for mold in builder._pages._molds.book] == [3]
    assert said(builder.build()) == said(one_by_one([alone, *pods]))


def test_a_pod_with_a_token_of_its_own_fits_the_mold_and_one_with_two_does_not() -> None:
    text = json.dumps(POD)
    pods = [
        json.loads(text.replace(TOKEN, "kube-api-access-aaaaa")),
        json.loads(text.replace(TOKEN, TOKEN[:-1] + "q", 1)),
    ]
    assert said(by_mold(pods)[0]) == said(one_by_one([*PLAIN_PODS, *pods]))
    assert [by_mold([pod])[1] for pod in pods] == [1, 0]


def pinned(name: str, word: str) -> dict[str, Any]:
    """Return a pod in which a word stands wherever a pod of a DaemonSet or StatefulSet has a name of its own."""
    terms = {"nodeSelectorTerms": [{"matchFields": [{"key": "metadata.name", "operator": "In", "values": [word]}]}]}
    pod = changed(POD, [(("metadata", "name"), "put", name, "")])
    pod["metadata"]["labels"] = {"app": "x", **dict.fromkeys(shapes.ORDINALS, word)}
    pod["spec"] |= {"nodeName": word, "hostname": word}
    pod["spec"]["affinity"] = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}}
    pod["spec"]["volumes"][1]["persistentVolumeClaim"]["claimName"] = word
    return pod


def test_whatever_word_a_pod_has_of_its_own_passes_a_mold_as_it_passes_alone() -> None:
    words = [
        "true",
        "on",
        "null",
        "12",
        "5m",
        "0",
        "1e3",
        "10.0.0.1",
        ".",
        "-",
        "-x",
        "a",
        "removed",
        "a" * 253,
        "0x1f",
    ]
    words += [
        "kube-proxy",
        "hk-0123456789abcdef",
        "mrn-1234567",
        "123-45-6789",
        "2026-11-20",
        "password",
        "e3b0c44298fc1c14",
    ]
    plain = [pinned("app-a", "worker-1"), pinned("app-b", "worker-2")]
    pods = [pinned(f"app-{number}", word) for number, word in enumerate(words)]
    snapshot, fitting = by_mold(pods, plain)
    assert fitting == len(words) - 2
    assert said(snapshot) == said(one_by_one([*plain, *pods]))


@settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))
@given(st.lists(changes, min_size=1, max_size=4))
def test_what_fits_a_mold_gives_what_it_gives_alone(what: list[Any]) -> None:
    objects = [changed(POD, each) for each in what]
    assert said(by_mold(objects)[0]) == said(one_by_one([*PLAIN_PODS, *objects]))


@pytest.mark.parametrize("part", ["metadata", "spec", "status"])
def test_any_hostile_word_gives_the_same_in_a_mold(part: str) -> None:
    objects = [
        changed(POD, [(("metadata", "name"), "put", f"app-{number}-{which}", ""), (path, "put", value, "")])
        for number, path in enumerate(paths(POD[part]))
        for which, value in enumerate(HOSTILE)
        for path in [(part, *path)]
    ]
    snapshot, fitting = by_mold(objects)
    assert fitting > 50
    assert said(snapshot) == said(one_by_one([*PLAIN_PODS, *objects]))


@settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))
@given(st.lists(changes, min_size=1, max_size=4))
def test_a_page_gives_what_its_objects_give_one_by_one(what: list[Any]) -> None:
    objects = [POD, *(changed(POD, each) for each in what)]
    assert said(by_page(objects)[0]) == said(one_by_one(objects))


@pytest.mark.parametrize("part", ["metadata", "spec", "status"])
def test_any_field_of_a_hostile_value_gives_the_same_either_way(part: str) -> None:
    objects = [
        changed(POD, [(("metadata", "name"), "put", f"app-{number}-{which}", ""), (path, "put", value, "")])
        for number, path in enumerate(paths(POD[part]))
        for which, value in enumerate(HOSTILE)
        for path in [(part, *path)]
    ]
    assert said(by_page(objects)[0]) == said(one_by_one(objects))


@pytest.mark.parametrize(
    ("shape", "model"),
    [
        (shapes.METADATA, "V1ObjectMeta"),
        (shapes.WRITER, "V1ManagedFieldsEntry"),
        (shapes.POD_SPEC, "V1PodSpec"),
        (shapes.POD_STATUS, "V1PodStatus"),
        (shapes.CONDITION, "V1PodCondition"),
        (shapes.CONTAINER_STATUS, "V1ContainerStatus"),
        (shapes.TERMINATED, "V1ContainerStateTerminated"),
    ],
)
def test_shapes_name_every_field_of_the_api(shape: Any, model: str) -> None:
    from kubernetes import client

    assert set(getattr(client, model).attribute_map.values()) <= set(shape.__struct_fields__)


def test_plain_pods_are_understood() -> None:
    assert by_page([POD, changed(POD, [(("metadata", "name"), "put", "other-1", "")])])[1] == [True, True]


def test_one_that_is_not_understood_leaves_the_others_to_the_page() -> None:
    odd = changed(POD, [(("spec",), "add", 1, "extra"), (("metadata", "name"), "put", "odd", "")])
    unclean = changed(POD, [(("metadata", "name"), "put", "mrn-1234567", "")])
    assert by_page([POD, odd, unclean, POD])[1] == [True, False, False, True]


@pytest.mark.parametrize(
    "text",
    [
        '[{"metadata":{"name":"a","namespace":"b","name":"c"},"spec":{},"status":{}}]',
        '[{"metadata":{"name":"a","namespace":"b"},"spec":{},"spec":{},"status":{}}]',
        '[{"metadata":{"name":"a","namespace":"b","labels":{"x":"1","x":"2"}},"spec":{},"status":{}}]',
        '[{"metadata":{"name":"a","namespace":"b"},"spec":{},"status":{"phase":1}}]',
        '[{"metadata":{"name":"a","namespace":"b"},"spec":{},"status":{"observedGeneration":1e2}}]',
        '[{"metadata":{"name":"a","namespace":"b"},"spec":null,"status":{}}]',
    ],
)
def test_what_is_said_twice_or_otherwise_is_not_understood(text: str) -> None:
    assert PageRedactor(Pseudonymizer(TEST_KEY)).read(text.encode(), bare=True) == [text[1:-1].encode()]


def test_bytes_that_are_not_text_are_not_understood() -> None:
    raw = json.dumps([POD]).replace(" ", "").encode().replace(b"John", b"J\xffhn")
    assert PageRedactor(Pseudonymizer(TEST_KEY)).read(raw, bare=True) == [raw[1:-1]]


@given(st.sampled_from([molds.NAME, molds.ADDRESS]), st.text("abcdefmnr0123456789.-:", min_size=1))
def test_a_word_that_a_mold_takes_holds_nothing(kind: str, word: str) -> None:
    assert not molds.are_plain({kind: [word.encode()]}) or is_clean(word)


@given(st.from_regex(PLAIN, fullmatch=True))
def test_a_plain_word_holds_nothing(word: str) -> None:
    assert is_clean(word)


def write(form: str, objects: list[dict[str, Any]]) -> str:
    named = [{"apiVersion": "v1", "kind": "Pod", **obj} for obj in objects]
    if form == "kubectl":
        return json.dumps({"apiVersion": "v1", "items": named, "kind": "List"}, indent=4)
    if form == "server":
        head = {"kind": "PodList", "apiVersion": "v1", "metadata": {"resourceVersion": "7"}}
        return json.dumps({**head, "items": objects}, separators=(",", ":")) + "\n"
    two = json.dumps({"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": objects}, indent=1)
    return two + "\n" + json.dumps({"kind": "List", "apiVersion": "v1", "items": named[:2]})


@pytest.fixture
def many() -> list[dict[str, Any]]:
    odd: list[dict[str, Any]] = [{"spec": {"list": [{"metadata": {"a": 1}}, {"metadata": {"b": "},{"}}]}}, 5, None]  # type: ignore[list-item]
    named = [changed(POD, [(("metadata", "name"), "put", f"app-{n}", "")]) for n in range(30)]
    named[7]["metadata"]["annotations"]["x"] = '},{"metadata":{"name":"a"'
    named[11]["spec"]["containers"].append({"metadata": [{"metadata": {}}, {"metadata": {}}]})
    named[13]["metadata"]["labels"]["half"] = "\ud800"
    named[15]["spec"]["priority"] = 10**30
    named[16]["spec"]["overhead"] = {"cpu": float("inf")}
    named[17]["spec"]["affinity"] = nested(300)
    named[18]["metadata"]["namespace"] = "a/b"
    return named[:20] + odd[:1] + named[20:]


def nested(levels: int) -> dict[str, Any]:
    return {"below": nested(levels - 1)} if levels else {}


@pytest.mark.parametrize("form", ["kubectl", "server", "two lists"])
@pytest.mark.parametrize("size", [700, 9_000, 40_000])
def test_a_file_read_by_the_page_gives_the_same_snapshot(
    form: str, size: int, many: list[dict[str, Any]], tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "pods.json"
    file.write_text(write(form, many), encoding="utf-8")
    monkeypatch.setattr(pages_module, "PAGE_BYTES", size)
    paged = import_dump(file, pseudonymizer=Pseudonymizer(TEST_KEY))
    with file.open("rb") as opened:
        assert sum(1 for _ in pages_module.Pages(opened, DEFAULT_LIMITS)) > 0
    monkeypatch.setattr(pages_module, "LEAST_OBJECT_BYTES", 2**60)
    single = import_dump(file, pseudonymizer=Pseudonymizer(TEST_KEY))
    assert said(paged) == said(single)
    assert paged.unreadable.to_csv() == single.unreadable.to_csv()


@pytest.mark.parametrize("cut", [0.2, 0.5, 0.97, 0.999])
@pytest.mark.parametrize("damage", [b"", b"\xff", b"NaN", b'"x":1,"x":2,', b"}"])
def test_a_broken_list_keeps_what_stands_before_and_tells_the_same(
    cut: float, damage: bytes, many: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = write("server", many).encode()
    at = int(len(raw) * cut)
    raw = raw[:at] + damage + (raw[at:] if damage else b"")
    monkeypatch.setattr(pages_module, "PAGE_BYTES", 20_000)

    def positions(by_page: bool) -> list[tuple[str, str]]:
        found = []
        for piece in documents.read_pieces(lambda: io.BytesIO(raw), by_page=by_page):
            if isinstance(piece, documents.Page):
                numbers = range(piece.first, piece.first + len(json.loads(piece.text)))
                found += [("Document", f"/items/{number}") for number in numbers]
            else:
                found.append((type(piece).__name__, piece.position))
        return found

    assert [each for each in positions(True) if each[0] != "Unreadable" or each[1]] == [
        each for each in positions(False) if each[0] != "Unreadable" or each[1]
    ]


NUMBERS = ["0", "-0", "-0.0", "1.0", "1E5", "1e22", "1e999", "9223372036854775807", "9223372036854775808", "9" * 5000]


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("form", ['{{"a":{}}}', "[{}]", '{{"b":"\\u00e9","a":{}}}', '{{"a":1,"a":{}}}', '{{"a": {}}}'])
def test_a_piece_is_read_as_the_reader_of_single_items_reads_it(form: str, number: str) -> None:
    raw = form.format(number).encode()
    if raw.count(b'"a"') == 2:
        with pytest.raises(NotUnderstoodError):
            load_piece(raw)
    else:
        assert repr(load_piece(raw)) == repr(json_content(raw))
