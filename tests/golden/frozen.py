"""The jobs of one paper under a config that never changes: what golden tests compare."""

from pathlib import Path

from tickets.config import parse_config
from tickets.grid import find_stage
from tickets.spec import RunAddress


class Grid:
    """All stages of a paper; `stages` and `identity` are its classes of these names."""

    def __init__(self, raw, stages, identity):
        self.config = parse_config(raw)
        self.stages = stages(self.config).all()
        self.identity = identity(self.config)
        self.jobs = [job for stage in self.stages for job in stage.jobs()]

    def job(self, stage, axes):
        return find_stage(self.stages, stage).job(axes)

    def addresses(self):
        """Of all runs and masks."""
        cells = [cell for job in self.jobs for cell in job.plans()]
        return {address for cell in cells for address in (*cell.runs, *cell.masks)}

    def different(self):
        """How many outputs and names of jobs there are, and how many of them differ."""
        outputs = [path for job in self.jobs for path in job.outputs]
        names = [job.name for job in self.jobs]
        return [len(outputs), len(names)], [len(set(outputs)), len(set(names))]

    def from_elsewhere(self):
        """The folders of inputs that no job makes."""
        outputs = {path for job in self.jobs for path in job.outputs}
        inputs = {path for job in self.jobs for path in job.inputs}
        return {path.parts[0] for path in inputs - outputs}

    def fingerprints(self, addresses):
        """By the names of these addresses, and of each stage that of its first job."""
        found = {name: self.identity.fingerprint(address)[:16] for name, address in addresses.items()}
        for stage in self.stages:
            found[f"stage {stage.name}"] = next(stage.jobs()).fingerprint[:16]
        return found


def is_at(address, folder):
    """Whether the files of a run are in this folder, and the folder tells the run."""
    folder = Path(folder)
    return (address.folder, address.metrics) == (folder, folder / "metrics.json") and (
        RunAddress.parse(folder) == address
    )
