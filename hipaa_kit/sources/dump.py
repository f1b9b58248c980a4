"""Importing: whatever somebody wrote of a cluster becomes a snapshot.

Which layout it is decides what an absence is worth; `layouts` has one reader for each.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hipaa_kit.errors import InputError
from hipaa_kit.printable import printable
from hipaa_kit.sources.builder import SnapshotBuilder
from hipaa_kit.sources.documents import no_cyclic_collection
from hipaa_kit.sources.files import Tree, open_trees
from hipaa_kit.sources.intake import LONGEST_PLACE, Intake, moment
from hipaa_kit.sources.layouts import LAYOUTS, Layout, layout_named, recognise
from hipaa_kit.sources.limits import DEFAULT_LIMITS, Limits
from hipaa_kit.sources.pseudonyms import Pseudonymizer
from hipaa_kit.sources.snapshot import Snapshot


def import_dump(
    paths: str | Path | Sequence[str | Path],
    *,
    namespace: str = "default",
    cluster_name: str = "",
    layout: str = "",
    limits: Limits = DEFAULT_LIMITS,
    pseudonymizer: Pseudonymizer | None = None,
) -> Snapshot:
    """Make a snapshot of anything in which a cluster was written down.

    Parameters
    ----------
    paths
        A file, a folder, an archive (tar, also packed with gzip, bzip2, xz or zstd, or zip), `-` for
        standard input; or several of these, which are merged: of two states of one object the newer one
        counts, and the difference stands in table `conflicts`.
    namespace
        Namespace of objects that name none and live in one, as `helm --namespace` would give.
    cluster_name
        Name of the cluster, where the input does not tell.
    layout
        Name of the layout, where it should not be recognised; one of `layouts.LAYOUTS`.
    limits
        What is too much to be read.
    pseudonymizer
        Makes the pseudonyms of removed values; the installation's by default.

    Returns
    -------
    Snapshot
        Redacted; its coverage says which absences are proved.

    Raises
    ------
    InputError
        Nothing in the input is a Kubernetes object, it holds several clusters, or it is an archive
        that cannot be trusted.
    """
    given = [paths] if isinstance(paths, str | Path) else list(paths)
    forced = _forced(layout)
    builder = SnapshotBuilder("", pseudonymizer or Pseudonymizer.of_installation())
    intakes: list[Intake] = []
    read: list[tuple[Layout, Intake]] = []
    with no_cyclic_collection():
        for path in given:
            with open_trees(path, limits) as trees:
                for tree in trees:
                    intake = Intake(builder, namespace, limits)
                    intakes.append(intake)
                    for name, what in tree.skipped:
                        intake.skip(tree, name, what)
                    if not tree.entries:
                        continue
                    found, root = _as(forced, tree) if forced else recognise(tree)
                    found.reader.read(tree, root, intake, trees)
                    intake.settle()
                    read.append((found, intake))
    if not any(intake.objects for _, intake in read) and not builder.covers_anything():
        raise _nothing(given, intakes)
    _identify(builder, read, cluster_name, _base_name(given[0]))
    return builder.build()


def _forced(name: str) -> Layout | None:
    found = layout_named(name)
    if name and found is None:
        raise InputError(
            f"there is no layout {name!r}", "--layout", f"layouts are {', '.join(x.name for x in LAYOUTS)}"
        )
    return found


def _as(layout: Layout, tree: Tree) -> tuple[Layout, str]:
    """Return where a layout that the user named begins in a tree."""
    root = layout.reader.find(tree)
    if root is None:
        raise InputError(f"is not {layout.what}: it has no {layout.marker}", tree.place, "leave --layout out")
    return layout, root


def _identify(builder: SnapshotBuilder, read: Sequence[tuple[Layout, Intake]], name: str, fallback: str) -> None:
    """Say which cluster this is, when it was read, and in which layouts."""
    intakes = [intake for _, intake in read]
    uids = sorted({uid for intake in intakes for uid in intake.system_uids})
    if len(uids) > 1:
        what = f"holds objects of {len(uids)} clusters: namespace kube-system has the uids {', '.join(uids)}"
        raise InputError(what, fallback, "import one cluster at a time")
    uid = next(iter(uids), "")
    recorded = next((intake.cluster_name for intake in intakes if intake.cluster_name), "")
    names = {"record of the dump": recorded, "name given": name, "name of the input": fallback}
    basis, known = next((basis, known) for basis, known in names.items() if known)
    versions = sorted({intake.server_version for intake in intakes if intake.server_version})
    if len(versions) > 1:
        what = f"holds {len(versions)} clusters, or one at several moments: servers of versions {', '.join(versions)}"
        raise InputError(what, fallback, "import one at a time")
    version = next(iter(versions), "")
    known, uid, version = (printable(told)[:LONGEST_PLACE] for told in (known, uid, version))
    builder.identify(known, uid, "uid of namespace kube-system" if uid else basis, version)
    told = [(moment(each.collected_at), each.collected_basis) for each in intakes]
    moments = [each for each in told if each[0]]
    # Of several inputs the oldest one tells how old the snapshot may be.
    builder.collected_at, builder.collected_basis = min(moments, default=("", ""))
    if not moments:
        newest = max((intake.newest for intake in intakes), default="")
        builder.collected_at, builder.collected_basis = newest, "not before the newest object" if newest else ""
    used = dict.fromkeys(_layout(found, intake) for found, intake in read if intake.objects or intake.recorded)
    builder.layout = "+".join(used) or "kubectl"


def _layout(found: Layout, intake: Intake) -> str:
    """Return the name of a layout; of objects alone, whether a server answered them or somebody wrote them."""
    if found.name != "kubectl":
        return found.name
    if intake.streamed:
        return "cluster-info"
    return "kubectl" if intake.recorded or intake.from_a_server else "manifests"


def _base_name(path: str | Path) -> str:
    name = Path(path).resolve().name if str(path) != "-" else "stdin"
    return name.partition(".")[0] or "cluster"


def _nothing(paths: Sequence[str | Path], intakes: Sequence[Intake]) -> InputError:
    where = ", ".join(str(path) for path in paths)
    for intake in intakes:
        for source, position, error in intake.broken[:1]:
            return InputError(f"nothing in it could be read; first: {error}", f"{where}: {source}{position}")
    aside = sorted({what for intake in intakes for _, what in intake.builder.put_aside()})
    held = f"it holds: {', '.join(aside)}" if aside else f"{sum(each.files for each in intakes)} files looked at"
    return InputError(
        f"holds no Kubernetes object ({held})",
        where,
        "give a snapshot, manifests, kubectl output (-o json or -o yaml, not a table), or one of the archives that "
        "docs/inputs.md lists; --layout NAME reads it as one of them",
    )
