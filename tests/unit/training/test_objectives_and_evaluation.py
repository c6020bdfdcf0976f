"""Losses as functions of the step alone, predictions in row order, and data that do not fit."""

import pytest
import torch
import torch.nn.functional as F

from tickets.data.encoded import Split
from tickets.errors import TicketsError
from tickets.models.encoder import grid_tokens
from tickets.models.heads import Head, loss
from tickets.training import evaluate
from tickets.training.evaluate import batches, predict, predict_words
from tickets.training.objective import PretrainingObjective, SumObjective, TaskObjective, masked_rows
from tickets.training.resident import Resident
from tickets.training.seeds import derive_seed
from tiny_engine import tiny_model, tiny_recipe, tiny_split, tiny_task

CLASSES, MLM = Head("classification", 2), Head("mlm")


def value(objective, model, step):
    return float(objective.loss(model, step).detach())


@pytest.mark.parametrize("kind", ["classification", "regression", "span", "mlm"])
def test_a_loss_depends_on_the_step_alone(kind):
    head = Head(kind, {"classification": 2, "regression": 1, "span": 2}.get(kind, 0))
    model, data = tiny_model(head), tiny_task(kind)
    first, second = (TaskObjective(data, head, tiny_recipe(), model, seed=9) for _ in range(2))
    forward = [value(first, model, step) for step in range(7)]
    backward = [value(second, model, step) for step in reversed(range(7))]
    assert forward == backward[::-1]
    assert len(set(forward)) == 7
    assert first.steps_per_epoch == 3


def test_a_task_loss_is_that_of_its_rows():
    model, data = tiny_model(CLASSES), tiny_task()
    objective = TaskObjective(data, CLASSES, tiny_recipe(), model, seed=9)
    rows = objective.order(2)
    assert len(rows) == 6
    resident = Resident(data.splits["train"], model.config)
    expected = loss(
        "classification", model.forward(resident.batch(rows), CLASSES), data.splits["train"].labels[rows]
    )
    assert value(objective, model, 2) == float(expected.detach())


def test_o18_words_are_masked_afresh_at_each_visit():
    model, data = tiny_model(MLM), tiny_task("mlm", n_train=8)
    objective = TaskObjective(data, MLM, tiny_recipe(mlm_probability=0.5), model, seed=9)
    draws = {float(objective._mlm(model, torch.arange(8), step).detach()) for step in range(4)}
    assert len(draws) == 4


def test_a_batch_without_a_chosen_word_trains_on_nothing():
    model, data = tiny_model(MLM), tiny_task("mlm")
    objective = TaskObjective(data, MLM, tiny_recipe(mlm_probability=1e-9), model, seed=9)
    nothing = objective.loss(model, 0)
    nothing.backward()
    assert float(nothing.detach()) == 0.0
    assert model.parameters.grad.abs().max() == 0


def test_rows_cut_the_training_set():
    model, data = tiny_model(MLM), tiny_task("mlm")
    assert len(TaskObjective(data, MLM, tiny_recipe(), model, 9, rows=5).train) == 5
    assert len(TaskObjective(data, MLM, tiny_recipe(), model, 9, rows=500).train) == 22


def test_a_sum_of_tasks_is_unweighted_and_smaller_sets_cycle():
    heads = (Head("classification", 2, "rte:"), Head("mlm", prefix="mlm:"))
    model = tiny_model(*heads)
    small, large = tiny_task(n_train=9), tiny_task("mlm", n_train=30)
    pairs = zip((small, large), heads, strict=True)
    parts = [TaskObjective(data, head, tiny_recipe(), model, 9) for data, head in pairs]
    both = SumObjective(parts)
    assert both.steps_per_epoch == 4
    for step in range(5):
        expected = sum(value(part, model, step) for part in parts)
        assert value(both, model, step) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("nsp", [True, False])
