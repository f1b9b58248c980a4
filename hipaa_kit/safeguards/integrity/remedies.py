"""What would mend findings of integrity."""

from __future__ import annotations

from typing import Any, Final

from hipaa_kit.safeguards.remedy import (
    Cluster,
    Failing,
    Remedy,
    advise,
    by_hand,
    containers_of,
    containers_patch,
    mend,
    patch,
    remedy,
    run,
)


@remedy("HK-INT-12")
def evidence_from_its_copy(finding: Failing, cluster: Cluster) -> Remedy:
    """Say how a bundle is told from its copy, and taken from it."""
    del cluster
    return advise(
        "take the bundle from where it was copied to",
        f"keep what is there now, as it is: who altered {finding.name}, and when, is to be found out",
        run("hipaa-kit verify COPY-OF-{}", finding.name),
        "hold the digest that this prints against the one that was written down when the run was made; where they are "
        "the same, put the copy in the place of what was altered",
        run("hipaa-kit assess SNAPSHOT-OF-THAT-RUN -o NEW-EVIDENCE"),
        caution="where no copy is intact, a new run on the snapshot of then is evidence of today, not of that day",
        unproved="bundles are files outside the cluster: which copy is the true one its digest tells",
    )


@remedy("HK-INT-01")
def pinned(finding: Failing, cluster: Cluster) -> Remedy | None:
    """Name images by the digest that runs, where all pods run the same."""
    workload = cluster.workload(finding.object)
    if workload is None:
        return None
    digests: dict[str, set[str]] = {}
    for row in (row for pod in cluster.pods(finding.object) for row in cluster.rows("containers", pod=pod["object"])):
        if row["digest"]:
            digests.setdefault(str(row["container"]), set()).add(str(row["digest"]))
    failing = {member.partition("/")[0] for member in finding.members}
    named: dict[str, dict[str, Any]] = {}
    several = []
    for _, container in containers_of(workload):
        name, image = str(container["name"]), str(container.get("image") or "")
        if name not in failing or "@" in image or not image:
            continue
        running = digests.get(name, set())
        if len(running) != 1:
            several.append(f"{name} ({', '.join(sorted(running)) or 'no digest is known'})")
            continue
        named[name] = {"image": f"{image}@{next(iter(running))}"}
    if several:
        return advise(
            "name the image by digest",
            f"decide which image is the right one, and name it by digest: {'; '.join(several)}",
            caution="pods run different images today: find out how that came about before you choose",
            unproved="which of several images is the right one no object says",
        )
    return mend(
        "name the image by the digest that runs",
        [containers_patch(workload, named)],
        "what runs today is kept, good or bad: a new release has to change the digest, and nodes of another "
        "architecture need the digest of the whole index",
    )


@remedy("HK-INT-07")
def read_only(finding: Failing, cluster: Cluster) -> Remedy | None:
    """Let no program change the file system of its container."""
    workload = cluster.workload(finding.object)
    if workload is None:
        return None
    context = {"securityContext": {"readOnlyRootFilesystem": True}}
    return mend(
        "make the root file system read-only",
        [containers_patch(workload, dict.fromkeys(finding.members, context))],
        "a program that writes outside its volumes fails: mount an emptyDir where it does, such as /tmp",
    )


@remedy("HK-INT-11")
def webhook_that_decides(finding: Failing, cluster: Cluster) -> Remedy | None:
    """Refuse what a webhook could not be asked about, where it has somebody who answers."""
    record = cluster.record(finding.object)
    passed_over = [reason for reason in finding.reasons if "is passed over when it does not answer" in reason]
    if record is None or len(passed_over) != len(finding.reasons):
        return None
    hooks = [{"name": name, "failurePolicy": "Fail"} for name in finding.members]
    return mend(
        "refuse what it could not be asked about",
        [patch(record, webhooks=hooks)] if hooks else [],
        "while its Service does not answer, what it guards can neither be made nor changed: run two replicas of it, "
        "and leave its own namespace and kube-system out",
    )


@remedy("HK-INT-04")
def etcd_checks(finding: Failing, cluster: Cluster) -> Remedy:
    """Say which flag lets etcd compare its data."""
    del cluster
    return advise(
        "let etcd compare its data",
        "on every control-plane node, in /etc/kubernetes/manifests/etcd.yaml: add "
        "--feature-gates=InitialCorruptCheck=true (etcd 3.6), or --experimental-initial-corrupt-check=true before, and "
        "--corrupt-check-time=12h with them",
        caution=f"a member whose data differ no longer starts: {finding.name} has to be joined anew then",
        unproved="manifests of the control plane are files of its nodes, where no request to the API changes them",
    )


@remedy("HK-INT-08")
def as_declared(finding: Failing, cluster: Cluster) -> Remedy:
    """Say how what stands in the cluster comes back to what is declared."""
    del cluster
    if finding.kind == "Application":
        return advise(
            "bring it to what is declared",
            run("argocd app diff {}", f"{finding.namespace}/{finding.name}"),
            run("argocd app sync {}", f"{finding.namespace}/{finding.name}"),
            caution="what was changed by hand is lost: take into Git what was meant",
            unproved="what is declared stands in Git, which is not read",
        )
    return advise(
        "bring it to what is declared",
        run(
            "kubectl -n {} get {} {} -o yaml --show-managed-fields",
            *(finding.namespace, finding.kind.lower(), finding.name),
        ),
        "hold it against what is declared, take into Git what was meant, and let the controller apply it again",
        caution="what was changed by hand is lost",
        unproved="what is declared stands in Git, which is not read",
    )


@remedy("HK-INT-10")
def sensors(finding: Failing, cluster: Cluster) -> Remedy:
    """Say how a node comes under watch."""
    del cluster
    return advise(
        "let the sensor run on the node",
        run("kubectl describe node {}", finding.name),
        "let the DaemonSet of the sensor tolerate the taints of the node, and select it",
        caution=_SENSORS,
        unproved="that the sensor is ready on the node shows only when it runs there",
    )


_SENSORS: Final = "a sensor needs memory and processor time of the node"


@remedy("HK-INT-13")
def hands_off(finding: Failing, cluster: Cluster) -> Remedy:
    """Say that who may alter or destroy ePHI is for people to decide."""
    del cluster
    bindings = [name for name in finding.evidence if "Binding/" in name]
    return advise(
        "record who is meant to have it, or take it away",
        f"is {finding.object} meant to? Then record its role in the access matrix: {finding.reason}",
        f"if not: narrow the role of {', '.join(bindings)}",
        caution="what uses the permission stops: ask the audit log who used it",
        unproved="who is meant to have it is for people to say",
    )


by_hand(
    {
        "HK-INT-02": "whose signatures count, and by which key, only its holders know",
        "HK-INT-03": "which registries are approved, the site says",
        "HK-INT-05": "what checks the data is a matter of the storage",
        "HK-INT-06": "checksums are turned on while a database is shut down",
        "HK-INT-09": "whether a change was meant is for people to say",
    }
)
