"""What was made of the same frames is given again, and made anew of any other."""

from __future__ import annotations

import pandas as pd

from hipaa_kit.inventory.latest import Latest


def test_what_is_made_of_the_same_frames_is_made_once_and_of_equal_ones_anew() -> None:
    kept: Latest[list[int]] = Latest()
    one, other = pd.DataFrame({"a": [1]}), pd.DataFrame({"a": [2]})
    made = kept.of((one, other), lambda: [1])
    assert kept.of((one, other), lambda: [2]) is made
    assert kept.of((one, other.copy()), lambda: [3]) == [3]
    assert kept.of((one,), lambda: [4]) == [4]
    assert kept.of((one, other), lambda: [5]) == [5]
