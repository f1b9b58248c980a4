"""The kit's own evidence: unaltered since it was written."""

from __future__ import annotations

import pandas as pd

from hipaa_kit.safeguards.check import check, fails, judge, reviews, texts_for


@check("HK-INT-12", optional=["evidence_register"])
def evidence_unaltered(
    verified_bundles: pd.DataFrame, verified_files: pd.DataFrame, evidence_register: pd.DataFrame
) -> pd.DataFrame:
    """Judge every bundle of an earlier run that was verified by its manifests, and by what was written down of it.

    Parameters
    ----------
    verified_bundles, verified_files, evidence_register : tables of those names

    Returns
    -------
    table `judgements`, one row per bundle and time at which it was verified

    Notes
    -----
    Manifests show damage, not forgery: whoever alters a file can write them anew. So a bundle passes only where its
    digest was written down elsewhere.
    """
    named = verified_files.assign(words=verified_files["file"] + " (" + verified_files["state"] + ")")
    wrong = named.groupby(_key(named))["words"].agg(lambda words: ", ".join(sorted(words)[:3]))
    known = evidence_register.drop_duplicates("digest").set_index("digest")
    other = evidence_register[evidence_register["bundle"] != ""].drop_duplicates("bundle").set_index("bundle")
    found = verified_bundles["found_digest"]
    examined = verified_bundles.assign(
        object="Bundle//" + verified_bundles["bundle"],
        wrong=texts_for(_key(verified_bundles), wrong).replace("", "its digest is not the one it names"),
        short=found.str[:12],
        recorded=found.isin(known.index),
        recorded_on=texts_for(found, known["recorded_on"]),
        kept_in=texts_for(found, known["kept_in"]),
        written=texts_for(verified_bundles["bundle"], other["digest"]),
    )
    return judge(
        examined,
        fails(
            ~examined["intact"],
            "it is not as its manifests say: {wrong}",
            observed="{problems} of {files:file}",
            expected="every file as it was written",
        ),
        fails(
            examined["intact"] & (examined["written"] != "") & (examined["written"] != found),
            "its digest {short}… is not the one that was written down for this run",
            observed="{found_digest}",
            expected="{written}",
        ),
        reviews(
            examined["intact"] & ~examined["recorded"],
            "is {short}… the digest that was written down when it was made? Its {files:file} {files:is|are} as its "
            "manifests say, which whoever alters them can write anew",
            observed="{found_digest}",
        ),
        member="verified_at",
        passes="its {files:file} {files:is|are} as its manifests say, and its digest {short}… was written down on "
        "{recorded_on}, in {kept_in}",
    )


def _key(rows: pd.DataFrame) -> pd.Series:
    return rows["bundle"] + " " + rows["verified_at"]
