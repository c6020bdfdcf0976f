"""The same random weights in a transformers model and in ours."""

import torch
from transformers.models.bert import modeling_bert as bert
from transformers.models.roberta import modeling_roberta as roberta

from tickets.models.config import EncoderConfig
from tickets.models.encoder import pack
from tickets.models.heads import Head
from tickets.models.hf import strip_prefix
from tickets.models.model import Model

LENGTHS = torch.tensor([9, 4, 12, 1, 7])
WIDTH = 12
HEADS = {
    "classification": Head("classification", 3),
    "regression": Head("regression", 1),
    "span": Head("span", 2),
    "mlm": Head("mlm"),
}
CLASSES = {
    ("bert", "classification"): bert.BertForSequenceClassification,
    ("bert", "regression"): bert.BertForSequenceClassification,
    ("bert", "span"): bert.BertForQuestionAnswering,
    ("bert", "mlm"): bert.BertForMaskedLM,
    ("roberta", "classification"): roberta.RobertaForSequenceClassification,
    ("roberta", "regression"): roberta.RobertaForSequenceClassification,
    ("roberta", "span"): roberta.RobertaForQuestionAnswering,
    ("roberta", "mlm"): roberta.RobertaForMaskedLM,
}


def hf_config(family, head_size=8, **changes):
    facts = {
        "vocab_size": 50,
        "hidden_size": 2 * head_size,
        "num_hidden_layers": 3,
        "num_attention_heads": 2,
        "intermediate_size": 40,
        "max_position_embeddings": 32,
        "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0,
        "attn_implementation": "eager",
    }
    if family == "roberta":
        facts |= {"pad_token_id": 1, "type_vocab_size": 1, "layer_norm_eps": 1e-5}
        return roberta.RobertaConfig(**{**facts, **changes})
    return bert.BertConfig(**{**facts, **changes})


def fill(model, seed=0):
    """Random values for every parameter: with BERT's own start a wrong bias or LayerNorm would not show."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            norm = name.endswith("norm.weight") or name.endswith("Norm.weight")
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.15 + float(norm))
    return model.eval()


def ours_of(theirs, family, heads):
    """Our model with the values of a transformers model; a pooler that it lacks stays zero."""
    model = Model(EncoderConfig.from_hf(theirs.config.to_dict()), heads)
    for name, value in strip_prefix(theirs.state_dict(), family).items():
        if name in model.parameters.spans:
            model.parameters.view(name).copy_(value)
    return model


def twins(family, kind, head_size=8, seed=0):
    labels = {"classification": 3, "regression": 1}.get(kind, 2)
    config = hf_config(family, head_size, num_labels=labels)
    if kind == "regression":
        config.problem_type = "regression"
    theirs = fill(CLASSES[family, kind](config), seed)
    return theirs, ours_of(theirs, family, (HEADS[kind],))


def inputs(family, seed=1, lengths=LENGTHS):
    generator = torch.Generator().manual_seed(seed)
    real = torch.arange(WIDTH) < lengths[:, None]
    ids = torch.randint(5, 50, real.shape, generator=generator)
    ids = torch.where(real, ids, 1 if family == "roberta" else 0)
    segments = torch.zeros_like(ids)
    if family == "bert":
        segments = ((torch.arange(WIDTH) >= 3) & real).long()
    return ids, segments, real


def both_inputs(family, seed=1, lengths=LENGTHS):
    """Keyword arguments for transformers, and our packed batch, of the same sentences."""
    ids, segments, real = inputs(family, seed, lengths)
    theirs = {"input_ids": ids, "attention_mask": real.long(), "token_type_ids": segments}
    width = int(lengths.max())
    batch = pack(ids, segments, lengths, width, 2 if family == "roberta" else 0)
    return theirs, batch, real
