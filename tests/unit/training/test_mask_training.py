"""Mask training against the small cases of spec tamt section 8."""

import os
import signal

import pytest
import torch

from tickets.errors import TicketsError
from tickets.models.heads import Head
from tickets.models.layout import prunable_shapes
from tickets.models.model import Model
from tickets.pruning.local import local_magnitude, local_random, zeros_of
from tickets.pruning.mask import Mask
from tickets.pruning.prunable import POOLER, WORDS
from tickets.training.checkpoint import Checkpoint
from tickets.training.loop import Watch, train
from tickets.training.mask_policy import MaskPolicy
from tickets.training.mask_training import DECODER, MaskTraining
from tickets.training.objective import TaskObjective
from tickets.training.schedule import LinearDecay
from tiny_engine import tiny_config, tiny_model, tiny_recipe, tiny_task

MLM = Head("mlm")
QUERY = "encoder.layer.0.attention.self.query.weight"
RATE, SPARSITY = 2e-3, 0.7


def values_of(model, pooler=True):
    """The paper's prunable set."""
    return {name: model.parameters.view(name) for name in prunable_shapes(model.config, pooler, words=True)}


def omp(model, sparsity=SPARSITY, pooler=True):
    return local_magnitude(values_of(model, pooler), sparsity)


def one_matrix(side, start=None, sparsity=0.5, **policy):
    """A training in which a square query matrix is looked at."""
    model = tiny_model(MLM, hidden_size=side, heads=1, layers=1, intermediate_size=2, vocab_size=4)
    kept = {name: torch.zeros(value.shape, dtype=torch.bool) for name, value in values_of(model).items()}
    if start is not None:
        kept[QUERY] = torch.tensor(start, dtype=torch.bool)
    return model, lambda: MaskTraining(model, Mask(kept), MaskPolicy(**policy), sparsity)


class Line:
    """O1: W x against t, the matrix being a query of a real model."""

    def __init__(self, **policy):
        self.model, build = one_matrix(2, [[1, 0], [1, 0]], phi=0.5, alpha=2.0, **policy)
        self.model.parameters.view(QUERY).copy_(torch.tensor([[0.5, -1.0], [2.0, 0.25]]))
        self.training = build()
        self.scores = self.training.store.view(QUERY)

    def backward(self):
        self.training.write()
        y = self.model.parameters.leaf(QUERY) @ torch.tensor([1.0, 2.0])
        loss = 0.5 * (y - 1.0).square().sum()
        loss.backward()
        self.training.collect(1)
        span = self.training.store.spans[QUERY]
        return y.detach(), float(loss.detach()), self.training.store.grad[span.start : span.stop].view(2, 2)

    def kept(self):
        self.training.write()
        return (self.model.parameters.view(QUERY) != 0).int().tolist()


def test_o1_straight_through():
    line = Line()
    assert line.scores.tolist() == [[1, 0], [1, 0]]
    y, loss, gradient = line.backward()
    assert y.tolist() == [0.5, 2]
    assert loss == 0.625
    assert gradient.tolist() == [[-0.25, 1], [2, 0.5]]


def test_o2_a_step_and_the_strict_threshold():
    line = Line()
    line.scores.sub_(0.25 * line.backward()[2])
    assert line.scores.tolist() == [[1.0625, -0.25], [0.5, -0.125]]
    assert line.kept() == [[1, 0], [0, 0]]


def test_o2_a_score_at_the_threshold_is_kept_with_at_least():
    line = Line(binarise="at-least")
    line.scores.sub_(0.25 * line.backward()[2])
    assert line.kept() == [[1, 0], [1, 0]]


def test_o3_dynamic_threshold():
    line = Line(every=1)
    line.scores.sub_(0.25 * line.backward()[2])
    line.training.updated(1)
    assert float(line.training.thresholds[line.training.names.index(QUERY)]) == -0.125
    assert line.kept() == [[1, 0], [1, 0]]
    assert line.training.mask()[QUERY].int().tolist() == [[1, 0], [1, 0]]


