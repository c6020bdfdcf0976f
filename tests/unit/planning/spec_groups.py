"""The groups of runs in the specs' cost sections, counted by the plan of the paper preset."""

from dataclasses import replace
from functools import cache
from pathlib import Path
from types import SimpleNamespace

from tickets.config import load_config
from tickets.papers.registry import papers
from tickets.papers.tamt.methods import Method
from tickets.planning.cost import Cost, Costs, total
from tickets.planning.data import Data

ROOT = Path(__file__).parents[3]


@cache
def counter():
    config = load_config(ROOT / "config.yaml", "paper")
    data = Data(config)
    made = papers(config)
    stages = {(id, s.name): s for id, paper in made.items() for s in paper.stages(config)}
    works = {id: paper.work(config, data) for id, paper in made.items()}
    return SimpleNamespace(costs=Costs(config, data), stages=stages, works=works)


def group(paper, names, keep=lambda address: True, files=True):
    """Cost of the runs (and masks, in cells without runs) of some stages that `keep` chooses."""
    there = counter()
    found = []
    for name in names:
        for job in there.stages[paper, name].jobs():
            some = only(job, keep, files)
            works = () if some is None else there.works[paper](some)
            found.append(total(there.costs.of_work(work, job.tokenizer) for work in works))
            found.append(Cost(runs=0 if some is None else len(some.runs)))
    return total(found)


def only(job, keep, files):
    pairs = []
    for cell, axes in zip(job.plans(), job.cells, strict=True):
        runs = tuple(run for run in cell.runs if keep(run))
        if runs or (not cell.runs and any(keep(mask) for mask in cell.masks)):
            pairs.append((replace(cell, runs=runs, files=cell.files if files else ()), axes))
    if not pairs:
        return None
    cells = tuple(cell for cell, _ in pairs)
    return SimpleNamespace(
        stage=job.stage,
        cells=tuple(axes for _, axes in pairs),
        plans=lambda: cells,
        runs=tuple(run for cell in cells for run in cell.runs),
        tokenizer=job.tokenizer,
    )


def method_of(address):
    return Method.parse(address.method)


def lth_groups():
    """Spec lth 6.2: group -> (runs, steps, FLOPs 'full padded') of the spec, and our cost."""
    lth = lambda *names, **options: group("lth", names, **options)  # noqa: E731
    found = {
        "A, B dense and IMP rounds x5": ((550, 5.51e6, 1.433e19), lth("imp")),
        "C baselines x5": (
            (300, 2.75e6, 7.42e18),
            lth("baselines", keep=lambda run: run.weights != "shuffled-elements"),
        ),
        "D one-shot x3": ((66, 0.66e6, 1.72e18), lth("oneshot")),
        "E1, E2 transfers 70, 50 % x3": ((660, 6.60e6, 1.72e19), lth("transfer")),
        "E3 Figure 6 x3": ((150, 1.50e6, 3.93e18), lth("transfer_winning")),
        "F Table 7": ((35, 0.36e6, 8.32e17), lth("mlm_ticket")),
        "G, H chains with rewinding, standard": (
            (1095, 10.41e6, 1.91e19 + 6.06e18 + 1.2e19 * 0.50 / 4.59),
            lth("rewind", "rewind_source"),
        ),
        "H transfers of rewound x3": ((450, 4.09e6, 1.2e19 * 4.09 / 4.59), lth("rewind_transfer")),
        "I Figure 9": ((148, 1.48e6, 4.66e18), lth("multitask", "multitask_transfer")),
        "J Table 8": ((46, 0.39e6, 1.95e18), lth("datasize", "datasize_transfer")),
    }
    extra = {
        "shuffled elements x5": lth("baselines", keep=lambda run: run.weights == "shuffled-elements"),
        "MLM mask without rewinding": lth("norewind_transfer"),
        "profile C": lth("code_profile"),
    }
    return found, extra


