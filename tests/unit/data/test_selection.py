import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tickets.data.selection import selection_parts
from tickets.data.sizes import OFFICIAL_ROWS
from tickets.errors import TicketsError

# Spec supertickets section 9, A6.
TENTHS = {"rte": 28, "mrpc": 41, "sst-2": 87, "cola": 104}


@pytest.mark.parametrize("task", TENTHS)
def test_a_tenth_of_dev_has_the_size_of_the_paper(task):
    parts = selection_parts(OFFICIAL_ROWS[task]["dev"], task)
    assert len(parts["p10"]) == TENTHS[task]


@given(st.integers(2, 3000), st.sampled_from(["rte", "mnli"]), st.sampled_from(["dev", "dev_mismatched"]))
def test_both_divisions_are_complete_and_overlap_nowhere(n, task, split):
    parts = {name: rows.tolist() for name, rows in selection_parts(n, task, split).items()}
    assert set(parts) == {"p10", "rest", "half", "other_half"}
    for one, other in (("p10", "rest"), ("half", "other_half")):
        assert sorted(parts[one] + parts[other]) == list(range(n))
        assert parts[one] == sorted(parts[one])
        assert parts[one]
        assert parts[other]
    assert abs(len(parts["p10"]) - 0.1 * n) <= max(0.5, 1 - 0.1 * n)
    assert len(parts["other_half"]) - len(parts["half"]) in (0, 1)


def test_parts_are_fixed_and_differ_between_tasks_and_splits():
    parts = selection_parts(500, "mnli")
    assert parts["p10"].tolist()[:5] == [13, 30, 48, 53, 56]
    assert parts["half"].tolist()[:5] == [0, 1, 4, 5, 8]
    for other in (selection_parts(500, "qqp"), selection_parts(500, "mnli", "dev_mismatched")):
        assert not torch.equal(parts["p10"], other["p10"])
        assert not torch.equal(parts["half"], other["half"])


def test_the_two_divisions_are_independent():
    """If `half` came from the same permutation, it would hold all of `p10`."""
    parts = selection_parts(1000, "mnli")
    both = set(parts["p10"].tolist()) & set(parts["half"].tolist())
    assert 30 <= len(both) <= 70


def test_a_split_of_one_row_cannot_be_divided():
    with pytest.raises(TicketsError, match=r"rte.dev: 1 rows cannot be divided"):
        selection_parts(1, "rte")