def test_o3_with_at_least_the_threshold_is_the_lowest_score_that_is_kept():
    line = Line(every=1, binarise="at-least")
    line.scores.sub_(0.25 * line.backward()[2])
    line.training.updated(1)
    assert float(line.training.thresholds[line.training.names.index(QUERY)]) == 0.5
    assert line.kept() == [[1, 0], [1, 0]]
    assert line.training.mask()[QUERY].int().tolist() == [[1, 0], [1, 0]]


@pytest.mark.parametrize("binarise", ["above", "at-least"])
@pytest.mark.parametrize(("rank", "kept"), [("signed", [0, 1, 1, 0]), ("absolute", [1, 0, 1, 0])])
def test_o4_raw_or_absolute_ranking(rank, kept, binarise):
    model, build = one_matrix(4, rank=rank, binarise=binarise, every=1)
    model.parameters.view(QUERY).fill_(1.0)
    training = build()
    training.store.view(QUERY).copy_(torch.tensor([-0.03, 0.01, 0.02, 0.005]).expand(4, 4))
    assert training.mask()[QUERY].int().tolist() == [kept] * 4
    training.updated(1)
    training.write()
    assert model.parameters.view(QUERY).tolist() == [kept] * 4


@pytest.mark.parametrize("binarise", ["above", "at-least"])
@pytest.mark.parametrize("ties", ["strict", "exact"])
def test_o5_ties(ties, binarise):
    """Each row as in the oracle: four zeros and two above; a third of the matrix is to go."""
    training = one_matrix(6, sparsity=0.34, ties=ties, binarise=binarise)[1]()
    training.store.view(QUERY).copy_(torch.tensor([0.0, 0, 0, 0, 0.02, 0.02]).expand(6, 6))
    kept = training.mask()[QUERY].int()
    assert zeros_of(36, 0.34) == 12
    if ties == "exact":
        assert kept.tolist() == [[0, 0, 0, 0, 1, 1]] * 3 + [[1] * 6] * 3
    elif binarise == "above":
        assert kept.tolist() == [[0, 0, 0, 0, 1, 1]] * 6
    else:
        assert kept.tolist() == [[1] * 6] * 6


@pytest.mark.parametrize("rank", ["signed", "absolute"])
@pytest.mark.parametrize("sparsity", [0.0, 0.31, 0.7, 0.99])
def test_without_ties_both_thresholds_remove_exactly_as_many_as_must_go(sparsity, rank):
    scores = torch.randn(7, 13, generator=torch.Generator().manual_seed(3))
    k = zeros_of(91, sparsity)
    above, at_least = (MaskPolicy(binarise=how, rank=rank) for how in ("above", "at-least"))
    assert int((~above.mask(scores, k)).sum()) == k
    assert torch.equal(above.mask(scores, k), at_least.mask(scores, k))
    assert above.threshold(scores, k) < at_least.threshold(scores, k)


def test_with_at_least_kept_weights_may_start_on_the_threshold():
    start = [[0, 1], [1, 0]]
    for binarise, kept in (("above", [[0, 0], [0, 0]]), ("at-least", start)):
        model, build = one_matrix(2, start, alpha=1.0, binarise=binarise)
        model.parameters.view(QUERY).fill_(1.0)
        build().write()
        assert model.parameters.view(QUERY).tolist() == kept


def test_o6_scores_of_the_first_mask():
    build = one_matrix(2, [[0, 1], [1, 0]])[1]
    assert build().store.view(QUERY).tolist() == torch.tensor([[0, 0.02], [0.02, 0]]).tolist()


