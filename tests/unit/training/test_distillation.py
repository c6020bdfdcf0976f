"""The loss towards a teacher: its oracle, padding, dropout of the two models, and gradients of transformers."""

import pytest
import torch
import torch.nn.functional as F
from transformers.models.bert import modeling_bert as bert
from transformers.models.roberta import modeling_roberta as roberta

from tickets.data.encoded import EncodedTask, Split
from tickets.errors import TicketsError
from tickets.models.encoder import grid_tokens
from tickets.models.heads import Head
from tickets.pruning.local import local_magnitude
from tickets.pruning.prunable import POOLER, WORDS
from tickets.training import distillation_losses as on_dev
from tickets.training.distillation import DistillationObjective, hidden_loss, padded_batch
from tickets.training.distillation_losses import distillation_losses
from tickets.training.loop import train
from tickets.training.mask_policy import MaskPolicy
from tickets.training.mask_training import MaskTraining
from tickets.training.objective import TaskObjective, masked_rows
from tickets.training.resident import Resident
from tickets.training.schedule import LinearDecay
from tickets.training.seeds import derive_seed
from tiny_engine import tiny_model, tiny_recipe, tiny_task

MLM = Head("mlm")
ROBERTA = {"family": "roberta", "pad_id": 1, "segment_types": 1, "max_positions": 34}
FAMILIES = pytest.mark.parametrize("family", ["bert", "roberta"])


def states(*layers):
    """An embedding output that must not matter, and the given layers."""
    return [torch.full((len(layers[0]), 2), 7.0), *(torch.tensor(layer) for layer in layers)]


def random_states(seed=0, tokens=6, layers=3):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(tokens, 4, generator=generator) for _ in range(layers + 1)]


def pair(family="bert", heads=(), **changes):
    """A student and another model as its teacher."""
    facts = {**(ROBERTA if family == "roberta" else {}), **changes}
    return tiny_model(*(heads or (MLM,)), seed=1, **facts), tiny_model(MLM, seed=2, **facts)


def documents(family="bert", full=False, **changes):
    """MLM data with the family's ids of padding and first token; `full`: blocks without padding."""
    data = tiny_task("mlm", **changes)
    if full:
        splits = {}
        for name, split in data.splits.items():
            whole = split.rows(split.lengths == 12)
            splits[name] = Split(whole.ids, whole.segments, whole.lengths)
        return EncodedTask(splits, data.meta)
    if family == "bert":
        return data
    splits = {}
    for name, split in data.splits.items():
        ids = torch.where(split.ids < 2, 1 - split.ids, split.ids)
        splits[name] = Split(ids, torch.zeros_like(split.segments), split.lengths)
    return EncodedTask(splits, {**data.meta, "pad_id": 1, "cls_id": 0})


def objective(model, teacher, data, seed=9, recipe=None, **options):
    facts = {"pads": "include", "teacher_dropout": False, **options}
    return DistillationObjective(data, recipe or tiny_recipe(), model, teacher, seed, **facts)


def value(objective, model, step=0):
    torch.manual_seed(5)
    return float(objective.loss(model, step).detach())


def test_tamt_o12_distance_of_hidden_states():
    student = states([[1.0, 0.0], [0.0, 1.0]])
    teacher = states([[1.0, 0.0], [1.0, 0.0]])
    assert float(hidden_loss(student, teacher)) == pytest.approx(0.5, abs=1e-7)
    assert float(hidden_loss(student, student)) == pytest.approx(0.0, abs=1e-6)
    assert float(hidden_loss(student, teacher, "mse")) == pytest.approx(
        0.5, abs=1e-7
    )  # (0 + (1 + 1) / 2) / 2
    half = states([[1.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], [1.0, 0.0]])
    target = states([[1.0, 0.0], [1.0, 0.0]], [[1.0, 0.0], [1.0, 0.0]])
    assert float(hidden_loss(half, target)) == pytest.approx(
        0.25, abs=1e-7
    )  # mean over layers, not their sum


