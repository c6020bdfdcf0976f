"""A folder whose model lacks heads and feed-forward layers: transformers needs a few lines of code to build it."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from tickets.models.config import EncoderConfig
from tickets.pruning.structured import StructuredMask

MODULE = "ticket_model"
_HEADS = {
    "AutoModel": "Model",
    "AutoModelForMaskedLM": "ForMaskedLM",
    "AutoModelForSequenceClassification": "ForSequenceClassification",
    "AutoModelForTokenClassification": "ForTokenClassification",
    "AutoModelForQuestionAnswering": "ForQuestionAnswering",
}


def smaller_model(folder: Path, config: EncoderConfig, structure: StructuredMask) -> dict[str, Any]:
    """Write `ticket_model.py`; returns what config.json says beside the base model's."""
    loader = PackageLoader("tickets.exporting", "templates")
    made = Environment(
        loader=loader,
        autoescape=False,
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    family = {"bert": "Bert", "roberta": "Roberta"}[config.family]
    text = made.get_template("ticket_model.py.jinja").render(family=family, heads=list(_HEADS.values()))
    (folder / f"{MODULE}.py").write_text(text, encoding="utf-8")
    return {
        "auto_map": {auto: f"{MODULE}.Ticket{head}" for auto, head in _HEADS.items()},
        "kept_heads": [heads.nonzero().flatten().tolist() for heads in structure.heads],
        "kept_ffns": structure.ffns.tolist(),
    }