def supertickets_groups():
    """Spec supertickets 6.1 to 6.3, plan F: group -> (runs, updates, padded FLOPs), and our cost."""
    own = lambda *names, **options: group("supertickets", names, **options)  # noqa: E731
    dense = lambda run: run.level == "00"  # noqa: E731
    six, families = 178_836, 2 * 8 * 6 * (5 * 79 + 5 * 2_094 + 3 * 12_282)
    subsets = (
        (6 * 123 + 3 * 1_229 + 3 * 2_457) * 5 * 25
    )  # the release's epochs, as the spec's FLOPs of G4 are
    rates = 6 * (79 + 116 + 219 + 266 + 2_094)
    domain = 6 * (17_157 + 735) * 1.111 * 4 * 5
    found = {
        "G1 full models, importance": (
            (80, 10 * six, 1.11e18 + 3.94e18 + 1.85e17 + 6.57e17),
            own("trial", "trial_source", keep=dense),
        ),
        "G2 winning": (
            (640, 80 * six, 8.90e18 + 3.15e19),
            own("trial", "trial_source", keep=lambda run: not dense(run), files=False),
        ),
        "G3 random, losing": (
            (416, 2 * families, 5.71e18 + 2.02e19),
            own("families", keep=lambda run: run.task != "mnli" or run.replicate <= 3),
        ),
        "G4 subsets": ((375, subsets, 2.06e18), own("subsets", "subset_families")),
        "G6 multi-task": (
            (20, 20 * 149_030, 1.85e18 + 6.57e18),
            own("multitask", keep=lambda run: run.method in ("mt-dnn", "ticket-share")),
        ),
        "G7 fine-tuning": ((160, 20 * six, 2.23e18 + 7.88e18), own("finetune", keep=lambda r: not r.variant)),
        "G7b other rates": ((100, 20 * rates, 8.58e17), own("finetune", keep=lambda run: run.variant)),
        "G8 domains": (
            (160, domain, 1.87e18),
            own("domain", keep=lambda run: not run.variant.endswith("extended")),
        ),
    }
    extra = {
        "reruns (control X1)": own("reruns"),
        "G3 MNLI, seeds 4 and 5": own("families", keep=lambda r: r.task == "mnli" and r.replicate > 3),
        "other rate (C26)": own("mismatch"),
        "strict and mismatched sharing": own(
            "multitask", keep=lambda run: run.method not in ("mt-dnn", "ticket-share")
        ),
        "domains, extended": own("domain", keep=lambda run: run.variant.endswith("extended")),
    }
    return found, extra


def tamt_groups():
    """Spec tamt 6.2 and 6.3: group -> (runs, steps, EF padded with evaluation), and our cost."""
    own = lambda *names, **options: group("tamt", names, **options)  # noqa: E731
    masks = ("imp_masks", "mask_training")

    def trained(role):
        def keep(mask):
            method = method_of(mask)
            return mask.model == role and not method.ablation and method.kind != "imp-rewind"

        return keep

    def main(role):
        return lambda run: run.model == role and run.method != "imp-rewind"

    stages = ("full", "baselines", "methods")
    kinds = {"IMP intervals": lambda m: m.kind == "imp", "random": lambda m: m.init == "random"}
    found = {
        "masks, BERT": ((69, 1_270_224, 7.68e18), own(*masks, keep=trained("base"))),
        "masks, RoBERTa": ((75, 976_008, 6.38e18), own(*masks, keep=trained("roberta"))),
        "main, BERT": ((2_037, 16.3e6, 51.7e18), own(*stages, keep=main("base"))),
        "main, RoBERTa": ((2_793, 22.4e6, 71.0e18), own(*stages, keep=main("roberta"))),
        "step curves": (
            (2_430, 27.0e6, 85.8e18),
            own("steps", keep=lambda run: not any(is_(method_of(run)) for is_ in kinds.values())),
        ),
        "IMP, other intervals": (
            (540, 6.0e6, 19.1e18),
            own("steps", keep=lambda run: kinds["IMP intervals"](method_of(run))),
        ),
        "random starts": (
            (630, 7.0e6, 22.2e18),
            own("steps", keep=lambda run: kinds["random"](method_of(run))),
        ),
        "few data": ((935, 1.7e6, 6.4e18), own("few")),
    }
    rewound = lambda address: method_of(address).kind == "imp-rewind"  # noqa: E731
    extra = {
        "IMP with rewinding, masks": own(*masks, keep=rewound),
        "IMP with rewinding, fine-tuned": own(*stages, keep=rewound),
        "ablations, masks": own(*masks, keep=lambda mask: method_of(mask).ablation),
        "ablations, fine-tuned": own("ablations"),
        "losses of one-shot and random masks": own("baseline_masks"),
    }
    return found, extra
