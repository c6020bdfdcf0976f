"""The preset's recipe as printed in Table 1: sizes from the encoded data, the rest from the config."""

from pathlib import Path
from typing import Any

from tickets.config import Config
from tickets.data.tasks import task as lookup
from tickets.errors import TicketsError
from tickets.grid import data_file
from tickets.jobs.files import write_json
from tickets.papers.registry import Paper, paper_tasks
from tickets.papers.trained import Trained
from tickets.spec import fingerprint
from tickets.training.recipe import Recipe


def rows(path: Path) -> dict[str, int]:
    """Number of examples of every split of an encoded task, read from the file's header."""
    if not path.exists():
        raise TicketsError(f"{path}: encoded data not found. Run the `encode` rule first.")
    advice = "Delete it and run the `encode` rule again."
    from safetensors import SafetensorError

    try:
        found = _rows(path)
    except (SafetensorError, OSError) as error:
        raise TicketsError(f"{path}: not a readable safetensors file ({error}). {advice}") from None
    if not {"train", "dev"} <= found.keys():
        raise TicketsError(f"{path}: not the data of a task; the splits train and dev are missing. {advice}")
    return found


def _rows(path: Path) -> dict[str, int]:
    from safetensors import safe_open

    with safe_open(path, framework="np") as file:
        names = set(file.keys())
        splits = sorted(name.removesuffix(".lengths") for name in names if name.endswith(".lengths"))
        sizes = {split: int(file.get_slice(f"{split}.lengths").get_shape()[0]) for split in splits}
        for split in splits:
            if f"{split}.extras.example" in names:
                examples = file.get_tensor(f"{split}.extras.example")
                sizes[split] = int(examples.max()) + 1
        return sizes


def recipe_facts(recipe: Recipe, train: int, dev: int, metric: str) -> dict[str, Any]:
    """One column of Table 1."""
    steps = recipe.total_steps(train)
    per_epoch = -(-train // recipe.batch_size)
    return {
        "train_examples": train,
        "iterations_per_epoch": per_epoch,
        "epochs": round(steps / per_epoch, 2),
        "steps": steps,
        "batch": recipe.batch_size,
        "max_length": recipe.max_length,
        "learning_rate": recipe.learning_rate,
        "metric": metric,
        "dev_examples": dev,
    }


def write_facts(config: Config, paper: Paper, out: Path) -> None:
    """facts.json of a paper: task id (or what else the paper trains) -> on what and how it is trained."""
    facts = {}
    for name, item in _trained(config, paper).items():
        sizes = rows(config.root / data_file(item.task, item.recipe.max_length))
        facts[name] = recipe_facts(item.recipe, sizes["train"], sizes["dev"], lookup(item.task).metrics[0])
        facts[name] |= item.others
    write_json(out, facts)


def facts_identity(config: Config, paper: Paper) -> str:
    """Hash of the hyper-parameters of all that a paper trains."""
    trained = _trained(config, paper)
    recipes = {name: item.recipe.model_dump(mode="json") for name, item in trained.items()}
    others = {name: dict(item.others) for name, item in trained.items() if item.others}
    return fingerprint({"recipes": recipes} | ({"others": others} if others else {}))


def _trained(config: Config, paper: Paper) -> dict[str, Trained]:
    tasks = {name: Trained(name, paper.recipe(config, name)) for name in paper_tasks(config, paper)}
    return tasks | dict(paper.trained(config))
