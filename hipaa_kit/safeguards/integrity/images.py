"""Images of ePHI workloads: named by digest, the same everywhere, from registries that were approved."""

from __future__ import annotations

import pandas as pd

from hipaa_kit.inventory.image_scans import with_images_that_count
from hipaa_kit.inventory.pods import selectable
from hipaa_kit.kube.images import full_repository, is_image, is_within, registry_of
from hipaa_kit.safeguards.check import Outcome, check, fails, judge, not_assessed, reviews


@check("HK-INT-01")
def images_by_digest(
    ephi_workloads: pd.DataFrame, pods: pd.DataFrame, containers: pd.DataFrame, labels: pd.DataFrame
) -> pd.DataFrame:
    """Judge every image of an ePHI workload by whether it is named by digest, and by what its pods run.

    Parameters
    ----------
    ephi_workloads, pods, containers, labels : tables of those names

    Returns
    -------
    table `judgements`, one row per container and image of a workload

    Notes
    -----
    Nodes of several architectures may report digests of their own for one image of several; a person has to say
    whether they are meant. A digest that a node reports does not pin what the next pod will run. What somebody added
    to a pod that runs, to debug it, is judged like the rest until it has ended.
    Source: https://kubernetes.io/docs/concepts/containers/images/#image-names and
    https://kubernetes.io/docs/concepts/workloads/pods/ephemeral-containers/
    """
    examined = _by_image(_images(ephi_workloads, pods, containers, labels))
    loose = examined["named"] & ~examined["pinned"]
    floating = loose & examined["tag"].isin(["", "latest"])
    drifted = loose & (examined["digests"] > 1)
    return judge(
        examined,
        *_unnamed(examined),
        fails(
            floating,
            "container {container} runs {image}: whatever stands under latest when a pod starts",
            severity="critical",
            observed="{image}",
            expected="a digest",
        ),
        fails(
            drifted & (examined["architectures"] == 1),
            "pods run {digests:different image} under {image}, the tag of container {container}",
            severity="critical",
            observed="{running}",
            expected="one digest",
        ),
        fails(
            loose & ~drifted,
            "container {container} runs {image}, which its registry may change",
            observed="{image}",
            expected="a digest",
        ),
        fails(
            drifted & (examined["architectures"] != 1),
            "container {container} runs {image}, which its registry may change; nodes report {digests:image} under it",
            observed="{running}",
            expected="a digest",
        ),
        member="member",
        path="{path}[?(@.name=='{container}')].image",
        passes="container {container} runs an image named by digest",
    )


def _unnamed(examined: pd.DataFrame) -> tuple[Outcome, Outcome]:
    """Return what is said of containers whose image is not known: something else has still to fill it in.

    A template may leave the image out, for others to fill in; then nothing is known of what will run.
    Source: https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#Container
    """
    unwritten = examined["image"] == ""
    return (
        not_assessed(unwritten, "which image container {container} runs is not written", code="input_missing"),
        not_assessed(
            ~unwritten & ~examined["named"],
            "which image container {container} runs is not known: {image} is not the name of one",
            code="input_missing",
        ),
    )


def _images(
    workloads: pd.DataFrame, pods: pd.DataFrame, containers: pd.DataFrame, labels: pd.DataFrame
) -> pd.DataFrame:
    """Return what `in_pods` does, with whether the image is pinned, and the architecture of the node."""
    found = in_pods(workloads, pods, containers)
    known = labels[(labels["kind"] == "Node") & (labels["key"] == "kubernetes.io/arch")]
    architecture = dict(zip(known["object"].str.removeprefix("Node//"), known["value"], strict=True))
    return found.assign(
        pinned=found["image"].str.contains("@", regex=False).astype(bool),
        architecture=found["node"].map(lambda node: architecture.get(node, "")),
    )


def in_pods(
    workloads: pd.DataFrame, pods: pd.DataFrame, containers: pd.DataFrame, *, ended: bool = False
) -> pd.DataFrame:
    """Return the containers in ePHI pods that have not ended; `object` is the workload, `path` where they stand.

    Parameters
    ----------
    workloads, pods, containers
        Tables `ephi_workloads`, `pods` and `containers`.
    ended
        Of a workload all of whose pods have ended, the newest counts: its next one is made of the same template.
    """
    found = with_images_that_count(containers)
    path = pd.Series("$.spec.template.spec.containers", index=found.index)
    shown = found.assign(path=path.mask(found["role"] == "ephemeral", "$.spec.ephemeralContainers"))
    return shown.merge(_running(workloads, pods, ended=ended), on="pod")


