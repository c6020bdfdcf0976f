"""The tidy files beside cells.csv, made of what the jobs wrote, and read by the paper's evidence."""

from collections import Counter
from contextlib import chdir
from itertools import combinations

import pandas as pd
import pytest

from mask_world import LAST
from tickets.papers.registry import PAPERS
from tickets.papers.tamt.evidence import Evidence, Which
from tickets.papers.tamt.mask_index import CELLS, DISTANCES, PRETRAINING, TRAINING
from tickets.papers.tamt.methods import Method
from tickets.pruning.overlap import macro_jaccard, overlap

PAPER = PAPERS["tamt"]


@pytest.fixture(scope="module")
def frames(made, tmp_path_factory):
    """All frames, as read back."""
    folder = tmp_path_factory.mktemp("frames")
    with chdir(made.folder):
        for frame in PAPER.frames:
            frame.write(made.config, folder / f"{frame.name}.csv")
    return {f.name: pd.read_csv(folder / f"{f.name}.csv", keep_default_na=False) for f in PAPER.frames}


def masks_of(place):
    jobs = place.jobs("baseline_masks", "imp_masks", "mask_training")
    return [mask for job in jobs for cell in job.plans() for mask in cell.masks]


def test_all_inputs_are_made_by_jobs(made):
    outputs = {
        path for job in made.jobs("baseline_masks", "imp_masks", "mask_training") for path in job.outputs
    }
    inputs = {frame.name: frame.inputs(made.config) for frame in PAPER.frames}
    assert set(inputs) == {"pretraining", "training", "distances"}
    for name, paths in inputs.items():
        assert set(paths) <= outputs
        assert len(paths) == len(set(paths)), name
    assert len(inputs["pretraining"]) == len(masks_of(made)) + 2


def test_columns_are_those_of_the_contract_and_more(frames):
    for name, columns in (("pretraining", PRETRAINING), ("training", TRAINING), ("distances", DISTANCES)):
        assert set(columns) <= set(frames[name].columns), name
        assert not frames[name].duplicated().any()
    assert {"removed", "removed_with_pooler", "mlm_accuracy", "kd_loss_unpadded", "kd_mse"} <= set(
        frames["pretraining"].columns
    )
    assert {"loss", "removed", "grad_ratio", "method"} <= set(frames["training"].columns)


def test_pretraining_has_a_row_for_each_mask_and_the_full_models(made, frames):
    table = frames["pretraining"]
    found = Counter(
        zip(table["model"], table["method"], table["sparsity"].astype(float), table["mask_seed"], strict=True)
    )
    expected = Counter((m.model, m.method, m.sparsity, m.replicate) for m in masks_of(made))
    expected += Counter((model, "full", 0.0, 1) for model in ("base", "roberta"))
    assert found == expected
    row = table[(table["method"] == "tamt-kd.step4") & (table["mask_seed"] == 2)].iloc[0]
    losses = made.losses("tamt-kd.step4", "70", 2)
    assert {name: float(row[name]) for name in losses} == losses
    assert (row["kind"], row["init"], row["step"], row["main"]) == ("tamt-kd", "omp", 4, 0)
    full = table[table["kind"] == "full"]
    assert list(full["kd_loss"].astype(float)) == pytest.approx([0, 0], abs=1e-6)


def test_training_has_the_logged_points_of_every_run(made, frames):
    table = frames["training"]
    runs = {
        (
            m.model,
            Method.parse(m.method).run.token,
            m.level if Method.parse(m.method).trained else "",
            m.replicate,
        )
        for m in masks_of(made)
        if m.method not in ("omp", "random")
    }
    search = table[table["kind"].str.startswith("tamt")]
    chains = table[table["kind"].str.startswith("imp")]
    keys = {(m, t, f"{round(100 * float(s))}", n) for m, t, s, n in zip(
        search["model"], search["method"], search["sparsity"], search["mask_seed"], strict=True)}  # fmt: skip
    keys |= {
        (m, t, "", n) for m, t, n in zip(chains["model"], chains["method"], chains["mask_seed"], strict=True)
    }
    assert keys == runs
    assert not search["method"].str.contains("step").any()
    assert (search["grad_ratio"].astype(float) > 0).all()
    assert set(chains["grad_ratio"]) == {""}, "IMP trains no scores"
    curve = search[(search["method"] == "tamt-mlm") & (search["sparsity"].astype(float) == 0.7)]
    assert sorted(set(curve["step"])) == [1, 2, 4, 6, LAST]
    one = chains[(chains["method"] == "imp") & (chains["mask_seed"] == 1) & (chains["model"] == "base")]
    assert list(one["step"]) == [1, 2, 4, 6, 8, 10, 12, 14, 16, 18]
    assert [round(10 * float(s)) for s in one["sparsity"]] == [1, 1, 2, 2, 3, 4, 4, 5, 6, 6], "as it was then"
    assert (table["seconds_per_step"].astype(float) > 0).all()