class Search:
    """TAMT-MLM in small, with dropout: each call is a fresh attempt in what could be a fresh process."""

    def __init__(self, steps=9, horizon=20, pooler=True, start=omp, optimizer="adamw", **policy):
        self.steps, self.horizon, self.pooler, self.start = steps, horizon, pooler, start
        self.policy = MaskPolicy(**{"every": 4, **policy})
        scope = {"clip_scope": "tensor"} if optimizer == "bertadam" else {}
        self.recipe = tiny_recipe(optimizer=optimizer, learning_rate=RATE, **scope)

    def model(self):
        return tiny_model(MLM, hidden_dropout=0.1, attention_dropout=0.1)

    def __call__(self, watch=None, after_step=None, log_due=None):
        model = self.model()
        objective = TaskObjective(tiny_task("mlm"), MLM, self.recipe, model, seed=4)
        self.training = MaskTraining(
            model, self.start(model, pooler=self.pooler), self.policy, SPARSITY,
            steps_per_epoch=objective.steps_per_epoch, log_due=log_due,
        )  # fmt: skip
        train(
            model, objective, self.recipe, LinearDecay(RATE, self.horizon), self.steps,
            seed=4, watch=watch, after_step=after_step, through=self.training,
        )  # fmt: skip
        return self.training


def random_start(model, pooler):
    shapes = {name: value.shape for name, value in values_of(model, pooler).items()}
    return local_random(shapes, SPARSITY, torch.Generator().manual_seed(9))


@pytest.mark.parametrize("start", [omp, random_start])
def test_o18_all_but_masks_and_the_head_is_frozen(start):
    search = Search(steps=10, start=start)
    before = search.model()
    training = search()
    model, spans = training.model, before.parameters.spans
    for name in before.head_values():
        assert not torch.equal(training.store.view(name), before.parameters.view(name))
    for name in set(spans) - set(values_of(before)) - before.head_names | {WORDS, POOLER}:
        assert torch.equal(model.parameters.view(name), before.parameters.view(name)), name
    first, last = start(before, pooler=True), training.mask()
    assert torch.equal(first[POOLER], last[POOLER])
    assert all(not torch.equal(first[name], last[name]) for name in first if name != POOLER)
    training.close()
    assert torch.equal(model.parameters.flat.data, before.parameters.flat.data)
    assert model.encoder.lookup is None
    assert model.parameters.leaf("embeddings.LayerNorm.weight").requires_grad


def test_a_trained_decoder_moves_and_lookups_read_the_frozen_table():
    search = Search(steps=10, decoder="trained", every=10)
    before = search.model()
    table, spans = before.parameters.view(WORDS), before.parameters.spans
    training = search()
    model = training.model
    training.write()
    assert torch.equal(model.parameters.view(WORDS), training.store.view(DECODER))
    assert (model.parameters.view(WORDS) != table).float().mean() > 0.9
    ids = torch.arange(len(table))
    assert torch.equal(model.encoder.lookup(ids).detach(), table * training.mask()[WORDS])
    for name in before.head_names:
        assert not torch.equal(training.store.view(name), before.parameters.view(name))
    for name in set(spans) - set(values_of(before)) - before.head_names | {POOLER}:
        assert torch.equal(model.parameters.view(name), before.parameters.view(name)), name
    assert training.mask() != Search(steps=10, every=10)().mask()
    training.close()
    assert torch.equal(model.parameters.flat.data, before.parameters.flat.data)


def test_a_decoder_is_only_copied_where_it_is_trained():
    body = Search().model().parameters
    frozen, trained = (Search(steps=1, decoder=how)() for how in ("frozen", "trained"))
    assert DECODER not in frozen.store.spans
    assert len(trained.store.flat) - len(frozen.store.flat) == body.view(WORDS).numel()
    assert frozen.model.encoder.lookup.table.data_ptr() == frozen.model.parameters.view(WORDS).data_ptr()
    model = tiny_model(Head("classification", 2))
    alone = MaskTraining(model, omp(model), MaskPolicy(decoder="trained"), SPARSITY)
    assert DECODER not in alone.store.spans


def test_a_trained_decoder_needs_scores_of_the_words():
    model = tiny_model(MLM)
    mask = Mask.dense(prunable_shapes(model.config))
    with pytest.raises(TicketsError, match="needs scores of the word table"):
        MaskTraining(model, mask, MaskPolicy(decoder="trained"), SPARSITY)


