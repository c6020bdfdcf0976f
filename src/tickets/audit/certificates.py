"""Birth certificates: what made a run, by its own word, by the config, and by the files that it says it read."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tickets.audit.check import Check, Options, Unit
from tickets.audit.expected import Birth, Expected, expected
from tickets.audit.packed import header_of
from tickets.audit.records import differences, other_config, read_record, shown
from tickets.audit.report import Part
from tickets.audit.subject import Subject
from tickets.errors import TicketsError
from tickets.grid import Cell, Job
from tickets.spec import RunAddress, fingerprint

AGAIN = (
    "Snakemake makes the run again if its metrics.json is deleted; or restore the folder (`dvc checkout`)."
)
CONFIG = "If the config is right, `snakemake` makes these runs again; if it was changed by mistake, change it back."
Record = Mapping[str, Any]


def units(subject: Subject, options: Options) -> Iterable[Unit]:
    """One a job."""
    return [Unit(check_job, {"index": index}) for index in range(len(subject.jobs))]


def check_job(subject: Subject, index: int) -> Part:
    """A job's record, and the certificates of its runs."""
    part, job = Part(), subject.job(index)
    if subject.have([job.record], part):
        _check_record(subject, part, job)
    for cell in job.plans():
        for run in cell.runs:
            if subject.have([run.metrics, run.folder / "run.json"], part):
                Certificate(subject, part, job, cell, run).check()
    return part


def _check_record(subject: Subject, part: Part, job: Job) -> None:
    """What a job said that it was, and what the config says."""
    path = subject.root / job.record
    part.items += 1
    try:
        found = read_record(path)
    except TicketsError as error:
        part.fault(path, str(error), "Restore it, or delete it: Snakemake then runs the job again.")
        return
    facts = {"stage": job.stage.name, "axes": dict(job.axes), "runs": len(job.runs)}
    told = {name: found.get(name) for name in facts}
    for key, theirs, ours in differences(told, facts):
        part.fault(
            path, f"{key} is {shown(theirs)}, the job's is {shown(ours)}", "Restore it (`dvc checkout`)."
        )
    if found.get("fingerprint") != job.fingerprint:
        part.fault(
            path, "the job was run under another config (see its runs), or the record was edited", CONFIG
        )


