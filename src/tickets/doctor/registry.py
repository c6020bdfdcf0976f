"""All checks, in the order in which they are shown. A new check is a function and a line here."""

from tickets.doctor import configuration, gpu, hub, leftovers, machine, slurm, software, storage, submission
from tickets.doctor.check import CONFIG, Check

CHECKS = (
    Check("Software", "python", software.python),
    Check("Software", "packages", software.packages),
    Check("Software", "tickets", software.package),
    Check("Config", CONFIG, configuration.active),
    Check("Config", "other presets", configuration.others),
    Check("Machine", "cores", machine.cores),
    Check("Machine", "memory", machine.memory),
    Check("Machine", "disk", storage.disk),
    Check("Machine", "text", machine.text),
    Check("Machine", "file locks", machine.locks),
    Check("GPU", "driver", gpu.driver),
    Check("GPU", "torch", gpu.torch),
    Check("GPU", "several", gpu.several),
    Check("Slurm", "programs", slurm.programs),
    Check("Slurm", "controller", slurm.controller),
    Check("Slurm", "partitions", slurm.usable),
    Check("Slurm", "way to ask for GPUs", slurm.gpu_style),
    Check("Slurm", "accounting", slurm.accounting),
    Check("Slurm", "submission", submission.line),
    Check("Data", "git", storage.git),
    Check("Data", "dvc", storage.dvc),
    Check("Data", "tracked by dvc", storage.tracked),
    Check("Data", "local folders", hub.local),
    Check("Data", "hub", hub.hub),
    Check("Leftovers", "unfinished jobs", leftovers.unfinished),
    Check("Leftovers", "half-written files", leftovers.parts),
    Check("Leftovers", "snakemake's lock", leftovers.lock),
    Check("Leftovers", "containers", leftovers.containers),
)
