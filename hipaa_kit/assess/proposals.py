"""What an assessment answers about changes that nobody has made: what if, and what would be enough."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, cast

from hipaa_kit.assess.cut import Cut, smallest_cut
from hipaa_kit.assess.what_if import Manifest, WhatIf, applications, deletions, labellings
from hipaa_kit.inventory.rollout import what_would_be
from hipaa_kit.sources.overlay import Change
from hipaa_kit.sources.scope import Scope, load_scope

if TYPE_CHECKING:
    from hipaa_kit.assess.facade import Assessment


class Proposals:
    """The part of `Assessment` that asks about changes."""

    def what_if(
        self,
        apply: Iterable[Manifest] | Manifest = (),
        delete: Iterable[str] | str = (),
        label: Mapping[str, Mapping[str, str | None]] | None = None,
        scope: Scope | str | Path | None = None,
        *,
        namespace: str = "default",
    ) -> WhatIf:
        """Return what would be otherwise if objects were added, changed or deleted; no cluster is touched.

        Parameters
        ----------
        apply
            Files, folders or archives of manifests, `-` for standard input, or objects, applied in order.
        delete
            Objects to delete, `Kind/namespace/name`, with all that goes with them.
        label
            Labels to set, by object; None takes a label away.
        scope
            Another ePHI scope, or its file; the same by default.
        namespace
            Namespace of objects that name none.

        Returns
        -------
        WhatIf
            Tables of the findings, flows and permissions that appear, vanish or change.

        Raises
        ------
        InputError
            A manifest cannot be read, or an object that is to be deleted or labelled is not in the snapshot.
        """
        run = cast("Assessment", self)
        changes: list[Change] = [
            *applications(apply, namespace, run.pseudonymizer),
            *labellings(run.snapshot, label or {}),
            *deletions(run.snapshot, delete),
        ]
        would_be = what_would_be(run.snapshot, changes, pseudonym=run.pseudonymizer)
        other = scope if isinstance(scope, Scope) or scope is None else load_scope(scope)
        return WhatIf(run, run.changed(would_be, other), changes)

    def smallest_cut(
        self,
        source: str | None = None,
        targets: Iterable[str] | str = (),
        *,
        worst: bool = False,
        keep_declared: bool = False,
        unknown: bool = False,
        k: int = 3,
    ) -> Cut:
        """Return the fewest things to take away so that paths to ePHI stop; see `assess.cut.smallest_cut`."""
        how = {"worst": worst, "keep_declared": keep_declared, "unknown": unknown}
        return smallest_cut(cast("Assessment", self), source, targets, k=k, **how)