@pytest.mark.parametrize("scaled", ["student", "teacher"])
def test_tamt_o12_scale_and_embedding_output_do_not_matter(scaled):
    student, teacher = random_states(0), random_states(1)
    expected = float(hidden_loss(student, teacher))
    assert float(hidden_loss(random_states(0), random_states(0))) == pytest.approx(0.0, abs=1e-6)
    mine = [s * 3.0 for s in student] if scaled == "student" else student
    other = [t * 0.2 for t in teacher] if scaled == "teacher" else teacher
    assert float(hidden_loss(mine, other)) == pytest.approx(expected, abs=1e-6)
    assert abs(float(hidden_loss(mine, other, "mse")) - float(hidden_loss(student, teacher, "mse"))) > 1e-2
    student[0] = student[0] + 100.0
    assert float(hidden_loss(student, teacher)) == expected
    student[2] = -student[2]
    assert abs(float(hidden_loss(student, teacher)) - expected) > 1e-3


def test_models_of_different_depth_are_refused():
    with pytest.raises(ValueError, match="zip"):
        hidden_loss(random_states(layers=2), random_states(layers=3))
    with pytest.raises(ValueError, match="different configurations"):
        objective(tiny_model(MLM), tiny_model(MLM, layers=1), documents())


@FAMILIES
def test_tamt_o12_padding_changes_the_value_iff_it_is_included(family):
    model, teacher = pair(family)
    data = documents(family)
    rows, wider = tiny_recipe(max_length=14), tiny_recipe(max_length=20)
    included = [value(objective(model, teacher, data, recipe=r), model) for r in (rows, wider)]
    excluded = [
        value(objective(model, teacher, data, recipe=r, pads="exclude"), model) for r in (rows, wider)
    ]
    assert abs(included[0] - included[1]) > 1e-4
    assert excluded[0] == excluded[1]
    assert abs(included[0] - excluded[0]) > 1e-4
    # The states of real tokens are the same: nothing attends to padding.
    resident, chosen = Resident(data.splits["train"], model.config), torch.arange(6)
    wide = padded_batch(resident, chosen, 20, model.config.pad_id)
    real = (torch.arange(20) < resident.host_lengths[chosen, None]).flatten()
    packed = model.encoder.hidden_states(resident.batch(chosen))
    for mine, other in zip(model.encoder.hidden_states(wide), packed, strict=True):
        torch.testing.assert_close(mine[real], other, rtol=1e-4, atol=1e-5)


def test_full_blocks_have_no_padding_to_include():
    model, teacher = pair()
    data, recipe = documents(full=True, n_train=60), tiny_recipe(max_length=12)
    for words in (None, MLM):
        found = {
            value(objective(model, teacher, data, recipe=recipe, pads=pads, words=words), model)
            for pads in ("include", "exclude")
        }
        assert len(found) == 1


