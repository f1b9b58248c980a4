"""Where the binaries of an API server are, by the envtest convention.

Source: https://book.kubebuilder.io/reference/envtest.html
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

BUILD = Path(__file__).parent.parent.parent / "live" / "assets"
NAMES = ("etcd", "kube-apiserver", "kubectl")
ABSENT = "live: no binaries of an API server: `make live-assets` or KUBEBUILDER_ASSETS (docs/live_tests.md)"


class AssetsError(Exception):
    """Binaries are named but cannot be used: a failure, never a skip."""


@dataclass(frozen=True)
class Assets:
    """The three binaries."""

    etcd: Path
    apiserver: Path
    kubectl: Path


def cache(environment: Mapping[str, str]) -> Path:
    """Return the folder that `make live-assets` fills."""
    if named := environment.get("HIPAA_KIT_LIVE_ASSETS"):
        return Path(named)
    root = Path(environment.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return root / "hipaa-kit" / "envtest" / version()


def version() -> str:
    """Return the version of Kubernetes that `make live-assets` builds."""
    found = re.search(r"^\tk8s\.io/kubernetes (v[0-9.]+)", (BUILD / "go.mod").read_text(encoding="utf-8"), re.MULTILINE)
    assert found, "go.mod requires no k8s.io/kubernetes"
    return found[1]


def existing_context(environment: Mapping[str, str] = os.environ) -> str:
    """Return the kubeconfig context that `USE_EXISTING_CLUSTER` names; "" where it names none."""
    return environment.get("USE_EXISTING_CLUSTER", "")


def find_assets(environment: Mapping[str, str] = os.environ) -> Assets | None:
    """Return the binaries that the environment names, else those in the cache; None where there are none.

    Raises
    ------
    AssetsError
        The environment names binaries that are not there.
    """
    folder = environment.get("KUBEBUILDER_ASSETS")
    single = {name: environment.get(f"TEST_ASSET_{name.upper().replace('-', '_')}") for name in NAMES}
    if folder or any(single.values()):
        found = {name: Path(single[name] or Path(folder or "") / name) for name in NAMES}
        if missing := [str(path) for path in found.values() if not os.access(path, os.X_OK) or path.is_dir()]:
            raise AssetsError(f"KUBEBUILDER_ASSETS or TEST_ASSET_* name no program: {', '.join(missing)}")
    else:
        built = cache(environment)
        if not (built / ".built-from").is_file():
            return None
        found = {name: built / name for name in NAMES}
    return Assets(found["etcd"], found["kube-apiserver"], found["kubectl"])


def main() -> int:
    """Say in one line whether the live tests will run."""
    try:
        assets = find_assets()
    except AssetsError as error:
        print(f"live: {error}", file=sys.stderr)
        return 1
    print(f"live: the tests run against {assets.apiserver}" if assets else f"{ABSENT}: these tests are skipped")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