@pytest.mark.parametrize("binarise", ["above", "at-least"])
@pytest.mark.parametrize("rank", ["signed", "absolute"])
def test_what_runs_right_after_an_update_is_the_mask_that_is_saved(rank, binarise):
    search = Search(steps=8, every=4, start=random_start, rank=rank, binarise=binarise)
    dense = search.model()
    training = search()
    training.write()
    model, mask = training.model, training.mask()
    for name in set(training.names) - {WORDS}:
        assert torch.equal(model.parameters.view(name), dense.parameters.view(name) * mask[name])
    ids = torch.arange(len(mask[WORDS]))
    assert torch.equal(model.encoder.lookup(ids).detach(), dense.parameters.view(WORDS) * mask[WORDS])
    removed = sum(int((~mask[name]).sum()) for name in training.names)
    assert training.realised() == removed / sum(mask[name].numel() for name in training.names)
    assert any((training.store.view(name) < 0).any() for name in training.names)


def test_a_mask_without_pooler_has_none_in_the_end():
    training = Search(pooler=False)()
    assert POOLER not in training.mask()
    assert list(training.mask()) == [
        n for n in prunable_shapes(training.model.config, words=True) if n != POOLER
    ]


def test_without_an_mlm_head_scores_are_all_that_trains():
    head = Head("classification", 2)
    model, recipe = tiny_model(head), tiny_recipe(learning_rate=0.02)
    before = model.parameters.flat.data.clone()
    training = MaskTraining(model, omp(model), MaskPolicy(every=2), SPARSITY)
    objective = TaskObjective(tiny_task(), head, recipe, model, seed=1)
    train(model, objective, recipe, LinearDecay(0.02, 6), 6, seed=1, through=training)
    assert set(training.store.spans) == set(values_of(model)) - {POOLER}
    assert training.mask() != omp(tiny_model(head))
    training.close()
    assert torch.equal(model.parameters.flat.data, before)


def test_masks_have_the_exact_sparsity_after_training():
    exact, strict = (Search(ties=ties)().mask() for ties in ("exact", "strict"))
    for name, kept in exact.items():
        assert int((~kept).sum()) == zeros_of(kept.numel(), SPARSITY)
        assert bool((kept | ~strict[name]).all())
    # The rows of tokens that never occur tie at zero, and with "strict" all that tie at the threshold go.
    assert [name for name in exact if not torch.equal(exact[name], strict[name])] in ([], [WORDS])


@pytest.mark.parametrize("stop", [1, 4, 6])
def test_o20_a_mask_on_the_way_is_that_of_a_run_which_stops_there(stop):
    seen = {}
    long = Search(steps=9)
    long(after_step=lambda step: seen.setdefault(step, long.training.mask()))
    short = Search(steps=stop)()
    assert seen[stop] == short.mask()
    plain = Search(steps=9)()
    assert torch.equal(plain.store.flat, long.training.store.flat)
    assert torch.equal(plain.thresholds, long.training.thresholds)


def test_o21_scores_are_float32_and_other_models_are_refused():
    training = one_matrix(2)[1]()
    assert {training.store.flat.dtype, training.store.grad.dtype, training.thresholds.dtype} == {
        torch.float32
    }
    score = torch.tensor(0.02, dtype=torch.bfloat16)
    assert score - 5e-5 == score
    model = Model(tiny_config(), [MLM], dtype=torch.bfloat16)
    mask = Mask.dense(prunable_shapes(model.config, words=True))
    with pytest.raises(TicketsError, match=r"torch\.bfloat16; .* Use a float32 model"):
        MaskTraining(model, mask, MaskPolicy(), SPARSITY)


def test_o22_cadence_of_thresholds():
    mlm = MaskPolicy(every=1000)
    assert [step for step in range(1, 3001) if mlm.due(step)] == [1000, 2000, 3000]
    kd = MaskPolicy(every=100, at_first=True, shift=1, at_epoch_end=True)
    due = [step for step in range(1, 400) if kd.due(step, steps_per_epoch=250)]
    assert due == [1, 99, 199, 250, 299, 399]
    with pytest.raises(ValueError, match="steps of an epoch"):
        kd.due(1)


