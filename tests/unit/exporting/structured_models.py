"""A BERT or RoBERTa of three layers of four heads as transformers writes it, and a mask that `tickets` might make."""

import torch
from transformers import BertConfig, BertForPreTraining, RobertaConfig, RobertaForMaskedLM

from tickets.pruning.structured import StructuredMask

HEADS = torch.tensor([[1, 0, 1, 1], [0, 1, 1, 0], [0, 0, 0, 0]]).bool()
FFNS = torch.tensor([1, 0, 0]).bool()


def build(family, folder):
    shape = {
        "vocab_size": 60, "hidden_size": 16, "num_hidden_layers": 3, "num_attention_heads": 4,
        "intermediate_size": 24, "max_position_embeddings": 32, "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0,
    }  # fmt: skip
    model = (
        BertForPreTraining(BertConfig(**shape))
        if family == "bert"
        else RobertaForMaskedLM(RobertaConfig(**shape, type_vocab_size=1, pad_token_id=0))
    )
    generator = torch.Generator().manual_seed(4)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            norm = float(name.lower().replace("layer_norm", "layernorm").endswith("norm.weight"))
            parameter.copy_(0.15 * torch.randn(parameter.shape, generator=generator) + norm)
    model.save_pretrained(folder / "base")
    StructuredMask(HEADS, FFNS).mask().save(folder / "mask.safetensors", {"method": "by hand"})
    return folder / "base", folder / "mask.safetensors"
