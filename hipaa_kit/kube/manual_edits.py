"""Managers of fields that stand for a person at a keyboard.

A manager is the first word of the client's user agent, or what it names itself. `kubectl apply` is not among them:
it applies what a file declares, and so do pipelines.

Source: https://kubernetes.io/docs/reference/using-api/server-side-apply/#managers; subcommands of kubectl name
themselves, https://github.com/kubernetes/kubernetes/tree/master/staging/src/k8s.io/kubectl/pkg/cmd
"""

from __future__ import annotations

from typing import Final

BY_HAND: Final = frozenset(
    """
    dashboard kubectl-annotate kubectl-autoscale kubectl-create kubectl-edit kubectl-expose kubectl-label
    kubectl-patch kubectl-replace kubectl-run kubectl-scale kubectl-set kubectl-taint Mozilla node-fetch
    """.split()
)
"""Consoles in a browser write as `Mozilla` or `dashboard`, Lens as `node-fetch`."""


def by_hand(manager: str) -> bool:
    """Tell whether a manager of fields stands for a person who changed an object by hand."""
    return manager in BY_HAND