def _running(workloads: pd.DataFrame, pods: pd.DataFrame, *, ended: bool) -> pd.DataFrame:
    """Return pod, workload (as `object`) and node of the pods that count."""
    inside = pods[pods["workload"].isin(workloads["object"])]
    running = selectable(inside)
    if ended:
        over = inside[~inside["workload"].isin(running["workload"])].sort_values(["created_at", "object"])
        running = pd.concat([running, over.drop_duplicates("workload", keep="last")])
    return running[["object", "workload", "node"]].rename(columns={"object": "pod", "workload": "object"})


def _by_image(containers: pd.DataFrame) -> pd.DataFrame:
    """Return a row per container and image of a workload."""
    rows = []
    for (workload, container, image), group in containers.groupby(["object", "container", "image"], sort=True):
        digests = sorted(set(group["digest"]) - {""})
        rows.append(
            {
                "object": workload,
                "container": container,
                "image": image,
                "member": f"{container}/{image}",
                "repository": group["repository"].iloc[0],
                "path": group["path"].iloc[0],
                "tag": group["tag"].iloc[0],
                "named": is_image(str(image)),
                "pinned": bool(group["pinned"].iloc[0]),
                "digests": len(digests),
                "running": ", ".join(digests),
                "architectures": group["architecture"].nunique(),
            }
        )
    columns = ["object", "container", "image", "member", "repository", "tag", "named", "pinned", "digests", "running"]
    found = pd.DataFrame(rows, columns=[*columns, "architectures", "path"])
    return found.astype({"named": bool, "pinned": bool, "digests": int})


@check("HK-INT-03")
def registries_approved(
    ephi_workloads: pd.DataFrame,
    pods: pd.DataFrame,
    containers: pd.DataFrame,
    labels: pd.DataFrame,
    *,
    approved_registries: str = "",
) -> pd.DataFrame:
    """Judge every image of an ePHI workload by the registry that serves it.

    Parameters
    ----------
    ephi_workloads, pods, containers, labels : tables of those names
    approved_registries
        Registries that were approved, or parts of them (`registry.example/team`), joined by spaces.

    Returns
    -------
    table `judgements`, one row per container and image of a workload
    """
    examined = _by_image(_images(ephi_workloads, pods, containers, labels))
    approved = approved_registries.split()
    within = [any(is_within(name, place) for place in approved) for name in examined["repository"]]
    examined = examined.assign(
        registry=examined["repository"].map(registry_of),
        full=examined["repository"].map(full_repository),
        within=pd.Series(within, index=examined.index, dtype=bool),
    )
    listed = pd.Series(bool(approved), index=examined.index)
    return judge(
        examined,
        *_unnamed(examined),
        reviews(
            ~listed,
            "was {registry} approved, from which container {container} takes {full}? No list of registries is set",
            observed="{registry}",
        ),
        fails(
            listed & examined["named"] & ~examined["within"],
            "container {container} takes {full} from {registry}, which was not approved",
            observed="{registry}",
            expected="an approved registry",
        ),
        member="member",
        passes="container {container} takes {full} from an approved registry",
    )


@check("HK-INT-07")
def root_file_systems_read_only(
    ephi_workloads: pd.DataFrame, pods: pd.DataFrame, containers: pd.DataFrame
) -> pd.DataFrame:
    """Judge every container of an ePHI workload by whether programs in it can change their own file system.

    Parameters
    ----------
    ephi_workloads, pods, containers : tables of those names

    Returns
    -------
    table `judgements`, one row per container of a workload

    Notes
    -----
    Volumes stay writable where they are mounted so. What somebody added to a pod that runs counts until it has ended.
    A container of Windows has no read-only root.
    Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/,
    https://kubernetes.io/docs/tasks/configure-pod-container/security-context/
    """
    found = in_pods(ephi_workloads, pods, containers)
    by_name = found.groupby(["object", "container"]).agg(read_only=("read_only_root", "all"), path=("path", "first"))
    examined = by_name.reset_index()
    return judge(
        examined,
        fails(
            ~examined["read_only"].astype(bool),
            "container {container} may write to its root file system",
            path="{path}[?(@.name=='{container}')].securityContext.readOnlyRootFilesystem",
            observed="false",
            expected="true",
        ),
        member="container",
        passes="the root file system of container {container} is read-only",
    )
