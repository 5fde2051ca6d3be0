"""Seeds that nobody gave: fresh for every run, one for all that is random in it, said in the log."""

import re

import numpy as np
from effects import setup


def seed(words: str) -> int | None:
    return setup(words).scanned.whole("seed")


def misset(words: str) -> np.ndarray:
    return np.asarray(setup(words).experiment.crystal.misset)


def test_noise_without_a_seed_takes_a_fresh_one() -> None:
    seeds = {seed("-noisefile n.img") for _ in range(20)}
    assert len(seeds) == 20
    assert all(number is not None and 0 < number < 2**31 - 1 for number in seeds)


def test_a_random_misset_without_a_seed_is_another_each_time_and_can_be_given_again() -> None:
    for mode in ("", " --compat"):
        first = setup(f"-misset random{mode}")
        taken = first.scanned.whole("seed")
        assert not np.allclose(first.experiment.crystal.misset, misset(f"-misset random{mode}"))
        assert np.array_equal(first.experiment.crystal.misset, misset(f"-misset random -seed {taken}{mode}"))


def test_what_was_drawn_is_said_with_what_it_is_for() -> None:
    for words, uses in (
        ("-noisefile n.img", "noise"),
        ("-misset random", "orientation"),
        ("-misset random -noisefile n.img", "orientation and noise"),
        ("-misset random -misset_seed 5 -noisefile n.img", "noise"),
    ):
        said = setup(words).notes.said[0]
        found = re.fullmatch(r"-seed (\d+), drawn from the system's entropy; give it to have this (.*) again", said)
        assert found is not None
        assert found[2] == uses


def test_nothing_is_drawn_where_nothing_is_random_or_the_seed_is_given() -> None:
    for words in ("", "-noisefile n.img -nonoise", "-misset random -misset_seed 5", "-mosaic 1 -mosaic_domains 3"):
        assert seed(words) is None
    assert seed("-misset random -noisefile n.img -seed -7") == -7
