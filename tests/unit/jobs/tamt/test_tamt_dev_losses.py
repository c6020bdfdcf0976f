"""Losses on held-out text beside each mask: the same as transformers computes on the same words and documents."""

import pytest
import torch
import torch.nn.functional as F
from transformers import AutoModel, AutoModelForMaskedLM

from mask_world import DOCUMENTS, TEXT, WIDTH
from tickets.data.encoded import EncodedTask
from tickets.grid import data_file
from tickets.models.config import EncoderConfig
from tickets.papers.tamt.addresses import full_losses_file
from tickets.papers.tamt.dev_losses import MASKED_WORDS
from tickets.papers.tamt.settings import PAIRS, WORDS
from tickets.training.evaluate import batches
from tickets.training.objective import masked_rows
from tickets.training.recipe import Recipe
from tickets.training.resident import Resident

BOTH = pytest.mark.parametrize("model", ["base", "roberta"])
METHODS = pytest.mark.parametrize(
    "method", ["omp", "random", "imp", "imp-rewind", "tamt-mlm", "tamt-kd", "tamt-mlm-kd"]
)


def folder_of(place, model):
    return place.root / place.config.settings.model_folder(model)


def words_with_mlm_head(place, model, mask):
    """transformers' model with its own head; the decoder is the dense table, the lookup the masked one."""
    theirs = AutoModelForMaskedLM.from_pretrained(folder_of(place, model), attn_implementation="eager").eval()
    decoder = theirs.get_output_embeddings()
    decoder.weight = torch.nn.Parameter(decoder.weight.detach().clone())
    apply(theirs, mask)
    return theirs


def apply(theirs, mask):
    parameters = dict(theirs.base_model.named_parameters())
    with torch.no_grad():
        for name, kept in mask.items():
            if name in parameters:  # a model for masked words has no pooler
                parameters[name].mul_(kept)


def inputs(split, ids, width, config):
    """Padded to `width`, with positions given, since noise may put the pad id into the text."""
    real = torch.arange(width) < split.lengths[:, None]
    grown = F.pad(ids, (0, width - ids.shape[1]), value=config.pad_id)[:, :width].long()
    columns = torch.arange(width).expand(real.shape)
    found = {"input_ids": grown, "attention_mask": real.long(), "token_type_ids": torch.zeros_like(grown)}
    if config.family == "bert":
        segments = F.pad(split.segments, (0, max(0, width - split.segments.shape[1])))[:, :width]
        return found | {"token_type_ids": segments.long(), "position_ids": columns}, real
    return found | {"position_ids": torch.where(real, columns + config.pad_id + 1, config.pad_id)}, real


def mlm_by_transformers(place, model, mask):
    data = EncodedTask.load(place.root / data_file(WORDS, TEXT["max_length"]))
    config = EncoderConfig.from_folder(folder_of(place, model))
    resident, theirs = Resident(data.splits["dev"], config), words_with_mlm_head(place, model, mask)
    losses, hits = [], []
    for rows in batches(resident):
        ids, labels = masked_rows(resident, rows, data.meta, Recipe(**TEXT), MASKED_WORDS)
        given, _ = inputs(data.splits["dev"].rows(rows), ids, ids.shape[1], config)
        with torch.no_grad():
            logits = theirs(**given).logits
        chosen = labels != -100
        losses.append(F.cross_entropy(logits[chosen], labels[chosen], reduction="none"))
        hits.append(logits[chosen].argmax(-1) == labels[chosen])
    assert len(torch.cat(hits)) > 50
    return float(torch.cat(losses).mean()), 100 * float(torch.cat(hits).float().mean())


def kd_by_transformers(place, model, mask):
    split = EncodedTask.load(place.root / data_file(PAIRS, DOCUMENTS["max_length"])).splits["dev"]
    config = EncoderConfig.from_folder(folder_of(place, model))
    student, teacher = (
        AutoModel.from_pretrained(folder_of(place, model), attn_implementation="eager", add_pooling_layer=False)
        .eval() for _ in range(2)
    )  # fmt: skip
    apply(student, mask)
    given, real = inputs(split, split.ids, WIDTH, config)
    with torch.no_grad():
        mine, theirs = (m(**given, output_hidden_states=True).hidden_states[1:] for m in (student, teacher))
    cosine = torch.stack(
        [1 - torch.cosine_similarity(a, b, dim=-1) for a, b in zip(mine, theirs, strict=True)]
    )
    squares = torch.stack([(a - b).square() for a, b in zip(mine, theirs, strict=True)])
    return float(cosine.mean()), float(cosine[:, real].mean()), float(squares.mean())


@BOTH
@METHODS
def test_masked_words(finished, model, method):
    """Section 5.4: masked lookup, dense decoder, the original head, words hidden once and for all."""
    loss, accuracy = mlm_by_transformers(finished, model, finished.mask(method, "50", 1, model))
    found = finished.losses(method, "50", 1, model)
    assert found["mlm_loss"] == pytest.approx(loss, rel=1e-5)
    assert found["mlm_accuracy"] == pytest.approx(accuracy, abs=1e-4)


@BOTH
def test_masked_words_of_the_full_model(finished, model):
    loss, accuracy = mlm_by_transformers(finished, model, {})
    found = finished.log(full_losses_file(model))
    assert (found["mlm_loss"], found["mlm_accuracy"]) == pytest.approx((loss, accuracy), rel=1e-5)


@BOTH
@METHODS
def test_hidden_states(finished, model, method):
    expected = kd_by_transformers(finished, model, finished.mask(method, "50", 1, model))
    found = finished.losses(method, "50", 1, model)
    assert (found["kd_loss"], found["kd_loss_unpadded"], found["kd_mse"]) == pytest.approx(expected, rel=1e-4)
    assert found["kd_loss"] > 0.01


def test_losses_do_not_depend_on_the_pooler_or_the_recipes_of_training(finished, fresh):
    place = fresh(scores={"pooler": False}, log_every=1)
    place.make("baseline_masks", method="omp")
    ours, theirs = place.losses("omp", "70", 1), finished.losses("omp", "70", 1)
    for name in ("mlm_loss", "mlm_accuracy", "kd_loss", "kd_loss_unpadded", "kd_mse", "removed"):
        assert ours[name] == theirs[name]
    assert ours["removed_with_pooler"] == ours["removed"]


def test_training_on_an_objective_lowers_its_loss(fresh):
    """C16 in the small."""
    text = TEXT | {"steps": 60}
    documents = DOCUMENTS | {"steps": 60}
    place = fresh(
        dropout=0.0,
        main_steps={"50": 40, "70": 60},
        mask_training={"mlm": {"recipe": text}, "kd": {"recipe": documents, "threshold": {"every": 2}}},
        grid={"step_levels": [], "objectives": ["mlm", "kd"], "ablations": []},
    )
    place.make("baseline_masks", method="omp")
    for method in ("tamt-mlm", "tamt-kd"):
        place.make("mask_training", method=method, level="70", mask="1")
    losses = {m: place.losses(m, "70", 1) for m in ("omp", "tamt-mlm", "tamt-kd")}
    assert losses["tamt-mlm"]["mlm_loss"] < losses["omp"]["mlm_loss"]
    assert losses["tamt-kd"]["kd_loss"] < losses["omp"]["kd_loss"]
    assert losses["tamt-kd"]["kd_loss"] < losses["tamt-mlm"]["kd_loss"]
