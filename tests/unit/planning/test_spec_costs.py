"""What the plan of the paper preset counts, against the cost sections of the specs (issue 5: steps within 5 %)."""

import pytest
from spec_groups import counter, group, lth_groups, supertickets_groups, tamt_groups

from tickets.papers.lth.tasks import TASKS
from tickets.planning.cost import total

LTH_STEPS = {
    "mnli": 36_816, "qqp": 34_113, "sts-b": 540, "wnli": 60, "qnli": 9_822, "mrpc": 345, "rte": 234, "sst-2": 6_315,
    "cola": 804, "squad": 11_082, "mlm": 10_000,
}  # fmt: skip
LTH_FLOPS = {
    "mnli": 7.90e16, "qqp": 7.32e16, "sts-b": 1.16e15, "wnli": 1.28e14, "qnli": 2.11e16, "mrpc": 7.38e14,
    "rte": 5.01e14, "sst-2": 1.35e16, "cola": 1.72e15, "squad": 3.76e16, "mlm": 5.82e16,
}  # fmt: skip
ONE_PASS = 110_131
KNOWN_DIFFERENCES = {
    "G, H chains with rewinding, standard": "every chain trains a round 0 of its own",
    "I Figure 9": "three chains a combination, the spec has one; eleven targets, the spec has ten",
    "J Table 8": "three chains a size, the spec has one",
}


def test_lth_6_1_steps_and_flops_of_a_run():
    for task in TASKS:
        cost = group("lth", ["oneshot"], keep=lambda run, t=task: run.task == t and run.replicate == 1)
        assert cost.trainings == 2, "two sparsities"
        assert cost.updates == 2 * LTH_STEPS[task]
        assert cost.flops.original_train == pytest.approx(2 * LTH_FLOPS[task], rel=0.006), task
    assert sum(LTH_STEPS.values()) == ONE_PASS


def test_lth_6_2_groups():
    found, _ = lth_groups()
    for name, ((runs, steps, flops), cost) in found.items():
        if name in KNOWN_DIFFERENCES:
            continue
        assert cost.trainings == runs, name
        assert cost.updates == pytest.approx(steps, rel=0.015), name
        assert cost.flops.original_train == pytest.approx(flops, rel=0.04), name


def test_lth_6_2_differences_are_the_known_ones():
    """Without them the steps of the spec come out, 33.75 million, within 1 %."""
    found, _ = lth_groups()
    spec = sum(steps for (_, steps, _), _ in found.values())
    ours = total(cost for _, cost in found.values()).updates
    dense_rounds = 3 * 5 * ONE_PASS
    figure9 = (
        2 * 4 * 7 * 10_000 + 4 * 3 * 11_082
    )  # two more chains; the target that the spec leaves out: SQuAD
    table8 = (3 * 3 - 4) * 7 * 10_000 - 9 * (
        6_315 + 804 + 11_082
    ) // 3  # chains; evaluations shared with others
    assert spec == 33_750_000
    assert ours - dense_rounds - figure9 - table8 == pytest.approx(spec, rel=0.01)
    assert ours / spec == pytest.approx(1.075, abs=0.001)


def test_supertickets_6_1_to_6_3_groups():
    found, _ = supertickets_groups()
    for name, ((runs, steps, flops), cost) in found.items():
        assert cost.trainings == runs, name
        if name.startswith("G4"):  # six epochs on every part; the spec counts three on 10 and 20 %
            assert cost.updates / steps == pytest.approx(232.5 / 120, rel=0.01)
            assert cost.flops.original_train / flops == pytest.approx(232.5 / 120, rel=0.01)
            continue
        assert cost.updates == pytest.approx(steps, rel=0.015), name
        assert cost.flops.original_train == pytest.approx(flops, rel=0.015), name
    steps = total(cost for _, cost in found.values()).updates
    assert steps == pytest.approx(36.0e6, rel=0.05), "plan F, six epochs everywhere"


def test_supertickets_removed_heads_and_ffns_cost_nothing():
    """Spec 6.3: 9.6e19 padded, 6.9e19 with physical removal: less than three quarters."""
    found, _ = supertickets_groups()
    _, winning = found["G2 winning"]
    _, full = found["G1 full models, importance"]
    share = winning.flops.train / full.flops.train * full.trainings / winning.trainings
    assert 0.5 < share < 0.65  # levels 1 to 8 keep 0.91 to 0.29 of the computation, 0.6 on average


def test_tamt_6_2_and_6_3_groups():
    found, _ = tamt_groups()
    for name, ((runs, steps, flops), cost) in found.items():
        assert cost.trainings == runs, name
        assert cost.updates == pytest.approx(steps, rel=0.015), name
        assert cost.flops.original == pytest.approx(flops, rel=0.04), name
    masks = total(cost for name, (_, cost) in found.items() if name.startswith("masks"))
    assert masks.updates == 2_246_232


def test_tamt_6_1_steps_of_a_mask_and_seed():
    """56,120 steps with the fast tokenizer's features of SQuAD; 134 PF of training and 44 of evaluation."""
    one = lambda run: run.replicate == 1 and run.model == "base"  # noqa: E731
    cost = group("tamt", ["full"], keep=one)
    assert cost.trainings == 7
    assert cost.updates == 56_120 + (11_082 - 11_066)
    assert cost.flops.original_train == pytest.approx(134e15, rel=0.01)
    assert cost.flops.original_evaluation == pytest.approx(44e15, rel=0.03)


def test_all_groups_and_extras_are_the_whole_paper():
    """Nothing of a paper is left out of the comparison."""
    for id, groups in (("lth", lth_groups), ("supertickets", supertickets_groups), ("tamt", tamt_groups)):
        found, extra = groups()
        counted = total([*(cost for _, cost in found.values()), *extra.values()])
        whole = group(id, [name for paper, name in counter().stages if paper == id])
        assert (counted.runs, counted.trainings) == (whole.runs, whole.trainings), id
        assert counted.updates == whole.updates, id
        assert counted.flops.computed == pytest.approx(whole.flops.computed), id
