"""Slurm: programs, controller, partitions, the way to ask for GPUs, accounting, the submission itself."""

import time

import pytest

from tickets.doctor import slurm, submission
from tickets.doctor.check import run_checks
from tickets.doctor.registry import CHECKS

ALL = (slurm.programs, slurm.controller, slurm.usable, slurm.gpu_style, slurm.accounting, submission.line)


def look(check, machine, preset="paper"):
    found = check(machine.surroundings(preset))
    return found.state, found.found, found.advice


def test_without_slurm_nothing_is_needed(machine):
    assert {look(check, machine)[0] for check in ALL} == {"not needed"}


def test_a_cluster_that_fits(machine):
    machine.slurm()
    found = [look(check, machine) for check in ALL]
    assert [state for state, _, _ in found] == ["ok"] * 6
    assert found[0][1].startswith("slurm 23.11.4; snakemake-executor-plugin-slurm ")
    assert found[2][1] == "gpu* (gpu:a100:4)"
    assert found[3][1] == "select/cons_tres; way 1 of the profile, the resource `gpu`; models: a100 (gpu_model, if it matters which)"  # fmt: skip  # noqa: E501
    assert found[4][1] == "on; default account lab"


def test_missing_programs_are_named(machine):
    machine.slurm()
    (machine.bin / "scancel").unlink()
    state, found, advice = look(slurm.programs, machine)
    assert (state, found) == ("error", "not on the PATH: scancel")
    assert "module" in advice


def test_a_controller_that_is_down_leaves_the_rest_unknown(machine):
    machine.slurm()
    machine.program("scontrol", error="slurm_load_ctl_conf error: Unable to contact slurm controller", code=1)
    state, found, advice = look(slurm.controller, machine)
    assert state == "error"
    assert "Unable to contact slurm controller" in found
    assert "SLURM_CONF" in advice
    assert {look(check, machine)[0] for check in ALL[2:]} == {"not needed"}


def test_a_controller_that_hangs_is_not_waited_for(machine):
    machine.slurm()
    machine.program("scontrol", seconds=60)
    begun = time.monotonic()
    lines = {
        line.name: line
        for line in run_checks([c for c in CHECKS if c.group == "Slurm"], machine.surroundings())
    }
    assert time.monotonic() - begun < 10
    assert "no answer within 4 s" in lines["controller"].found


def test_what_a_preset_does_not_need_is_no_error(machine):
    """micro runs here; mini would too if there were a GPU."""
    machine.slurm(partitions="")
    assert look(slurm.usable, machine, "paper")[0] == "error"
    assert look(slurm.usable, machine, "micro")[0] == "warning"
    machine.gpus(1)
    assert look(slurm.usable, machine, "paper")[0] == "warning"


@pytest.mark.parametrize(("listed", "found", "advice"), [
    ("cpu*|up|infinite|(null)", "none that is up has GPUs", "Ask the cluster's people"),
    ("cpu*|up|infinite|(null)\ngpu|down|infinite|gpu:2", "none that is up has GPUs", "Ask the cluster's people"),
    ("cpu*|up|infinite|(null)\nbig|up|infinite|gpu:2", "jobs would go to 'cpu'", "Set slurm_partition: big"),
    ("big|up|infinite|gpu:2", "there is no default partition", "Set slurm_partition: big"),
    ("gpu*|up|4:00:00|gpu:2", "'gpu' ends jobs after 240 minutes, these ask for 1440", "Lower presets.paper"),
    ("", "sinfo lists no partition", "Ask with `sinfo`"),
])  # fmt: skip
def test_partitions_that_do_not_fit(machine, listed, found, advice):
    machine.slurm(listed)
    state, said, hint = look(slurm.usable, machine)
    assert state == "error"
    assert found in said
    assert hint.startswith(advice)


def test_the_profiles_partition_counts(machine):
    machine.slurm("cpu*|up|infinite|(null)\nbig|up|infinite|gpu:2")
    machine.profile.write_text("default-resources:\n  slurm_partition: big\n")
    assert look(slurm.usable, machine)[0] == "ok"
    machine.profile.write_text("default-resources:\n  slurm_partition: bug\n")
    state, said, advice = look(slurm.usable, machine)
    assert (state, "the profile asks for 'bug'" in said) == ("error", True)
    assert advice == f"Correct slurm_partition in {slurm.PROFILE}."


