"""Which requests are dry runs: the API server goes all the way of them, and stores nothing.

Whoever asks may write anything into a query, so that only what the server heeds counts:

- a create, update or patch reads its options from the query, by the exact name `dryRun`;
- a delete with a body reads them there and passes the query over: `?dryRun=All` beside a body deletes. Only a body that
  was recorded (level Request) tells of a deletion that it is none;
- a token is made, and a stream opened, whatever the query says;
- other API servers, behind this one, need not heed it.

Sources: https://kubernetes.io/docs/reference/using-api/api-concepts/#dry-run,
`pkg/endpoints/handlers/create.go`, `update.go`, `patch.go` and `delete.go` of kubernetes/apiserver,
`pkg/registry/core/serviceaccount/storage/token.go` of kubernetes/kubernetes; held against a real server by
`tests/live/test_dry_runs.py`.
"""

from __future__ import annotations

from typing import Final

ALL: Final = "All"
"""The only value that there is."""

BY_QUERY: Final = ("create", "update", "patch")
BY_BODY: Final = ("delete", "deletecollection")

QUERY: Final = rf"^[^?]*\?(.*&)?dryRun={ALL}(&|$)"
"""Matches a path with such a query. A name or value that is escaped is not looked for: it counts as a change."""

SUBRESOURCES: Final = ("", "scale", "status", "ephemeralcontainers", "resize", "approval", "finalize")
"""Those that are stored as parts of their object."""

ELSEWHERE: Final = (
    "authorization.openshift.io",
    "project.openshift.io",
    "projectcalico.org",
    "subresources.kubevirt.io",
)
"""API groups of servers behind this one of which detections speak, or that act by themselves."""