def test_o22_thresholds_rest_between_updates():
    seen, search = [], Search(steps=9, every=4)
    search(after_step=lambda step: seen.append(search.training.thresholds.clone()))
    phi = torch.full_like(seen[0], 0.01)
    assert all(torch.equal(value, phi) for value in seen[:3])
    assert not any((seen[3] == phi).tolist())
    assert all(torch.equal(value, seen[3]) for value in seen[3:7])
    assert not torch.equal(seen[7], seen[3])
    assert torch.equal(seen[8], seen[7])


def test_realised_sparsity_drifts_between_updates_and_is_exact_after_them():
    seen, search = {}, Search(steps=8, ties="exact")

    def look(step):
        training = search.training
        mask = training.mask()
        wanted = sum(int((~mask[name]).sum()) for name in training.names)
        seen[step] = training.realised() - wanted / sum(mask[name].numel() for name in training.names)

    search(after_step=look)
    assert seen[8] == pytest.approx(0, abs=2e-3)
    assert seen[8] >= 0
    assert any(abs(drift) > 2e-3 for drift in seen.values())


def test_the_first_threshold_is_phi_and_removes_the_first_mask():
    model = tiny_model(MLM)
    first = omp(model)
    training = MaskTraining(model, first, MaskPolicy(), SPARSITY)
    dense = {name: value.clone() for name, value in values_of(model).items()}
    training.write()
    for name in first:
        expected = dense[name] if name in (WORDS, POOLER) else dense[name] * first[name]
        assert torch.equal(model.parameters.view(name), expected)
    ids = torch.arange(60)
    assert torch.equal(model.encoder.lookup(ids).detach(), dense[WORDS] * first[WORDS])
    removed = sum(int((~first[name]).sum()) for name in training.names)
    assert training.realised() == removed / sum(first[name].numel() for name in training.names)


def test_the_length_of_the_gradient_is_logged_when_asked_for():
    search, seen = Search(steps=6), []
    training = search(
        log_due=lambda step: step in (2, 5), after_step=lambda step: seen.append(search.training.grad_rms)
    )
    assert seen[0] is None
    assert seen[1] == seen[2] == seen[3] != seen[4] == seen[5] == training.grad_rms
    expected = Search(steps=6)()
    assert torch.equal(expected.store.flat, training.store.flat)
    line = Line()
    line.training.log_due = lambda step: True
    gradient = line.backward()[2]
    total = sum(line.training.store.view(name).numel() for name in line.training.names)
    assert line.training.grad_rms == pytest.approx(float((gradient.square().sum() / total).sqrt()))


def test_a_parametrisation_has_its_own_mask_and_optimizer():
    model = tiny_model(MLM)
    training = MaskTraining(model, omp(model), MaskPolicy(), SPARSITY)
    recipe = tiny_recipe()
    objective = TaskObjective(tiny_task("mlm"), MLM, recipe, model, seed=1)
    with pytest.raises(ValueError, match="neither 'mask' nor 'moments'"):
        train(model, objective, recipe, LinearDecay(RATE, 2), 2, seed=1, mask=omp(model), through=training)


def killed(work, step):
    """Run `work` in a process of its own, which dies after `step`; returns its exit code."""
    pid = os.fork()
    if pid == 0:
        try:
            work(lambda done: os.kill(os.getpid(), signal.SIGKILL) if done == step else None)
            os._exit(0)
        except BaseException:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@pytest.mark.parametrize("policy", [{}, {"decoder": "trained", "rank": "absolute", "binarise": "at-least"}])
@pytest.mark.parametrize("optimizer", ["adamw", "bertadam"])
@pytest.mark.parametrize("kill_at", [3, 5, 8])
def test_o20_a_killed_run_goes_on_to_the_same_bits(tmp_path, optimizer, kill_at, policy):
    search = Search(steps=9, optimizer=optimizer, at_first=True, **policy)
    expected, watch = search(), Watch(Checkpoint(tmp_path, "me"), checkpoint_steps=2)
    assert killed(lambda hook: search(watch, hook), kill_at) == -signal.SIGKILL
    assert watch.checkpoint.load()[1]["step"] == (kill_at - 1) // 2 * 2
    again = search(watch)
    assert torch.equal(again.store.flat, expected.store.flat)
    assert torch.equal(again.thresholds, expected.thresholds)
    assert again.mask() == expected.mask()