def test_distances_are_of_one_shot_masks_to_all_and_of_main_masks_to_one_another(made, frames):
    table = frames["distances"]
    for model, level in (("base", "50"), ("base", "70"), ("roberta", "50")):
        group = [m for m in masks_of(made) if (m.model, m.level) == (model, level)]
        group = [m for m in group if not Method.parse(m.method).ablation]
        main = [m for m in group if Method.parse(m.method) == Method(Method.parse(m.method).kind)]
        expected = len(group) - 1 + len(list(combinations(main, 2))) - (len(main) - 1)
        part = table[(table["model"] == model) & (table["sparsity"].astype(float) == int(level) / 100)]
        assert len(part) == expected
        assert len(part[part["method_a"] == "omp"]) == len(group) - 1
    assert not table["method_a"].str.contains(r"\.").any()
    assert {"imp.every1", "imp.every2", "tamt-mlm.step8", "tamt-kd-random.step2"} <= set(table["method_b"])


def test_distances_are_those_of_the_masks(made, frames):
    table = frames["distances"]
    for row in table.sample(25, random_state=1).itertuples():
        level = f"{round(100 * float(row.sparsity))}"
        one = made.mask(row.method_a, level, row.mask_seed_a, row.model)
        other = made.mask(row.method_b, level, row.mask_seed_b, row.model)
        assert float(row.jaccard_macro) == macro_jaccard(one, other)
        assert float(row.jaccard_micro) == overlap(one, other).kept_jaccard
        assert 0 < row.jaccard_micro < 1
    both, either = (one & other).flat(), (one | other).flat()
    assert float(row.jaccard_micro) == pytest.approx(int(both.sum()) / int(either.sum()))


def test_the_evidence_reads_them(made, frames):
    options = PAPER.evidence_options(made.config)
    assert options["main_steps"] == {"50": 4, "70": 6}
    ours = Evidence.from_frames(
        empty_cells(), {name: retyped(f) for name, f in frames.items()}, None, **options
    )
    for which, parts in (
        (Which("tamt-mlm", 0.7), ("tamt-mlm", "70")),
        (Which("tamt-kd", 0.7, step=LAST), ("tamt-kd.step8", "70")),
        (Which("tamt-mlm", 0.7, init="random", step=2), ("tamt-mlm-random.step2", "70")),
        (Which("imp", 0.7, interval=2), ("imp.every2", "70")),
        (Which("imp-rewind", 0.5), ("imp-rewind", "50")),
        (Which("random", 0.5, model="roberta"), ("random", "50", "roberta")),
        (Which("tamt-kd", 0.7, ablation="calm"), ("tamt-kd.calm", "70")),
    ):
        method, level, *model = parts
        found = ours.losses(which, "kd_loss").to_dict()
        seeds = (1,) if which.ablation else (1, 2)
        assert found == {s: made.losses(method, level, s, *model)["kd_loss"] for s in seeds}
    assert ours.losses(Which("full", 0.0), "mlm_loss").shape == (1,)
    similar = ours.distance(Which("omp", 0.7), Which("tamt-mlm", 0.7, step=2))
    expected = 1 - macro_jaccard(made.mask("omp", "70", 1), made.mask("tamt-mlm.step2", "70", 1))
    assert similar.iloc[0] == pytest.approx(expected)
    assert ours.seconds_per_step("tamt-kd", "base") > 0
    assert len(ours.curve(Which("tamt-mlm", 0.7), "loss")) == 5


def empty_cells():
    return pd.DataFrame(columns=list(CELLS))


def retyped(frame):
    """As pandas reads it by itself."""
    return frame.replace("", pd.NA).infer_objects()