def hf_twin(model, family):
    """A transformers model with the same weights."""
    module = bert if family == "bert" else roberta
    facts = {"vocab_size": 60, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
    facts |= {"intermediate_size": 24, "attn_implementation": "eager"}
    facts |= {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    if family == "bert":
        config = bert.BertConfig(**facts, max_position_embeddings=32)
    else:
        facts |= {"max_position_embeddings": 34, "type_vocab_size": 1, "pad_token_id": 1}
        config = roberta.RobertaConfig(**facts, layer_norm_eps=model.config.layer_norm_eps)
    theirs = getattr(module, {"bert": "BertModel", "roberta": "RobertaModel"}[family])(config)
    named = dict(theirs.named_parameters())
    with torch.no_grad():
        for name in model.body_names:
            named[name].copy_(model.parameters.view(name))
    return theirs


@FAMILIES
@pytest.mark.parametrize("pads", ["include", "exclude"])
def test_loss_and_every_gradient_are_those_of_transformers(family, pads):
    student, teacher = pair(family)
    data, width = documents(family), 18
    mine = objective(student, teacher, data, recipe=tiny_recipe(max_length=width), pads=pads)
    rows = mine.order(1)
    train = data.splits["train"].rows(rows)
    pad_id = student.config.pad_id
    real = torch.arange(width) < train.lengths[:, None]
    ids = F.pad(train.ids, (0, width - 12), value=pad_id).long()
    inputs = {"input_ids": ids, "attention_mask": real.long()}
    inputs["token_type_ids"] = F.pad(train.segments, (0, width - 12)).long()
    theirs, target = (hf_twin(model, family) for model in (student, teacher))
    with torch.no_grad():
        wanted = target(**inputs, output_hidden_states=True).hidden_states
    found = theirs(**inputs, output_hidden_states=True).hidden_states
    chosen = torch.ones_like(real) if pads == "include" else real
    layers = zip(found[1:], wanted[1:], strict=True)
    cosines = [torch.nn.CosineSimilarity(dim=-1)(s[chosen], t[chosen]) for s, t in layers]
    expected = 1 - torch.stack(cosines).mean()
    loss = mine.loss(student, 1)
    torch.testing.assert_close(loss, expected, rtol=1e-5, atol=1e-6)
    assert float(loss.detach()) > 1e-3
    loss.backward()
    expected.backward()
    spans = student.parameters.spans
    ours = {n: student.parameters.grad[s.start : s.stop].view(s.shape) for n, s in spans.items()}
    for name, parameter in theirs.named_parameters():
        if parameter.grad is None:
            assert name.startswith("pooler")
            continue
        other = parameter.grad
        if name.startswith(("embeddings.word", "embeddings.position")):
            # transformers gives the padding's rows no gradient; mask training leaves it out of the word table too.
            other[pad_id], ours[name][pad_id] = 0.0, 0.0
        torch.testing.assert_close(ours[name], other, rtol=1e-3, atol=1e-6, msg=lambda m, n=name: f"{n}: {m}")
    assert not any(ours[name].any() for name in student.head_names)
    assert not teacher.parameters.grad.any()


@pytest.mark.parametrize("pads", ["include", "exclude"])
def test_words_and_distance_count_equally_on_the_same_masked_input(pads):
    model, teacher = pair()
    data, recipe = documents(), tiny_recipe(mlm_probability=0.4, max_length=15)
    both = objective(model, teacher, data, recipe=recipe, pads=pads, words=MLM)
    words = TaskObjective(data, MLM, recipe, model, seed=9)
    resident, step = Resident(data.splits["train"], model.config), 2
    ids, labels = masked_rows(resident, both.order(step), data.meta, recipe, derive_seed(9, "mask", step))
    if pads == "include":
        batch = padded_batch(resident, both.order(step), 15, 0, ids)
    else:
        batch = resident.batch(both.order(step), ids)
    distance = hidden_loss(*(m.encoder.hidden_states(batch) for m in (model, teacher)))
    assert len(grid_tokens(resident.batch(both.order(step), ids), labels != -100)) > 3
    torch.testing.assert_close(
        both.loss(model, step), words.loss(model, step) + distance, rtol=1e-5, atol=1e-5
    )
    both.loss(model, step).backward()
    found = model.parameters.grad.clone()
    model.parameters.grad.zero_()
    (words.loss(model, step) + distance).backward()
    torch.testing.assert_close(found, model.parameters.grad, rtol=1e-3, atol=1e-5)


def test_dropout_of_the_teacher_is_its_own():
    """A calm teacher gives the student's noise alone; a noisy one does not see the student's dropout (A8)."""
    rates = {"hidden_dropout": 0.3, "attention_dropout": 0.3}
    model, teacher = tiny_model(MLM, seed=1, **rates), tiny_model(MLM, seed=1, **rates)
    data = documents()
    calm, noisy = (objective(model, teacher, data, teacher_dropout=flag) for flag in (False, True))
    assert value(calm, model) == value(calm, model)
    assert value(noisy, model) > value(calm, model) > 0.01
    assert not teacher.parameters.grad.any()

    asked = []
    original = teacher.encoder.hidden_states
    teacher.encoder.hidden_states = lambda batch, *, train: (
        asked.append(train) or original(batch, train=train)
    )
    both = objective(model, teacher, data, teacher_dropout=False, words=MLM)
    for some in (calm, noisy, both):
        some.loss(model, 0)
    assert asked == [False, True, False]


def test_the_students_dropout_is_the_same_beside_either_teacher():
    model, teacher = (tiny_model(MLM, seed=s, hidden_dropout=0.3) for s in (1, 2))
    seen, original = [], model.encoder.hidden_states
    model.encoder.hidden_states = lambda batch, *, train: (
        seen.append(original(batch, train=train)) or seen[-1]
    )
    for flag in (False, True):
        value(objective(model, teacher, documents(), teacher_dropout=flag), model)
    assert all(torch.equal(a, b) for a, b in zip(*seen, strict=True))


def test_a_loss_depends_on_the_step_alone_and_training_reduces_it():
    model, teacher = pair()
    data, recipe = documents(), tiny_recipe(drop_last=True, learning_rate=3e-3)
    some = objective(model, teacher, data, recipe=recipe)
    assert some.steps_per_epoch == 2
    forward = [value(some, model, step) for step in range(4)]
    assert [value(some, model, step) for step in reversed(range(4))] == forward[::-1]
    assert len(set(forward)) == 4
    train(model, some, recipe, LinearDecay(3e-3, 30), 30, seed=1)
    assert value(some, model) < 0.5 * forward[0]


def test_masks_learn_to_do_what_the_dense_model_does():
    """TAMT-KD as a whole: scores, BertAdam, clipping by tensor, whole batches, padding, a teacher with dropout."""
    model, teacher = (tiny_model(seed=1, std=0.3, hidden_dropout=0.1) for _ in range(2))
    facts = {
        "optimizer": "bertadam",
        "eps": 1e-6,
        "weight_decay": 0.01,
        "clip_scope": "tensor",
        "drop_last": True,
    }
    recipe = tiny_recipe(max_length=14, **facts)
    data = documents(n_train=30)
    some = objective(model, teacher, data, recipe=recipe, teacher_dropout=True)
    calm = Resident(data.splits["train"], model.config)
    values = model.prunable_values() | {WORDS: model.parameters.view(WORDS)}
    start = local_magnitude(values, 0.5)
    masks = MaskTraining(model, start, MaskPolicy(every=4, at_first=True, shift=1), 0.5)
    before = masks.store.view(WORDS).clone()
    masks.write()
    first = distillation_losses(model, teacher, calm, 14)["kd"]
    train(model, some, recipe, LinearDecay(1e-3, 100), 100, seed=1, through=masks)
    masks.write()
    assert distillation_losses(model, teacher, calm, 14)["kd"] < 0.75 * first
    found = masks.mask()
    moved = [name for name in start if not torch.equal(found[name], start[name])]
    assert set(start) - set(moved) <= {POOLER}
    # Padding is in every batch and does not train its row, which decays alone; rows of words move.
    changes = (masks.store.view(WORDS) - before).abs().amax(1)
    assert float(changes[0]) < 2e-5 < 1e-3 < float(changes[5:].median())
    assert not teacher.parameters.grad.any()
    masks.close()
    assert torch.equal(model.parameters.flat, teacher.parameters.flat)


@FAMILIES
@pytest.mark.parametrize("tokens", [16_384, 40, 1])
def test_dev_losses_are_exact_means(family, tokens, monkeypatch):
    monkeypatch.setattr(on_dev, "EVAL_TOKENS", tokens)
    model, teacher = pair(family, hidden_dropout=0.5)
    resident = Resident(documents(family).splits["dev"], model.config)
    found = distillation_losses(model, teacher, resident, 16)
    rows = torch.arange(len(resident))
    with torch.no_grad():
        wide, packed = padded_batch(resident, rows, 16, model.config.pad_id), resident.batch(rows)
        padded, real = ([m.encoder.hidden_states(b) for m in (model, teacher)] for b in (wide, packed))
        expected = {
            "kd": float(hidden_loss(*padded)),
            "kd_unpadded": float(hidden_loss(*real)),
            "kd_mse": float(hidden_loss(*padded, "mse")),
        }
    assert found == pytest.approx(expected, rel=1e-4)
    assert abs(found["kd"] - found["kd_unpadded"]) > 1e-4


def test_a_model_is_at_no_distance_from_itself():
    model, _ = pair()
    resident = Resident(documents().splits["dev"], model.config)
    assert distillation_losses(model, model, resident, 12) == pytest.approx(
        {"kd": 0.0, "kd_unpadded": 0.0, "kd_mse": 0.0}, abs=1e-6
    )


def test_inputs_that_cannot_be_padded_to_the_length_are_errors():
    model, teacher = pair()
    with pytest.raises(TicketsError, match=r"an input has 12 tokens, but inputs are to be padded to 11"):
        objective(model, teacher, documents(), recipe=tiny_recipe(max_length=11))
    resident = Resident(documents().splits["dev"], model.config)
    with pytest.raises(TicketsError, match=r"padded to 40 tokens, the model takes 32; lower max_length"):
        distillation_losses(model, teacher, resident, 40)
    objective(model, teacher, documents(), recipe=tiny_recipe(max_length=11), pads="exclude")
