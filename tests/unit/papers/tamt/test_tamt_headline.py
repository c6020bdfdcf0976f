"""The headline numbers of the worlds that figures are tested on."""

import pytest

from tickets.papers.tamt.evidence import AVG7, Evidence, Which
from tickets.papers.tamt.headline import headline


def test_averages_are_those_of_figure_3(ours):
    numbers = headline(ours)
    assert numbers["base_tasks"] == 7
    for kind, level in (("omp", 60), ("tamt-kd", 70), ("imp", 80)):
        stat = ours.stat(Which(kind, level / 100), AVG7)
        assert numbers[f"base_{kind.replace('-', '_')}_{level}"] == pytest.approx(stat.mean)
    assert numbers["base_full"] == pytest.approx(ours.stat(Which("full"), AVG7).mean)


def test_a_preset_without_a_model_has_no_numbers_of_it(micro):
    assert isinstance(micro, Evidence)
    assert {name.partition("_")[0] for name in headline(micro)} == {"base"}
