"""How tickets were found, in words; the papers they are from. Imports nothing heavy."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tickets.data.tasks import TASKS
from tickets.papers.tamt.methods import Method
from tickets.papers.tamt.wording import KIND_NAMES
from tickets.spec import MaskAddress


@dataclass(frozen=True)
class Reference:
    """A paper to cite."""

    key: str
    title: str
    authors: str
    year: int
    venue: str
    url: str

    @property
    def bibtex(self) -> str:
        """The entry."""
        facts = {"title": f"{{{self.title}}}", "author": self.authors, "booktitle": self.venue}
        facts |= {"year": str(self.year), "url": self.url}
        lines = ",\n".join(f"  {name:<9} = {{{value}}}" for name, value in facts.items())
        return f"@inproceedings{{{self.key},\n{lines}\n}}"


REFERENCES = {
    "lth": Reference(
        "chen2020lottery",
        "The Lottery Ticket Hypothesis for Pre-trained BERT Networks",
        "Chen, Tianlong and Frankle, Jonathan and Chang, Shiyu and Liu, Sijia and Zhang, Yang and Wang, Zhangyang and "
        "Carbin, Michael",
        2020,
        "Advances in Neural Information Processing Systems 33",
        "https://arxiv.org/abs/2007.12223",
    ),
    "supertickets": Reference(
        "liang2021super",
        "Super Tickets in Pre-Trained Language Models: From Model Compression to Improving Generalization",
        "Liang, Chen and Zuo, Simiao and Chen, Minshuo and Jiang, Haoming and Liu, Xiaodong and He, Pengcheng and "
        "Zhao, Tuo and Chen, Weizhu",
        2021,
        "Proceedings of ACL-IJCNLP 2021",
        "https://aclanthology.org/2021.acl-long.510",
    ),
    "tamt": Reference(
        "liu2022learning",
        "Learning to Win Lottery Tickets in BERT Transfer via Task-agnostic Mask Training",
        "Liu, Yuanxin and Meng, Fandong and Lin, Zheng and Fu, Peng and Cao, Yanan and Wang, Weiping and Zhou, Jie",
        2022,
        "Proceedings of NAACL-HLT 2022",
        "https://aclanthology.org/2022.naacl-main.428",
    ),
}
_IMP = "iterative magnitude pruning (IMP) on {source}"
_LTH = {
    "imp": f"{_IMP}, weights rewound to the pre-trained ones after every round",
    "imp-standard": f"{_IMP} without rewinding (standard pruning)",
    "imp-code": f"{_IMP}, in the way of the paper's released code",
}
_FAMILIES = {
    "winning": "the least important heads and feed-forward layers of a model fine-tuned on {source}, removed",
    "losing": "the most important heads and feed-forward layers of a model fine-tuned on {source}, removed",
    "random": "heads and feed-forward layers drawn at random, removed",
    "mismatched": "the least important heads and feed-forward layers of a model fine-tuned on {source} at another "
    "learning rate, removed",
}
_TAMT = {
    "omp": "one-shot magnitude pruning of the pre-trained weights, matrix by matrix (OMP)",
    "random": "weights drawn at random, removed",
    "imp": "iterative magnitude pruning (IMP) on masked words of the pre-training text",
    "imp-rewind": "iterative magnitude pruning (IMP) on masked words, weights rewound to the pre-trained ones",
    "tamt-mlm": "a mask trained on masked words of the pre-training text (TAMT-MLM)",
    "tamt-kd": "a mask trained to keep the full model's hidden states (TAMT-KD)",
    "tamt-mlm-kd": "a mask trained on masked words and on the full model's hidden states (TAMT-MLM+KD)",
}
_ABLATIONS = {
    "always": "thresholds after every step",
    "calm": "a teacher without dropout",
    "adamw": "the optimizer of the MLM objective",
    "unpadded": "the loss over real tokens only",
}
CONTROLS = ("random", "losing")


def source_words(source: str) -> str:
    """'RTE' for rte; 'MLM with as many sequences as CoLA has examples' for mlm@cola."""
    tasks, _, size = source.partition("@")
    names = " + ".join(TASKS[task].title if task in TASKS else task for task in tasks.split("+"))
    if size in TASKS:
        return f"{names} with as many sequences as {TASKS[size].title} has examples"
    return names


def method_words(address: MaskAddress | None, facts: Mapping[str, Any]) -> str:
    """How the mask was found, as half a sentence."""
    if address is None:
        known = {
            "magnitude": "one-shot magnitude pruning, all matrices ranked together",
            "random": _TAMT["random"],
        }
        method = str(facts.get("method", "unknown"))
        return known.get(method, method)
    source = source_words(address.source)
    if address.paper == "supertickets":
        part = f" (on {address.variant.removeprefix('data')} % of its data)" if address.variant else ""
        return _FAMILIES.get(address.method, address.method).format(source=source + part)
    if address.paper == "lth":
        if address.method.startswith("imp-rewind"):
            percent = address.method.removeprefix("imp-rewind")
            return (
                _IMP.format(source=source)
                + f", weights rewound to their state at {int(percent)} % of training"
            )
        return _LTH.get(address.method, address.method).format(source=source)
    return _trained_words(Method.parse(address.method))


def _trained_words(method: Method) -> str:
    words = _TAMT.get(method.kind, KIND_NAMES.get(method.kind, method.kind))
    if method.trained and method.init == "random":
        words += ", from a random mask"
    if method.step is not None:
        words += f", at step {method.step}"
    if method.interval is not None:
        words += f", with a pruning every {method.interval} steps"
    if method.ablation:
        words += f"; ablation: {_ABLATIONS[method.ablation]}"
    return words


def variant_words(variant: str) -> str:
    """What differs from the paper's standard recipe and data."""
    if variant.startswith("n") and variant[1:].isdigit():
        return f"{variant[1:]} examples"
    if variant.startswith("data"):
        percent, _, extended = variant.removeprefix("data").partition("-")
        return f"{percent} % of the data" + (", trained longer" if extended else "")
    if variant.startswith("lr") and variant[2:].isdigit():
        return f"learning rate {int(variant[2:]) + 1}"
    return variant