def test_nodes_of_one_partition_are_put_together(machine):
    listed = "gpu*|up|2-12:30:00|gpu:a100:4(S:0-1),gpu:v100:2\ngpu*|up|2-12:30:00|gpu:h100:8(S:0)\n"
    machine.slurm(listed + "cpu|down|30:00|(null)")
    gpu, cpu = slurm.partitions(machine.surroundings("paper"))
    assert gpu == slurm.Partition("gpu", True, True, 3630, ("gpu:a100:4", "gpu:h100:8", "gpu:v100:2"))
    assert cpu == slurm.Partition("cpu", False, False, 30, ())


@pytest.mark.parametrize(("text", "expected"), [
    ("infinite", None), ("30:00", 30), ("4:00:00", 240), ("1-00:00:00", 1440), ("2-12:30:00", 3630), ("n/a", None),
])  # fmt: skip
def test_times_of_slurm(text, expected):
    assert slurm.minutes(text) == expected


def test_a_cluster_that_refuses_gpus_wants_the_other_way(machine):
    machine.slurm(select="select/linear")
    state, found, advice = look(slurm.gpu_style, machine)
    assert (state, found) == ("error", "select/linear refuses `sbatch --gpus`, and the profile uses it")
    assert advice == f'Uncomment `gres: "gpu:1"` (way 2) in {slurm.PROFILE}.'
    machine.profile.write_text('default-resources:\n  gres: "gpu:1"\n')
    state, found, _ = look(slurm.gpu_style, machine)
    assert (state, found.split("; ")[1]) == ("ok", 'way 2 of the profile, `gres: "gpu:1"`')


def test_without_accounting_the_profile_must_know(machine):
    machine.slurm(storage="accounting_storage/none")
    state, _, advice = look(slurm.accounting, machine)
    assert state == "error"
    assert advice.endswith("slurm-status-command: squeue; slurm-no-account: true.")
    machine.profile.write_text("slurm-status-command: squeue\n")
    assert look(slurm.accounting, machine)[2].endswith("config.yaml: slurm-no-account: true.")
    machine.profile.write_text("slurm-status-command: squeue\nslurm-no-account: true\n")
    assert look(slurm.accounting, machine)[0] == "ok"


def test_without_a_default_account_the_profile_should_name_one(machine):
    machine.slurm(account="")
    machine.variables["USER"] = "ada"
    state, found, advice = look(slurm.accounting, machine)
    assert (state, found) == ("warning", "on, but no default account of ada is known")
    assert "slurm_account" in advice
    machine.profile.write_text("default-resources:\n  slurm_account: lab\n")
    assert look(slurm.accounting, machine)[:2] == ("ok", "on; the profile's account: lab")


def test_the_line_is_what_the_plugin_makes_of_profile_and_preset(machine):
    machine.slurm()
    machine.profile.write_text(
        "slurm-requeue: true\nslurm-jobname-prefix: tickets\n"
        "default-resources:\n  slurm_account: lab\n  slurm_partition: big\n  slurm_extra: \"'--signal=TERM@120'\"\n"
    )
    _, found, _ = look(submission.line, machine)
    words = found.split()
    assert words[:5] == ["sbatch", "--parsable", "--job-name", "tickets_doctor", "--output"]
    expected = "-A lab -p big -t 1440 --mem 32000 --requeue --cpus-per-task=4 --signal=TERM@120 --gpus=1"
    assert found.endswith(expected)


def test_either_way_to_ask_for_a_gpu(machine):
    machine.slurm()
    machine.profile.write_text('default-resources:\n  gres: "gpu:a100:1"\n')
    found = look(submission.line, machine)[1]
    assert found.endswith("--gres=gpu:a100:1")
    assert "--gpus" not in found
    cpu = look(submission.line, machine, "micro")[1]
    assert "--gpus" not in cpu
    assert "--gres" not in cpu
    assert "--ntasks=1" in cpu


def test_slurm_refuses_the_line(machine):
    machine.slurm(refuses="Invalid account or account/partition combination specified")
    state, found, advice = look(submission.line, machine)
    assert state == "error"
    assert found.startswith(
        "refused: allocation failure: Invalid account or account/partition combination specified"
    )
    assert "account, partition, way to ask for GPUs" in advice


def test_a_damaged_profile_is_named(machine):
    machine.slurm()
    machine.profile.write_text("a: [")
    (line,) = run_checks([c for c in CHECKS if c.name == "submission"], machine.surroundings("paper"))
    assert line.state == "error"
    assert "workflow/profiles/slurm/config.yaml: not valid YAML" in line.found