class Certificate:
    """The certificate of one run, and its metrics as far as they repeat it."""

    def __init__(self, subject: Subject, part: Part, job: Job, cell: Cell, run: RunAddress) -> None:
        self.subject, self.part, self.job, self.cell, self.run = subject, part, job, cell, run
        self.folder = subject.root / run.folder
        self.expected: Expected = expected(subject, job)

    def check(self) -> None:
        """All of it."""
        self.part.items += 1
        records = []
        for name in ("run.json", "metrics.json"):
            try:
                records.append(read_record(self.folder / name))
            except TicketsError as error:
                self.part.fault(self.folder / name, str(error), AGAIN)
        if len(records) < 2:
            return
        own, metrics = records
        try:
            birth = self._birth() if self._identity(own, metrics) else None
            if birth is not None and self._level(own, metrics, birth):
                self._facts(own, metrics, birth)
                self._inputs(own, birth)
        except (KeyError, TypeError, AttributeError) as error:
            self.fault("run.json", f"is not the certificate of a run (no {error})")

    def fault(self, name: str, wrong: str, remedy: str = AGAIN) -> None:
        """A finding in one of the run's files."""
        self.part.fault(self.folder / name, wrong, remedy)

    def _identity(self, own: Record, metrics: Record) -> bool:
        """Whether the run is the one that the config has at this address."""
        spec, stamp = own["identity"]["spec"], own["identity"]["fingerprint"]
        if fingerprint(spec) != stamp:
            wanted = next(differences(spec, self.expected.spec(self.run)), None)
            words = "its spec does not give its fingerprint: one of them was edited"
            if wanted is not None:
                words += f"; {wanted.key} is {shown(wanted.theirs)}, in the config {shown(wanted.ours)}"
            self.fault("run.json", words)
            return False
        if metrics.get("fingerprint") != stamp:
            words = "has another fingerprint than run.json: it is of another run, or was edited"
            self.fault("metrics.json", words)
            return False
        if stamp == self.job.stage.identity(self.run):
            return True
        self._stranger(spec)
        return False

    def _stranger(self, spec: Record) -> None:
        """Name what a run with a sound spec is, if not what the config has here."""
        address = self.run.facts()
        if spec.get("address") != address:
            other = " ".join(str(value) for value in spec.get("address", {}).values())
            self.fault("run.json", f"is of another run, {other}: it lies in the wrong place")
            return
        self.fault("run.json", other_config(spec, self.expected.spec(self.run)), CONFIG)

    def _level(self, own: Record, metrics: Record, birth: Birth) -> bool:
        """Whether the run is of the level that its criterion chooses; if not, nothing else can agree."""
        told = own["resolved"]["level"]
        if metrics.get("resolved") != told:
            self.fault(
                "metrics.json", f"resolved is {shown(metrics.get('resolved'))}, in run.json {shown(told)}"
            )
        elif told != birth.level:
            who = "the scores as they are stored choose" if self.run.rule else "its address says"
            self.fault("run.json", f"its level is {told}, but {who} {birth.level}: one of them was edited")
        return bool(metrics.get("resolved") == told == birth.level)

    def _facts(self, own: Record, metrics: Record, birth: Birth) -> None:
        """What both files say, and what follows from the config."""
        cost = own["cost"]
        wanted: dict[str, Any] = {
            "resolved": {"level": birth.level, "sparsity": int(birth.level) / 100},
            "seeds": dict(birth.seeds),
            "schema": 1,
        }
        gpu = str(own["circumstances"]["device"]).startswith("cuda")
        wanted["cost"] = cost | {"steps": birth.steps, "gpu_seconds": cost["seconds"] if gpu else 0.0}
        self._same("run.json", own, wanted)
        repeated: dict[str, Any] = {"steps": birth.steps, "schema": 1, "seconds": cost["seconds"]}
        if birth.removed is not None:
            repeated["removed"] = birth.removed
        if "train_loss" in metrics.get("extra", {}):
            repeated["extra"] = metrics["extra"] | {"train_loss": cost["final_loss"]}
        self._same("metrics.json", metrics, repeated)
        self._shared(own, metrics)

    def _same(self, name: str, record: Record, wanted: Record) -> None:
        for key, theirs, ours in differences({part: record.get(part) for part in wanted}, wanted):
            self.fault(name, f"{key} is {shown(theirs)}, should be {shown(ours)}")

    def _birth(self) -> Birth | None:
        try:
            return self.expected.birth(self.cell, self.run)
        except TicketsError:
            self.part.skip(
                "level or ticket follows from files that are missing or damaged (see other findings)"
            )
        return None

    def _shared(self, own: Record, metrics: Record) -> None:
        """A run that is another's, because both have the same resolved spec."""
        twin = own.get("shared_with")
        if metrics.get("shared_with") != twin:
            self.fault("metrics.json", "shared_with is not that of run.json")
        if twin is None:
            return
        other = self.subject.root / twin
        try:
            theirs = read_record(other / "metrics.json")
        except TicketsError:
            self.part.skip("the run that it shares is missing or damaged")
            return
        keep = ("fingerprint", "shared_with", "resolved")
        odd = differences({**metrics, **dict.fromkeys(keep)}, {**theirs, **dict.fromkeys(keep)})
        for key, a, b in odd:
            self.fault("metrics.json", f"{key} is {shown(a)}, in {twin}, whose numbers it has, {shown(b)}")
        for name in ("predictions.safetensors", "predictions.json"):
            files = [folder / name for folder in (self.folder, other)]
            there = [path.is_file() for path in files]
            if there[0] != there[1] or (all(there) and files[0].read_bytes() != files[1].read_bytes()):
                self.fault(name, f"is not that of {twin}, whose predictions it has")

    def _inputs(self, own: Record, birth: Birth) -> None:
        """The files that the run says it read are those that are there."""
        inputs = own["inputs"]
        for name, path in (
            ("data_sha256", self.job.data_file(self.run.task)),
            ("weights_sha256", birth.start),
        ):
            if self.subject.have([path], self.part) and inputs[name] != self.subject.digest(path):
                remedy = (
                    f"Restore whichever was changed (`dvc checkout`); else delete {path}, to make all again."
                )
                self.part.fault(
                    self.subject.root / path, f"is not the file that runs were made from ({name})", remedy
                )
        if birth.mask is None:
            self.part.skip("masks that were not kept, or are missing")
        elif inputs["mask_sha256"] != birth.mask:
            self._mask(inputs["mask_sha256"])

    def _mask(self, told: str) -> None:
        """The run trained under another mask than there is at its address: say whose that is."""
        whose = owner(self.subject, self.run.paper, told)
        at = f"that mask is now at {whose}: masks were swapped" if whose else "there is no such mask now"
        self.fault("run.json", f"trained under mask {told[:12]}…, its address has another; {at}")


def owner(subject: Subject, paper: str, told: str) -> Path | None:
    """Where a mask with this sha256 lies now."""
    return subject.once(("owners", paper), lambda: _owners(subject, paper)).get(told)


def _owners(subject: Subject, paper: str) -> dict[str, Path]:
    """sha256 of every mask of a paper -> where it lies."""
    found = {}
    for cell in subject.cells(paper):
        for address in cell.masks:
            try:
                found[str(header_of(subject.root / address.file)["sha256"])] = address.file
            except TicketsError:
                continue
    return found


CHECK = Check("certificates", "run.json ← config, data, weights, masks", units)
