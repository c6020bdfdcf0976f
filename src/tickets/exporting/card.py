"""The model card: what a ticket is, where it is from, what it scored, how to load it and what it is not."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined

from tickets.data.hub import SOURCES
from tickets.data.tasks import TASKS
from tickets.exporting.check import Checked
from tickets.exporting.model import Origin
from tickets.exporting.scores import Line
from tickets.exporting.ticket import Ticket
from tickets.exporting.weights import parts_of
from tickets.exporting.words import CONTROLS, REFERENCES, method_words, source_words, variant_words
from tickets.provenance.report import BANNERS
from tickets.pruning.mask import Mask
from tickets.stats.summary import Stat

_METRICS = {
    "matthews": "matthews_correlation", "pearson": "pearsonr", "spearman": "spearmanr",
    "accuracy_mismatched": "accuracy",
}  # fmt: skip
_KINDS = {
    "classification": "text-classification", "regression": "text-classification", "span": "question-answering",
    "mlm": "fill-mask",
}  # fmt: skip
_CLASSES = {
    "classification": "AutoModelForSequenceClassification",
    "regression": "AutoModelForSequenceClassification",
    "span": "AutoModelForQuestionAnswering",
    "mlm": "AutoModelForMaskedLM",
}
_PARTS = {
    "attention.self.query": "query", "attention.self.key": "key", "attention.self.value": "value",
    "attention.output.dense": "attention output", "intermediate.dense": "feed-forward in",
    "output.dense": "feed-forward out", "pooler.dense": "pooler", "embeddings.word_embeddings": "word embeddings",
}  # fmt: skip


@dataclass(frozen=True)
class Facts:
    """What the card is made of.

    weights      which weights the ticket is over: 'pretrained', or as runs call them ('rewind10')
    zeros, size  zeros and numbers in the written weights
    checked      whether the weights are known to be those that the mask was found on
    mlm          whether the folder has an MLM head
    untied       whether that head has a word table of its own
    """

    name: str
    ticket: Ticket
    mask: Mask
    origin: Origin
    weights: str
    lines: Sequence[Line]
    certificate: Mapping[str, Any] | None
    zeros: int
    size: int
    checked: Checked
    mlm: bool
    untied: bool
    removed: bool
    tokenizer: bool


def render(facts: Facts) -> str:
    """The text of README.md."""
    ticket, address = facts.ticket, facts.ticket.address
    preset = "" if ticket.root is None else ticket.root.name
    paper = "" if address is None else address.paper
    page = _environment().get_template("card.md.jinja")
    return page.render(
        f=facts,
        front=yaml.safe_dump(_front(facts, paper), sort_keys=False, allow_unicode=True),
        preset=preset,
        banner=BANNERS.get(preset),
        address=address,
        source="" if address is None else _source(facts),
        method=method_words(address, ticket.provenance),
        control=address is not None and address.method in CONTROLS,
        reference=REFERENCES.get(paper),
        structure=ticket.structure,
        parts=_part_rows(facts.mask),
        table=[_row(facts, line) for line in facts.lines],
        found_here=any(_found_on(facts, line) for line in facts.lines),
        classes=_loader(facts),
        circumstances=(facts.certificate or {}).get("circumstances", {}),
        spec=_spec(facts),
        tickets_version=version("winning-tickets"),
        seed=_seed(ticket),
    )


def _environment() -> Environment:
    loader = PackageLoader("tickets.exporting", "templates")
    made = Environment(
        loader=loader, autoescape=False, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
        keep_trailing_newline=True,
    )  # fmt: skip
    made.filters["count"] = lambda value: f"{value:,}"
    made.filters["percent"] = lambda value: f"{100 * value:.4f}".rstrip("0").rstrip(".") + " %"
    made.filters["score"] = score_words
    return made


def score_words(stat: Stat | None) -> str:
    """'91.20 ± 0.35 (3)': mean, sample standard deviation, number of runs."""
    if stat is None:
        return "–"
    spread = "" if math.isnan(stat.std) else f" ± {stat.std:.2f}"
    return f"{stat.mean:.2f}{spread} ({stat.n})"


def _front(facts: Facts, paper: str) -> dict[str, Any]:
    """The YAML that the hub reads."""
    origin = facts.origin
    tags = ["lottery-ticket", "pruning", "sparse", "winning-tickets", *([paper] if paper else [])]
    front: dict[str, Any] = {"license": origin.licence, "language": "art" if origin.made else "en"}
    front |= {
        "library_name": "transformers",
        "pipeline_tag": "fill-mask" if facts.mlm else "feature-extraction",
    }
    if facts.ticket.root is not None:
        tags.append(f"preset-{facts.ticket.root.name}")
    front["tags"] = tags
    if origin.hub:
        front["base_model"] = origin.hub
    if facts.lines:
        front["metrics"] = sorted({_METRICS.get(name, name) for line in facts.lines for name in line.metrics})
        results = [_result(line, origin.made) for line in facts.lines]
        front["model-index"] = [{"name": facts.name, "results": results}]
    return front


def _result(line: Line, synthetic: bool) -> dict[str, Any]:
    task, source = TASKS[line.task], SOURCES[line.task]
    words = f"{task.title}, {variant_words(line.variant)}" if line.variant else task.title
    data: dict[str, Any] = {
        "type": source.repository,
        "config": source.config,
        "name": words,
        "split": "validation",
    }
    if synthetic:
        data = {
            "type": "synthetic",
            "name": f"{words}: generated stand-in in a synthetic language",
            "split": "dev",
        }
    metrics = [
        {"type": _METRICS.get(name, name), "name": name.replace("_", " "), "value": round(value, 4)}
        for name, value in line.metrics.items()
    ]
    return {"task": {"type": _KINDS[task.kind], "name": task.title}, "dataset": data, "metrics": metrics}


def _row(facts: Facts, line: Line) -> dict[str, str]:
    title = TASKS[line.task].title + (f", {variant_words(line.variant)}" if line.variant else "")
    return {
        "task": f"**{title}**" if _found_on(facts, line) else title,
        "metric": line.metric.replace("_", " "),
        "ticket": score_words(line.ticket),
        "alike": score_words(line.alike),
        "full": score_words(line.full),
        "random": score_words(line.random),
    }


def _found_on(facts: Facts, line: Line) -> bool:
    address = facts.ticket.address
    return address is not None and (line.task, line.variant) == (address.source, address.variant)


def _part_rows(mask: Mask) -> list[tuple[str, int, int, int]]:
    """What, tensors, weights, kept."""
    kept, shapes = mask.kept_per_tensor(), mask.shapes
    return [
        (
            _PARTS.get(part, part),
            len(names),
            sum(shapes[n].numel() for n in names),
            sum(kept[n] for n in names),
        )
        for part, names in parts_of(mask).items()
    ]


def _source(facts: Facts) -> str:
    address = facts.ticket.address
    assert address is not None
    return "its pre-training text" if address.source == "pretraining" else source_words(address.source)


def _loader(facts: Facts) -> tuple[str, str]:
    """The Auto class to load with, and its further arguments, for the task that the ticket is from."""
    address = facts.ticket.address
    task = TASKS.get("" if address is None else address.source.partition("@")[0])
    if task is None:
        return (_CLASSES["mlm"] if facts.mlm else "AutoModel"), ""
    labels = f", num_labels={task.outputs}" if task.kind in ("classification", "regression") else ""
    return _CLASSES[task.kind], labels


def _spec(facts: Facts) -> str:
    """Everything that is known of the mask's making, as YAML: its header's, and if that has no spec, a run's."""
    header = dict(facts.ticket.provenance)
    spec = header.get("spec", header)
    if "spec" not in header and facts.certificate is not None:
        spec = {"mask": header, "run": facts.certificate.get("identity", {}).get("spec", {})}
    return yaml.safe_dump(spec, sort_keys=True, allow_unicode=True)


def _seed(ticket: Ticket) -> int | None:
    facts = ticket.provenance
    found = facts.get("spec", {}).get("preset_seed", facts.get("seed"))
    return found if isinstance(found, int) else None


def card_path(folder: Path) -> Path:
    """Where a card lies."""
    return folder / "README.md"
