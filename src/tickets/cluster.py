"""What a rule asks of a cluster. Imports nothing: every Snakemake process reads it."""

from collections.abc import Container

Request = dict[str, int | None]


def gpu_request(gpus: int, given: Container[str]) -> Request:
    """The `resources:` by which a rule asks for GPUs, or for none.

    gpus   how many a job of the rule needs
    given  names of the resources that the profile gives to every rule (`default-resources`)

    Slurm grants GPUs by `--gpus`, which the executor plugin makes of the resource `gpu`, or by `--gres`, made of
    `gres`. Clusters may refuse one of them, and a job must not ask for both. So where the profile has a `gres`, it
    stands for the rule's own `gpu`. A rule without GPUs takes neither it nor the `gpu_model`.
    """
    if gpus == 0:
        return {"gpu": 0, "gres": None, "gpu_model": None}
    return {} if "gres" in given else {"gpu": gpus}
