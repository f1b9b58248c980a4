"""Archives and folders of any origin: nothing is followed, nothing is unpacked, and what is left out is told."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import os
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from hipaa_kit.errors import InputError
from hipaa_kit.kube import kinds
from hipaa_kit.sources.dump import import_dump
from hipaa_kit.sources.files import open_trees
from hipaa_kit.sources.limits import DEFAULT_LIMITS, Limits
from hipaa_kit.sources.pseudonyms import Pseudonymizer
from hipaa_kit.sources.snapshot import Snapshot
from tests.support.snapshots import TEST_KEY

SMALL = Limits(total_bytes=2**22, entry_bytes=2**21, ratio=1)


def pod(name: str) -> bytes:
    metadata = {"name": name, "namespace": "ehr"}
    return json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": metadata}).encode()


def load(path: Path, limits: Limits = DEFAULT_LIMITS) -> Snapshot:
    return import_dump(path, pseudonymizer=Pseudonymizer(TEST_KEY), limits=limits)


def names(snapshot: Snapshot) -> list[str]:
    return [record.name for record in snapshot.records(kinds.POD)]


def told(snapshot: Snapshot) -> dict[str, str]:
    aside = zip(snapshot.set_aside["source"], snapshot.set_aside["what"], strict=True)
    return dict(zip(snapshot.unreadable["source"], snapshot.unreadable["error"], strict=True)) | dict(aside)


def tar(*entries: tuple[str, bytes] | tarfile.TarInfo) -> bytes:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for each in entries:
            if isinstance(each, tarfile.TarInfo):
                archive.addfile(each)
                continue
            info = tarfile.TarInfo(each[0])
            info.size = len(each[1])
            archive.addfile(info, io.BytesIO(each[1]))
    return held.getvalue()


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def zipped(*entries: tuple[str | zipfile.ZipInfo, bytes]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return held.getvalue()


def keep(folder: Path, raw: bytes, name: str = "given") -> Path:
    path = folder / name
    path.write_bytes(raw)
    return path


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": zstandard.compress,
}


@pytest.mark.parametrize("packer", PACKERS)
@pytest.mark.parametrize("as_tar", [False, True], ids=["file", "tar"])
def test_what_unpacks_to_more_than_it_may_is_refused(tmp_path: Path, packer: str, as_tar: bool) -> None:
    large = b"[" + b" " * 5_000_000 + b"]"
    path = keep(tmp_path, PACKERS[packer](tar(("a.json", large)) if as_tar else large))
    with pytest.raises(InputError, match=r"more than|entry of"):
        load(path, SMALL)
    assert [each.name for each in tmp_path.iterdir()] == ["given"]


def test_a_bomb_in_a_folder_loses_no_other_file(tmp_path: Path) -> None:
    keep(tmp_path, zipped(("a.json", b" " * 5_000_000)), "bomb.zip")
    keep(tmp_path, gzip.compress(tar(("a.json", b" " * 5_000_000))), "bomb.tgz")
    keep(tmp_path, pod("good"), "good.json")
    snapshot = load(tmp_path, SMALL)
    assert names(snapshot) == ["good"]
    assert all("more than" in told(snapshot)[name] for name in ("bomb.zip", "bomb.tgz"))


def test_entries_of_a_zip_that_overlap_are_counted_each(tmp_path: Path) -> None:
    raw = bytearray(zipped(*((f"{n}.json", b" " * 3_000_000) for n in range(30))))
    path = keep(tmp_path, bytes(raw))
    with pytest.raises(InputError, match="unpacks to more than it may at entry"):
        load(path, Limits(ratio=10))


def test_archives_in_archives_stay_closed_and_cost_nothing(tmp_path: Path) -> None:
    inner = gzip.compress(tar(("a.json", b" " * 50_000_000)))
    snapshot = load(keep(tmp_path, tar(("good.json", pod("good")), ("inner.tar.gz", inner), ("b.json", inner))))
    assert names(snapshot) == ["good"]
    assert "given!b.json" in told(snapshot)


LEFT_OUT = {
    "a link": (special("a.json", tarfile.SYMTYPE, "/etc/passwd"), "link, not followed"),
    "a hard link": (special("a.json", tarfile.LNKTYPE, "../../x"), "link, not followed"),
    "a pipe": (special("a.json", tarfile.FIFOTYPE), "is a device"),
    "a device": (special("a.json", tarfile.CHRTYPE), "is a device"),
}


@pytest.mark.parametrize("case", LEFT_OUT)
def test_what_is_no_file_in_a_tar_is_left_out_and_told(tmp_path: Path, case: str) -> None:
    entry, words = LEFT_OUT[case]
    snapshot = load(keep(tmp_path, tar(("good.json", pod("good")), entry)))
    assert names(snapshot) == ["good"]
    assert told(snapshot) == {"given!a.json": words}


def test_a_link_in_a_zip_is_not_read_as_a_file(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("a.json")
    link.create_system, link.external_attr = 3, 0o120777 << 16
    snapshot = load(keep(tmp_path, zipped(("good.json", pod("good")), (link, pod("evil")))))
    assert (names(snapshot), told(snapshot)) == (["good"], {"given!a.json": "link, not followed"})


@pytest.mark.parametrize("name", ["../a", "/a", "C:/a", "C:a", "..\\a", "\\\\host\\a", "a/../../b", "a\\..\\b"])
@pytest.mark.parametrize("form", [lambda n: tar((n, pod("x"))), lambda n: zipped((n, pod("x")))], ids=["tar", "zip"])
def test_names_that_lead_elsewhere_are_refused(tmp_path: Path, name: str, form: Callable[[str], bytes]) -> None:
    with pytest.raises(InputError, match="points outside of it"):
        load(keep(tmp_path, form(name)))


def test_a_nul_in_the_name_of_a_zip_entry_is_refused(tmp_path: Path) -> None:
    raw = zipped(("a.jsonX.txt", pod("x"))).replace(b"a.jsonX.txt", b"a.json\0.txt")
    with pytest.raises(InputError, match="points outside of it"):
        load(keep(tmp_path, raw))


def test_an_entry_that_is_damaged_loses_no_other(tmp_path: Path) -> None:
    raw = zipped(("bad.json", pod("bad") + b" " * 500), ("good.json", pod("good")))
    at = raw.index(b"bad.json") + len(b"bad.json") + 10
    snapshot = load(keep(tmp_path, raw[:at] + b"\xff\xff\xff" + raw[at + 3 :]))
    assert names(snapshot) == ["good"]
    assert "is a damaged archive" in told(snapshot)["given!bad.json"]


def test_a_tar_that_is_damaged_in_the_middle_tells_what_is_missing(tmp_path: Path) -> None:
    raw = bytearray(tar(("good.json", pod("good")), ("lost.json", pod("lost"))))
    raw[1024 + 10] ^= 0xFF
    snapshot = load(keep(tmp_path, bytes(raw)))
    assert names(snapshot) == ["good"]
    assert told(snapshot) == {"given!": "is damaged at byte 1024: what comes after it is not read"}


def test_of_a_name_that_stands_twice_the_last_entry_counts_and_it_is_told(tmp_path: Path) -> None:
    snapshot = load(keep(tmp_path, tar(("a.json", pod("first")), ("a.json", pod("last")))))
    assert names(snapshot) == ["last"]
    assert told(snapshot) == {"given!a.json": "stands there twice: the last one counts"}


def header(size: bytes, kind: bytes = b"0") -> bytes:
    """Return the header of a tar entry with any size field."""
    info = tarfile.TarInfo("a.json")
    info.type = kind
    raw = bytearray(info.tobuf(tarfile.USTAR_FORMAT))
    raw[124:136] = size
    raw[148:156] = b"        "
    raw[148:156] = b"%06o\0 " % sum(raw)
    return bytes(raw)


@pytest.mark.parametrize(
    "raw",
    [
        header(b"\xff" * 10 + b"\xfc\x00") + bytes(1024),
        header(b"\xff" * 10 + b"\xfc\x00", tarfile.XHDTYPE) + bytes(1024),
        header(b"%011o\0" % 2**24, tarfile.XHDTYPE) + b"1" * 2**24 + bytes(1024),
        header(b"%011o\0" % 2**17, tarfile.XHDTYPE) + b"1" * 2**17 + bytes(1024),
        header(b"%011o\0" % 2**24, tarfile.GNUTYPE_LONGNAME) + b"a" * 2**24 + bytes(1024),
    ],
    ids=["negative size", "negative header", "large header", "digits", "long name"],
)
def test_headers_that_would_keep_the_library_busy_are_refused(tmp_path: Path, raw: bytes) -> None:
    with pytest.raises(InputError, match="damaged"):
        load(keep(tmp_path, raw))


def test_pipes_and_links_in_a_folder_are_left_out_and_told(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    (folder / "sub").mkdir(parents=True)
    keep(folder / "sub", pod("good"), "good.json")
    os.mkfifo(folder / "pipe.json")
    (folder / "link.json").symlink_to("/etc/passwd")
    (folder / "sub" / "loop").symlink_to(folder)
    snapshot = load(folder)
    assert names(snapshot) == ["good"]
    assert told(snapshot) == {
        "pipe.json": "is neither a file nor a folder",
        "link.json": "link, not followed",
        "sub/loop": "link, not followed",
    }


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_in_a_folder_loses_no_other(tmp_path: Path) -> None:
    keep(tmp_path, pod("good"), "good.json")
    keep(tmp_path, pod("bad"), "bad.json").chmod(0)
    (tmp_path / "closed").mkdir(mode=0)
    snapshot = load(tmp_path)
    (tmp_path / "closed").chmod(0o700)
    assert names(snapshot) == ["good"]
    assert all("Permission denied" in words for words in told(snapshot).values())
    assert len(told(snapshot)) == 2


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="name it -"):
        load(tmp_path / "pipe")


def test_an_archive_that_is_packed_as_a_whole_is_read_forward(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hipaa_kit.sources.files.MOST_AGAIN", 1)
    entries = [(f"{n:03}.yaml", b"# " + b"x" * 200_000 + b"\n" + pod(f"p{n}")) for n in range(50)]
    assert len(names(load(keep(tmp_path, lzma.compress(tar(*entries)))))) == 50


def test_unpacking_again_and_again_is_refused(tmp_path: Path) -> None:
    path = keep(tmp_path, gzip.compress(tar(*((f"{n}.json", os.urandom(100_000)) for n in range(20)))))

    def back_and_forth() -> None:
        with open_trees(path, Limits(total_bytes=3 * 10**6)) as [tree]:
            for name in ["19.json", "0.json"] * 60:
                tree.read(name)

    with pytest.raises(InputError, match="again and again"):
        back_and_forth()
