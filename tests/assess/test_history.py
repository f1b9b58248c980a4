"""One cluster over several moments: since when, until when, and what cannot be known."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import hipaa_kit
from hipaa_kit.assess.history import History
from hipaa_kit.errors import InputError
from hipaa_kit.inventory.registry import BUILDERS, Inventory, inputs_behind, kinds_behind, rests_on_scope
from hipaa_kit.kube import kinds
from hipaa_kit.kube.kinds import Kind
from hipaa_kit.resources import shipped
from hipaa_kit.sources.snapshot import Part, Snapshot
from tests.support import tiny_cluster
from tests.support.backup_series import DAYS, backups, bind_also, nothing, one, take
from tests.support.courses import courses_of, stretch
from tests.support.network import namespace, pod
from tests.support.snapshots import snapshot_of
from tests.support.tiny_cluster import RBAC, Writer

CLINIC = shipped("data") / "clinic"


@pytest.fixture(autouse=True)
def _own_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HIPAA_KIT_KEY_FILE", str(tmp_path.parent / "key"))


def rows(frame: pd.DataFrame, *columns: str) -> list[tuple]:
    return list(frame[list(columns)].itertuples(index=False, name=None))


def about(history: History, table: str, **where: str) -> dict[str, Any]:
    frame = history[table]
    for name, value in where.items():
        frame = frame[frame[name] == value]
    assert len(frame) == 1, frame.to_string()
    return frame.iloc[0].to_dict()


# A series of Velero backups.


def pull(objects: list[dict]) -> None:
    one(objects, "Pod", "db-0")["spec"]["containers"][0]["image"] = "registry.example/app:2"


def recreate(objects: list[dict]) -> None:
    one(objects, "NetworkPolicy", "deny")["metadata"]["uid"] = "another"


def test_backups_of_one_cluster_open_as_one_history(tmp_path: Path) -> None:
    history = backups(tmp_path, nothing, bind_also, pull)
    assert rows(history.history_moments, "moment", "basis", "layout", "same_cluster") == [
        (day, "recorded", "velero", "uid of the cluster") for day in DAYS[:3]
    ]
    bound = about(history, "binding_lives", subject="mallory")
    assert (bound["not_before"], bound["seen_first"], bound["gone_by"]) == (DAYS[0], DAYS[1], "")
    old = about(history, "image_lives", workload="Pod/ehr/db-0", image="registry.example/app:1")
    new = about(history, "image_lives", workload="Pod/ehr/db-0", image="registry.example/app:2")
    assert (old["seen_last"], old["gone_by"], new["not_before"], new["seen_first"]) == (
        DAYS[1], DAYS[2], DAYS[1], DAYS[2],
    )  # fmt: skip
    assert history.object_lives["unknown_at"].eq("").all()


def test_a_policy_that_was_made_anew_lives_twice(tmp_path: Path) -> None:
    history = backups(tmp_path, nothing, recreate, lambda objects: take(objects, "NetworkPolicy", "deny"))
    lives = history.object_lives[history.object_lives["object"] == "NetworkPolicy/ehr/deny"]
    assert rows(lives, "life", "uid", "seen_first", "gone_by", "recreated") == [
        (1, "uid-networkpolicy-ehr-deny", DAYS[0], DAYS[1], False),
        (2, "another", DAYS[1], DAYS[2], True),
    ]
    named = history.lives("network_policies", ["object", "isolates_ingress"])
    assert rows(named, "life", "seen_first", "seen_last", "gone_by") == [(1, DAYS[0], DAYS[1], DAYS[2])]


def test_a_backup_that_failed_in_part_proves_no_absence(tmp_path: Path) -> None:
    gone = lambda objects: take(objects, "NetworkPolicy", "deny")  # noqa: E731
    history = backups(tmp_path, nothing, gone, nothing, phases=["Completed", "PartiallyFailed", "Completed"])
    deny = about(history, "object_lives", object="NetworkPolicy/ehr/deny")
    assert (deny["seen_last"], deny["gone_by"], deny["unknown_at"]) == (DAYS[0], DAYS[2], DAYS[1])
    gaps = history.history_gaps
    assert set(gaps.loc[gaps["kind"] == "NetworkPolicy", "moment"]) == {DAYS[1]}


def test_what_no_backup_holds_is_told(tmp_path: Path) -> None:
    gaps = backups(tmp_path, nothing, nothing).history_gaps
    assert rows(gaps, "moment", "kind", "status") == [(day, "Event", "not_asked") for day in DAYS[:2]]


# The clinic at three moments.


def lists(folder: Path, name: str) -> Any:
    return yaml.load((folder / f"{name}.yaml").read_text(), Loader=yaml.CSafeLoader)


def edit(folder: Path, name: str, change: Callable[[list[dict]], Any]) -> None:
    """Change a list, and in the record of the dump how many objects it has."""
    content = lists(folder, name)
    change(content["items"])
    record = json.loads((folder / "collection.json").read_text())
    for each in record["lists"]:
        if f"{each['resource']}.{each['group']}".rstrip(".") == name:
            each["count"] = len(content["items"])
    (folder / "collection.json").write_text(json.dumps(record))
    (folder / f"{name}.yaml").write_text(yaml.dump(content, Dumper=yaml.CSafeDumper))


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[History]:
    folder = tmp_path_factory.mktemp("clinic")
    for number, day in enumerate(["2026-11-20T02:00:00Z", "2026-11-21T02:00:00Z", "2026-11-22T02:00:00Z"]):
        place = folder / str(number)
        shutil.copytree(CLINIC / "objects", place)
        record = json.loads((place / "collection.json").read_text())
        record["collected_at"] = day
        if number == 1:  # somebody may not list NetworkPolicies on that day
            for each in record["lists"]:
                if each["kind"] == "NetworkPolicy":
                    each |= {"exit_code": 1, "error": "networkpolicies is forbidden", "count": 0}
            (place / "networkpolicies.networking.k8s.io.yaml").unlink()
        (place / "collection.json").write_text(json.dumps(record))
    edit(folder / "0", "networkpolicies.networking.k8s.io", lambda items: items.pop(0))
    edit(folder / "2", "networkpolicies.networking.k8s.io", lambda items: items.pop())
    edit(folder / "1", "pods", lose_a_pod)
    edit(folder / "2", "pods", lose_a_pod)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HIPAA_KIT_KEY_FILE", str(folder / "key"))
        yield hipaa_kit.open_history([folder / name for name in "201"])


def lose_a_pod(items: list[dict]) -> None:
    pod = next(each for each in items if each["metadata"]["name"].startswith("ehr-api-"))
    pod["metadata"] |= {"name": "ehr-api-new", "uid": "new", "creationTimestamp": "2026-11-20T12:00:00Z"}
    for each in pod["status"]["conditions"]:
        each["lastTransitionTime"] = "2026-11-20T12:00:30Z"


def test_a_refused_day_widens_since_when_a_policy_was_there(clinic: History) -> None:
    items = lists(CLINIC / "objects", "networkpolicies.networking.k8s.io")["items"]
    names = [f"NetworkPolicy/{each['metadata']['namespace']}/{each['metadata']['name']}" for each in items]
    first, last = (about(clinic, "object_lives", object=names[position]) for position in (0, -1))
    days = list(clinic.history_moments["moment"])
    assert (first["not_before"], first["seen_first"], first["unknown_at"]) == (days[0], days[2], days[1])
    assert (last["seen_last"], last["gone_by"], last["unknown_at"]) == (days[0], days[2], days[1])
    middle = about(clinic, "object_lives", object=names[1])
    assert (middle["seen_first"], middle["unbroken_since"], middle["unknown_at"]) == (days[0], days[0], days[1])


def test_the_pod_that_took_the_place_of_one_of_the_clinic_is_found(clinic: History) -> None:
    row = about(clinic, "replacements", replacement="Pod/ehr/ehr-api-new")
    assert (row["how"], row["workload"], row["ready_at"]) == (
        "vanished", "Deployment/ehr/ehr-api", "2026-11-20T12:00:30Z",
    )  # fmt: skip
    assert row["replaced_by"].startswith("ReplicaSet/ehr/ehr-api-")
    assert row["reason"] == "nothing tells when it failed"


def test_restarts_of_the_clinic_are_those_that_its_pods_tell(clinic: History) -> None:
    told = {
        (f"Pod/{pod['metadata']['namespace']}/{pod['metadata']['name']}", status["name"], status["restartCount"])
        for pod in lists(CLINIC / "objects", "pods")["items"]
        for status in pod["status"].get("containerStatuses", ())
        if status["restartCount"] and status.get("lastState", {}).get("terminated")
    }
    found = clinic.replacements[clinic.replacements["how"] == "restarted"]
    assert {(pod.replace("ehr-api-new", "x"), c, n) for pod, c, n in rows(found, "pod", "container", "restarts")} == {
        (pod, c, n) for pod, c, n in told
    }


def test_isolation_of_the_clinic_changes_with_its_policies_and_not_with_a_refusal(clinic: History) -> None:
    first, second, third = clinic.history_moments["moment"]
    trend = clinic.isolation_trend.set_index(["moment", "direction"])
    for name in ("isolated", "open"):  # what stays is ruled by Cilium's own kinds, or on the network of nodes
        assert 0 < trend.loc[(second, "ingress"), name] < trend.loc[(first, "ingress"), name]
    assert trend["complete"].all()
    pods = trend[["isolated", "intended", "open", "unknown"]].sum(axis=1)
    assert pods.nunique() == 1
    changes = clinic.isolation_changes
    assert set(changes[changes["moment"] == second]["after"]) == {"unknown"}
    assert set(changes[changes["moment"] == third]["before"]) == {"unknown"}
    assert set(changes["moment"]) == {second, third}
    assert first not in set(changes["moment"])


def test_a_workload_that_loses_its_policy_is_named_with_it() -> None:
    """One policy gone, one come, one pod gone, and one that could not be looked for."""
    deny = ["networking.k8s.io/v1", "NetworkPolicy", {"podSelector": {}, "policyTypes": ["Ingress"]}]

    def policy(name: str) -> dict[str, Any]:
        space, _, own = name.partition("/")
        return {"apiVersion": deny[0], "kind": deny[1], "metadata": {"name": own, "namespace": space}, "spec": deny[2]}

    days = [
        [pod("a/x"), pod("b/y"), pod("c/z"), policy("a/deny")],
        [pod("a/x"), pod("b/y"), policy("b/deny"), policy("b/other")],
        [pod("a/x"), policy("b/deny"), policy("b/other")],
    ]
    refused = {2: {("", "Pod", "b"): "refused"}}
    spaces = [namespace(name) for name in "abc"]
    taken = [
        snapshot_of([*spaces, *objects], overrides=refused.get(at), collected_at=f"2026-11-2{at}T02:00:00Z")
        for at, objects in enumerate(days)
    ]
    changes = hipaa_kit.open_history(taken).isolation_changes
    into = changes[changes["direction"] == "ingress"]
    columns = ["moment", "workload", "before", "after", "policies_before", "policies_after"]
    assert rows(into, *columns) == [
        ("2026-11-21T02:00:00Z", "Pod/a/x", "intended", "open", "NetworkPolicy/a/deny", ""),
        ("2026-11-21T02:00:00Z", "Pod/b/y", "open", "intended", "", "NetworkPolicy/b/deny NetworkPolicy/b/other"),
        ("2026-11-21T02:00:00Z", "Pod/c/z", "open", "", "", ""),
        ("2026-11-22T02:00:00Z", "Pod/b/y", "intended", "unknown", "", ""),
    ]


def test_how_far_ephi_can_be_reached_from_has_lives(clinic: History) -> None:
    """The trend of HK-NET-12: the number of one moment, since when it has been so."""
    scoped = History(clinic.series, hipaa_kit.load_scope(CLINIC / "scope.yaml"))
    lives = scoped.lives("blast_radius", ["workload", "hops", "workloads"])
    held = lives[(lives["workload"] == "StatefulSet/ehr/ehr-db") & (lives["hops"] == 1)]
    assert len(held) >= 1
    assert held["workloads"].gt(0).all()


@pytest.mark.parametrize("table", sorted(["services", "service_ports", "policy_pods", "failure_points", "role_rules"]))
def test_any_table_made_from_objects_has_lives(clinic: History, table: str) -> None:
    history = (
        clinic if not rests_on_scope(table) else History(clinic.series, hipaa_kit.load_scope(CLINIC / "scope.yaml"))
    )
    lives = history.lives(table)
    assert list(lives.columns[: len(BUILDERS[table].table.key)]) == list(BUILDERS[table].table.key)
    assert len(lives)


@pytest.mark.parametrize(
    ("table", "keys", "words"),
    [
        ("nonsense", [], "no table 'nonsense'"),
        ("pods", ["colour"], "no column 'colour'"),
        ("coverage", [], "not made from objects alone"),
        ("vendors", [], "no table 'vendors' made from objects"),
        ("ephi_objects", [], "without an ePHI scope"),
    ],
)
def test_what_has_no_lives_is_refused(clinic: History, table: str, keys: list[str], words: str) -> None:
    with pytest.raises(InputError, match=words):
        clinic.lives(table, keys)


# Laws.


def cut(snapshot: Snapshot, kind: Kind, keep: Callable[[int], bool]) -> Snapshot:
    """Return a snapshot without some of the objects of a kind."""
    part = snapshot.parts[kind.group, kind.kind]
    kept = [record for number, record in enumerate(part.load()) if keep(number)]
    parts = {**snapshot.parts, (kind.group, kind.kind): Part.of(kind.group, kind.kind, kept)}
    return Snapshot(**{**{name: getattr(snapshot, name) for name in Snapshot.__dataclass_fields__}, "parts": parts})


def test_a_table_with_one_kind_behind_it_is_made_record_by_record(clinic: History) -> None:
    """What lets a row count where the list of its kind was cut short."""
    snapshot = clinic.series.moments[0].open()
    single = [name for name in BUILDERS if len(kinds_behind(name)) == 1 and not inputs_behind(name)]
    assert len(single) > 8
    for name in single:
        (kind,) = kinds_behind(name)
        if rests_on_scope(name) or (kind.group, kind.kind) not in snapshot.parts:
            continue
        halves = [Inventory(cut(snapshot, kind, lambda n, odd=odd: n % 2 == odd))[name] for odd in (0, 1)]
        both = pd.concat(halves, ignore_index=True)
        whole = Inventory(snapshot)[name]
        table = BUILDERS[name].table
        pd.testing.assert_frame_equal(table.conform(both), whole)


NAMES = ("a", "b")
OWNED = [(kinds.POD, "Pod"), (kinds.REPLICA_SET, "ReplicaSet"), (kinds.DEPLOYMENT, "Deployment")]
HIDDEN = (*(kind for kind, _ in OWNED), kinds.NETWORK_POLICY, kinds.ROLE_BINDING, kinds.ROLE)


@st.composite
def clusters(draw: st.DrawFn) -> list[list[dict]]:
    """Draw the objects of some moments: a few names, each there or not, and made anew or not."""
    uids: dict[tuple[str, str], int] = {}
    return [_cluster(draw, uids) for _ in range(draw(st.integers(2, 4)))]


def _cluster(draw: st.DrawFn, uids: dict[tuple[str, str], int]) -> list[dict]:
    objects: list[dict] = []

    def put(version: str, kind: str, name: str, owner: str = "", **content: Any) -> None:
        here = draw(st.booleans())
        # What was away comes back as another one; what stayed may have been made anew.
        uids[kind, name] = uids.get((kind, name), 0) + (draw(st.booleans()) if here else 1)
        if here:
            metadata: dict[str, Any] = {
                "name": name,
                "namespace": "n",
                "uid": f"{'uvwxyz'[uids[kind, name]]}{kind}{name}",
            }
            if owner and draw(st.booleans()):
                above, _, named = owner.partition("/")
                reference = {"apiVersion": "apps/v1", "kind": above, "name": named, "controller": True}
                metadata["ownerReferences"] = [reference]
            objects.append({"apiVersion": version, "kind": kind, "metadata": metadata, **content})

    for name in NAMES:
        image = {"spec": {"containers": [{"name": "c", "image": draw(st.sampled_from(["i:1", "i:2"]))}]}}
        put("apps/v1", "Deployment", name, spec={"template": image})
        put("apps/v1", "ReplicaSet", name, f"Deployment/{name}", spec={"template": image})
        put("v1", "Pod", name, f"ReplicaSet/{name}", **image)
        put("networking.k8s.io/v1", "NetworkPolicy", name, spec={"podSelector": {}})
        put(f"{RBAC}/v1", "Role", name, rules=[])
        subjects = [{"kind": "User", "name": user} for user in sorted(draw(st.sets(st.sampled_from("xy"))))]
        role = {"kind": "Role", "name": draw(st.sampled_from(NAMES))}
        put(f"{RBAC}/v1", "RoleBinding", name, roleRef=role, subjects=subjects)
    return objects


QUICK = (Phase.explicit, Phase.reuse, Phase.generate)

TABLES = [
    ("object_lives", ()),
    ("image_lives", ()),
    ("binding_lives", ()),
    ("network_policies", ()),
    ("role_bindings", ("object", "role")),
    ("pods", ("object", "workload")),
    ("policy_pods", ()),
]


def answers(history: History, table: str, keys: Sequence[str]) -> list[dict[str, Any]]:
    frame = history[table] if table in history else history.lives(table, keys)
    return frame.to_dict("records")


INTERVAL = ("life", "not_before", "seen_first", "unbroken_since", "seen_last", "gone_by", "unknown_at")


def widened(less: dict[str, Any], known: dict[str, Any]) -> bool:
    return (
        less["not_before"] <= known["not_before"]
        and (less["unbroken_since"] >= known["unbroken_since"] or known["seen_last"] > less["seen_last"])
        and (not less["gone_by"] or (known["gone_by"] != "" and less["gone_by"] >= known["gone_by"]))
    )


@settings(max_examples=30, deadline=None, phases=QUICK)
@given(clusters(), st.sampled_from(HIDDEN), st.integers(0, 3), st.sampled_from(["refused", "partial"]))
def test_reading_less_never_makes_anything_more_certain(
    moments: list[list[dict]], kind: Kind, hidden: int, status: str
) -> None:
    snapshots = [snapshot_of(objects, collected_at=day) for objects, day in zip(moments, DAYS, strict=False)]
    number = hidden % len(snapshots)
    less = list(snapshots)
    less[number] = snapshots[number].without(kind, status=status, error="less was read")
    all_read, less_read = hipaa_kit.open_history(snapshots), hipaa_kit.open_history(less)
    for table, keys in TABLES:
        known = answers(all_read, table, keys)
        for row in answers(less_read, table, keys):
            if row.get("uid") == "":  # a life of the name alone: tests/inventory/test_lives.py
                continue
            same = [
                each
                for each in known
                if all(each[name] == row[name] for name in row if name not in (*INTERVAL, "recreated", "created_at"))
                and each["seen_first"] <= row["seen_last"] <= each["seen_last"]
            ]
            assert len(same) == 1, (table, row, known)
            assert widened(row, same[0]), (table, row, same[0])


@settings(max_examples=30, deadline=None, phases=QUICK)
@given(
    clusters(),
    st.lists(st.sets(st.sampled_from(["NetworkPolicy", "RoleBinding", "Pod"])), min_size=4, max_size=4),
)
def test_object_lives_are_those_that_all_courses_of_things_share(
    moments: list[list[dict]], cut: list[set[str]]
) -> None:
    """Nothing of the kit is asked but its answer: who was there is counted from the objects themselves."""
    groups = {"NetworkPolicy": "networking.k8s.io", "RoleBinding": RBAC, "Pod": ""}
    snapshots = [
        snapshot_of(objects, overrides={(groups[kind], kind, ""): "partial" for kind in gone}, collected_at=day)
        for objects, gone, day in zip(moments, cut, DAYS, strict=False)
    ]
    found = answers(hipaa_kit.open_history(snapshots), "object_lives", ())
    for kind in groups:
        for name in NAMES:
            said = ""
            for objects, gone in zip(moments, cut, strict=False):
                here = [each["metadata"]["uid"] for each in objects
                        if (each["kind"], each["metadata"]["name"]) == (kind, name)]  # fmt: skip
                said += here[0][0] if here else "?" if kind in gone else "."
            courses = list(courses_of(said, decisive=True))
            lives = [each for each in found if each["object"] == f"{kind}/n/{name}"]
            assert {each["uid"][0] for each in lives} == set(said) - {".", "?"}
            for life in lives:
                bounds = [stretch(course, DAYS.index(life["seen_last"])) for course in courses]
                earliest = DAYS.index(life["not_before"]) + 1 if life["not_before"] else 0
                latest = DAYS.index(life["gone_by"]) - 1 if life["gone_by"] else len(said) - 1
                assert min(first for first, _ in bounds) == earliest
                assert max(first for first, _ in bounds) == DAYS.index(life["unbroken_since"])
                assert max(last for _, last in bounds) == latest


def test_sonobuoy_results_of_two_clusters_are_refused(tmp_path: Path) -> None:
    for name in ("one", "two"):
        objects = json.loads(json.dumps(tiny_cluster.OBJECTS).replace('"uid-', f'"{name}-'))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(tiny_cluster, "OBJECTS", objects)
            tiny_cluster.sonobuoy(Writer(tmp_path / name))
    with pytest.raises(InputError, match="is of another cluster"):
        hipaa_kit.open_history([tmp_path / "one", tmp_path / "two"])
