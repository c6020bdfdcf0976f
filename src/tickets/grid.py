"""Stages, jobs and the Snakemake rules that follow from them. Imports no torch.

A stage is a family of cells with the same code; its axes are the rule's wildcards. A job is one cell: all
replicates, and where natural all sparsities, in one process. Packed axes share a process too.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from pathlib import Path

from tickets.errors import TicketsError
from tickets.spec import MaskAddress, RunAddress, fingerprint

Axes = Mapping[str, str]


@dataclass(frozen=True)
class Cell:
    """What one cell reads and makes; paths are below results/<preset>.

    needs_models names roles of the preset: 'base', or one of `models`.
    """

    runs: tuple[RunAddress, ...] = ()
    masks: tuple[MaskAddress, ...] = ()
    files: tuple[Path, ...] = ()
    needs_tasks: tuple[str, ...] = ()
    needs_models: tuple[str, ...] = ("base",)
    needs_masks: tuple[MaskAddress, ...] = ()
    needs_runs: tuple[RunAddress, ...] = ()
    needs_files: tuple[Path, ...] = ()

    @property
    def outputs(self) -> tuple[Path, ...]:
        """Declared outputs, in a fixed order."""
        runs = tuple(run.metrics for run in self.runs)
        return runs + tuple(mask.file for mask in self.masks) + self.files

    @property
    def inputs(self) -> tuple[Path, ...]:
        """Declared inputs besides data and models."""
        masks = tuple(mask.file for mask in self.needs_masks)
        return (*masks, *(run.metrics for run in self.needs_runs), *self.needs_files)


def data_file(task: str, max_length: int | str, role: str = "") -> Path:
    """Encoded data of a task, cut to `max_length` tokens, below results/<preset>.

    role  the model with whose own tokenizer they are encoded; without one, the tokenizer of the role 'base'
    """
    return Path("data", role, f"{task}-{max_length}.safetensors")


@dataclass(frozen=True)
class Stage:
    """One family of cells.

    cell      axes -> Cell; must only paste axis values into addresses, since Snakemake calls it with wildcards
    identity  address -> fingerprint of everything in the config that its numbers depend on
    execute   'module:function' that runs a job
    max_length  task -> tokens that its inputs are cut to
    split     axes whose values `cell` looks at, so that each value has rules of its own
    own_tokenizers  roles whose models read data encoded with a tokenizer of their own (`Preset.own_tokenizers`)
    """

    paper: str
    name: str
    title: str
    axes: Mapping[str, tuple[str, ...]]
    cell: Callable[[Axes], Cell]
    identity: Callable[[RunAddress | MaskAddress], str]
    execute: str
    max_length: Callable[[str], int]
    skip: Callable[[Axes], bool] = field(default=lambda axes: False)
    pack: tuple[str, ...] = ()
    split: tuple[str, ...] = ()
    own_tokenizers: tuple[str, ...] = ()

    def cells(self) -> Iterator[dict[str, str]]:
        """Axis values of every cell of the stage."""
        for values in product(*self.axes.values()):
            axes = dict(zip(self.axes, values, strict=True))
            if not self.skip(axes):
                yield axes

    def packed(self) -> tuple[str, ...]:
        """Axes of this stage that share a process."""
        return tuple(name for name in self.axes if name in self.pack)

    def jobs(self) -> Iterator["Job"]:
        """The jobs of the stage: cells that agree on the axes that are not packed."""
        return iter(self._jobs)

    @cached_property
    def _jobs(self) -> tuple["Job", ...]:
        groups: dict[tuple[tuple[str, str], ...], list[dict[str, str]]] = {}
        packed = self.packed()
        for axes in self.cells():
            key = tuple((k, v) for k, v in axes.items() if k not in packed)
            groups.setdefault(key, []).append(axes)
        return tuple(Job(self, dict(key), tuple(cells)) for key, cells in groups.items())

    def job(self, axes: Axes) -> "Job":
        """The job with these values of the open axes, or a `TicketsError` that names the ones there are."""
        for job in self.jobs():
            if job.axes == dict(axes):
                return job
        open_axes = {k: v for k, v in self.axes.items() if k not in self.packed()}
        raise TicketsError(
            f"stage '{self.name}' has no job {dict(axes)}; its axes are "
            + ", ".join(f"{name}: {' '.join(values)}" for name, values in open_axes.items())
        )


@dataclass(frozen=True)
class Job:
    """Cells that run in one process."""

    stage: Stage
    axes: Axes
    cells: tuple[Axes, ...]

    @property
    def name(self) -> str:
        """Readable and unique: 'imp-rte', 'transfer-mlm-rte'."""
        return "-".join([self.stage.name, *self.axes.values()])

    def plans(self) -> tuple[Cell, ...]:
        """The cells' contents."""
        return self._plans

    @cached_property
    def _plans(self) -> tuple[Cell, ...]:
        return tuple(self.stage.cell(axes) for axes in self.cells)

    @property
    def record(self) -> Path:
        """The job's cost record below results/<preset>."""
        parts = (self.stage.paper, "jobs", self.stage.name, *self.axes.values())
        return Path(*parts).with_name(f"{parts[-1]}.json")

    @cached_property
    def outputs(self) -> tuple[Path, ...]:
        """All declared outputs."""
        return (*(path for cell in self.plans() for path in cell.outputs), self.record)

    @cached_property
    def inputs(self) -> tuple[Path, ...]:
        """All declared inputs, each once; what the job makes itself is not among them."""
        own = set(self.outputs)
        data = tuple(self.data_file(task) for task in self.tasks)
        wanted = (*data, *(path for cell in self.plans() for path in cell.inputs))
        return tuple(path for path in dict.fromkeys(wanted) if path not in own)

    @cached_property
    def tasks(self) -> tuple[str, ...]:
        """Tasks whose data the job reads."""
        return tuple(dict.fromkeys(task for cell in self.plans() for task in cell.needs_tasks))

    @cached_property
    def models(self) -> tuple[str, ...]:
        """Roles of the pre-trained models that the job starts from."""
        return tuple(dict.fromkeys(role for cell in self.plans() for role in cell.needs_models))

    @cached_property
    def tokenizer(self) -> str:
        """Role of the model with whose own tokenizer the job's data are encoded; '' is the role base's.

        Raises `TicketsError` if the job's models need different ones: a job reads each task once.
        """
        own = [role for role in self.models if role in self.stage.own_tokenizers]
        if own and len(self.models) > 1:
            raise TicketsError(
                f"job '{self.name}' runs the models {', '.join(self.models)}, but '{own[0]}' has a tokenizer of "
                "its own, and a job reads each task in one encoding. Do not pack models into one job."
            )
        return own[0] if own else ""

    def data_key(self, task: str) -> tuple[str, int, str]:
        """Arguments of `data_file` for a task as this job reads it."""
        return task, self.stage.max_length(task), self.tokenizer

    def data_file(self, task: str) -> Path:
        """Encoded data of a task as this job reads it, below results/<preset>."""
        return data_file(*self.data_key(task))

    @cached_property
    def runs(self) -> tuple[RunAddress, ...]:
        """All runs."""
        return tuple(run for cell in self.plans() for run in cell.runs)

    @cached_property
    def fingerprint(self) -> str:
        """Hash of everything in the config that the job depends on; a change of it makes Snakemake run it again."""
        parts: list[str] = []
        for cell in self.plans():
            parts += [self.stage.identity(run) for run in cell.runs]
            parts += [self.stage.identity(mask) for mask in cell.masks]
        return fingerprint({"stage": self.stage.name, "parts": parts})


def find_stage(stages: Sequence[Stage], name: str) -> Stage:
    """A stage by name."""
    for stage in stages:
        if stage.name == name:
            return stage
    raise TicketsError(f"unknown stage '{name}'; the stages are {', '.join(s.name for s in stages)}.")


def packed_axes(pack: Mapping[str, tuple[str, ...]], stage: str) -> tuple[str, ...]:
    """Axes that a config packs into one process for a stage, or else for all ('default')."""
    return pack.get(stage, pack.get("default", ()))


def check_pack(key: str, pack: Mapping[str, tuple[str, ...]], stages: Sequence[Stage]) -> None:
    """Raise `TicketsError` if the config `key` packs a stage that there is not."""
    names = [stage.name for stage in stages]
    if unknown := sorted(set(pack) - {"default"} - set(names)):
        raise TicketsError(f"{key}: '{unknown[0]}' is no stage; the stages are {', '.join(names)}.")