def test_pretraining_masks_true_pairs_and_judges_clean_ones(nsp):
    heads = (MLM, Head("nsp", 2))
    model, data = tiny_model(*heads), tiny_task(n_train=30)
    recipe = tiny_recipe(mlm_probability=0.4)
    objective = PretrainingObjective(data, recipe, model, 9, nsp)
    train = Resident(data.splits["train"], model.config)
    rows = objective.positive[objective.mlm_order(1)]
    assert bool((data.splits["train"].labels[rows] == 1).all())
    ids, labels = masked_rows(train, rows, data.meta, recipe, derive_seed(9, "mask", 1))
    batch = train.batch(rows, ids)
    words = model.forward(batch, MLM, read=grid_tokens(batch, labels != -100))
    expected = F.cross_entropy(words, labels[labels != -100])
    if nsp:
        clean = objective.nsp_order(1)
        guesses = model.forward(train.batch(clean), heads[1])
        expected = expected + F.cross_entropy(guesses, data.splits["train"].labels[clean])
    torch.testing.assert_close(objective.loss(model, 1), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", ["classification", "regression", "span"])
@pytest.mark.parametrize("tokens", [16_384, 20])
def test_predictions_come_in_row_order_whatever_the_batches(kind, tokens, monkeypatch):
    monkeypatch.setattr(evaluate, "EVAL_TOKENS", tokens)
    head = Head(kind, 1 if kind == "regression" else 2)
    model, split = tiny_model(head, hidden_dropout=0.5), tiny_split(17, kind)
    resident = Resident(split, model.config)
    outputs = predict(model, head, resident)
    for row in range(17):
        with torch.no_grad():
            alone = model.forward(resident.batch(torch.tensor([row])), head)[0]
        mine = outputs[row, : split.lengths[row]] if kind == "span" else outputs[row]
        torch.testing.assert_close(mine, alone, rtol=1e-5, atol=1e-6)
        if kind == "span":
            assert bool((outputs[row, split.lengths[row] :] == float("-inf")).all())


def test_token_ids_beyond_the_vocabulary_say_that_tokenizer_and_weights_differ():
    model = tiny_model()
    split = tiny_split(4)
    ids = split.ids.clone()
    ids[2, 1] = model.config.vocab_size
    wrong = Split(ids, split.segments, split.lengths, split.labels)
    with pytest.raises(TicketsError, match=r"tokenizer and weights are not of one model. Check model.path"):
        Resident(wrong, model.config)


@pytest.mark.parametrize("tokens", [16_384, 64, 1])
def test_evaluation_batches_cover_every_row_once_and_stay_small(tokens, monkeypatch):
    monkeypatch.setattr(evaluate, "EVAL_TOKENS", tokens)
    resident = Resident(tiny_split(40), tiny_model().config)
    found = list(batches(resident))
    assert sorted(torch.cat(found).tolist()) == list(range(40))
    for rows in found:
        assert len(rows) == 1 or len(rows) * int(resident.host_lengths[rows].max()) <= tokens


def test_masked_words_are_micro_averaged_and_the_same_every_time(monkeypatch):
    model, data = tiny_model(MLM), tiny_task("mlm")
    resident = Resident(data.splits["dev"], model.config)
    recipe = tiny_recipe(mlm_probability=0.5)
    once, again = (predict_words(model, MLM, resident, data, recipe, seed=5) for _ in range(2))
    assert once == again
    assert predict_words(model, MLM, resident, data, recipe, seed=6) != once

    rows = next(batches(resident))
    assert len(rows) == 14
    ids, labels = masked_rows(resident, rows, data.meta, recipe, 5)
    batch, chosen = resident.batch(rows, ids), labels != -100
    with torch.no_grad():
        logits = model.forward(batch, MLM, read=grid_tokens(batch, chosen))
    assert once.total == int(chosen.sum())
    assert once.scores()["accuracy"] == pytest.approx(
        100 * float((logits.argmax(-1) == labels[chosen]).float().mean()), rel=1e-6
    )
    assert once.scores()["loss"] == pytest.approx(float(F.cross_entropy(logits, labels[chosen])), rel=1e-5)


def test_inputs_that_do_not_fit_the_model_are_errors():
    config = tiny_model(max_positions=10).config
    with pytest.raises(TicketsError) as caught:
        Resident(tiny_split(5), config)
    assert str(caught.value) == (
        "an input has 12 tokens, the model takes 10; lower max_length in the recipe."
    )
    roberta = tiny_model(family="roberta", max_positions=13, pad_id=1).config
    with pytest.raises(TicketsError, match="an input has 12 tokens, the model takes 11"):
        Resident(tiny_split(5), roberta)
    empty = Split(torch.zeros(0, 4), torch.zeros(0, 4), torch.zeros(0))
    with pytest.raises(TicketsError, match="a data split is empty"):
        Resident(empty, config)
