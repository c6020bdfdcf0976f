"""`tickets audit` on a small finished pipeline: clean, and after one thing was changed, which it must find and name."""

import json
import random
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from small import environment, small_preset, write_config

from tickets.audit.artifacts import DRAWING, check_artifact, check_claims
from tickets.audit.check import Check, Options, Unit
from tickets.audit.records import as_written, differences
from tickets.audit.reruns import drawn
from tickets.audit.runner import audit
from tickets.audit.steps import CHECKS
from tickets.audit.storage import folder_md5, md5
from tickets.audit.subject import Source, Subject
from tickets.jobs.files import write_json
from tickets.papers.lth.addresses import mask as lth_mask
from tickets.papers.registry import artifacts
from tickets.pruning.mask import Mask
from tickets.spec import fingerprint

RUN = "lth/runs/rte/pretrained/imp/from-rte/sparsity70/seed1"
TAMT = "tamt/runs/cola/base.pretrained/omp/from-mask1/sparsity70/seed1"
SUPER = "supertickets/runs/sts-b/base.pretrained/winning/from-sts-b/sparsity30/seed1"
SHARED = "supertickets/runs/rte/base.pretrained/ticket-share/from-glue/sparsity-super/seed1"
MASK = "lth/masks/imp/from-rte/sparsity70/seed1/mask.safetensors"
VOLATILE = (
    "circumstances", "cost.final_loss", "cost.peak_memory_mb", "cost.peak_gpu_memory_mb", "cost.resumed",
    "cost", "dev", "cpu_seconds", "seconds", "phases", "peak_memory_mb", "gpu_seconds", "extra.sequence",
    "kd_loss", "mlm_loss",
)  # fmt: skip
"""What an audit without DVC cannot know: docs/how-to/audit-results.md."""


@pytest.fixture
def root(built, monkeypatch):
    """results/small of the finished pipeline, from within it."""
    monkeypatch.chdir(built)
    return Path("results/small")


@pytest.fixture
def restoring(root):
    """Remembers files that a test changes or deletes, and puts them back."""
    kept = {}

    def remember(*paths):
        for path in paths:
            kept[path] = path.read_bytes() if path.exists() else None
        return paths[0] if len(paths) == 1 else paths

    yield remember
    for path, data in kept.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        if data is None:
            path.unlink(missing_ok=True)
        else:
            path.write_bytes(data)


@pytest.fixture
def locked(root):
    """A lock file with the versions at hand, so that another picture is no matter of versions."""
    Path("envs").mkdir(exist_ok=True)
    pins = (f"{name}=={metadata.version(name)}" for name in DRAWING)
    Path("envs/requirements.txt").write_text("\n".join(pins) + "\n")
    yield
    shutil.rmtree("envs")


def found_by(*names, papers=(), quick=True):
    """Findings of these checks, as {file: what is wrong}; where a file has several, all of it."""
    checks = [check for check in CHECKS if check.name in names]
    assert len(checks) == len(names)
    report = audit(Source(Path("config.yaml"), None, papers), checks, Options(quick=quick), 1)
    words = {}
    for finding in report.findings:
        assert finding.remedy
        words[finding.file] = f"{words.get(finding.file, '')} {finding.wrong}".strip()
    return words


def edit(path, change):
    """Change a record and write it as the program would."""
    content = json.loads(path.read_text())
    change(content)
    write_json(path, content)


def flip(path, place):
    data = bytearray(path.read_bytes())
    data[place] ^= 0x10
    path.write_bytes(bytes(data))


def command(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "tickets", "audit", *arguments],
        env=environment(),
        text=True,
        capture_output=True,
    )


def test_a_finished_pipeline_is_clean_and_says_what_it_could_not_check(root):
    done = command("--json", "audit.json", "--cores", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(Path("audit.json").read_text())
    assert report["totals"]["findings"] == 0
    items = {check["name"]: check["items"] for check in report["checks"]}
    assert list(items) == [check.name for check in CHECKS]
    assert min(count for name, count in items.items() if name not in ("storage", "history")) > 0
    assert items["certificates"] > 300
    assert "nothing is wrong" in done.stdout.splitlines()[-1]
    unchecked = {check["name"]: check["unchecked"] for check in report["checks"]}
    assert unchecked["scores"] == {
        "numbers that no stored predictions determine": pytest.approx(300, abs=300)
    }
    assert not unchecked["inputs"]
    assert not unchecked["completeness"]


def test_quick_leaves_out_what_it_says(root):
    report = audit(
        Source(Path("config.yaml")), [c for c in CHECKS if c.name in ("frames", "inputs")], Options(True), 1
    )
    frames, inputs = report.checks
    assert frames.items == 6  # facts and headline numbers
    assert sum(inputs.unchecked.values()) == len(list((root / "data").glob("*.safetensors")))


def test_a_flipped_byte_in_a_mask(root, restoring):
    path = restoring(root / MASK)
    flip(path, -40)
    assert "do not match their sha256" in found_by("masks")[str(path)]


def test_an_edited_metric(root, restoring):
    path = restoring(root / RUN / "metrics.json")
    edit(path, lambda metrics: metrics["scores"]["dev"].update(accuracy=99.5))
    words = found_by("scores", "cells", papers=("lth",))
    assert "scores.dev.accuracy is 99.5, its predictions give" in words[str(path)]
    cells = words[str(root / "lth/cells/imp.csv")]
    assert f"row {RUN}, column accuracy" in cells
    assert "99.5" in cells


def test_a_metric_edited_by_hand_without_care(root, restoring):
    path = restoring(root / RUN / "metrics.json")
    path.write_text(path.read_text().replace('"score": ', '"score":  '))
    assert "not as this program writes it" in found_by("certificates", papers=("lth",))[str(path)]


def test_an_edited_table_cell(root, restoring):
    path = restoring(root / "lth/tables/table2.csv")
    lines = path.read_text().splitlines()
    row = next(i for i, line in enumerate(lines) if ",ours," in line and any(c.isdigit() for c in line))
    number = next(cell for cell in lines[row].split(",")[2:] if cell and cell[0].isdigit())
    path.write_text(
        "\n".join([*lines[:row], lines[row].replace(number, "77.77", 1), *lines[row + 1 :]]) + "\n"
    )
    words = found_by("artifacts", papers=("lth",))
    assert list(words) == [str(path)]
    assert "/ ours, column" in words[str(path)]
    assert '"77.77" in the file' in words[str(path)]


def test_an_edited_figure_and_an_edited_claim(root, restoring):
    picture, page = restoring(root / "lth/figures/fig11.png", root / "tamt/claims.md")
    flip(picture, len(picture.read_bytes()) // 2)
    page.write_text(page.read_text().replace("reproduced", "Reproduced", 1))
    words = found_by("artifacts", quick=False)
    assert words.keys() == {str(picture), str(page)}
    assert "the picture is damaged" in words[str(picture)]
    assert "line " in words[str(page)]


def test_a_picture_of_other_data_is_a_fault_only_under_the_versions_of_the_lock(root, restoring, locked):
    ours, other = restoring(root / "lth/figures/fig4.png", root / "lth/figures/fig7.png")
    ours.write_bytes(other.read_bytes())
    assert "the picture is another" in found_by("artifacts", papers=("lth",), quick=False)[str(ours)]
    Path("envs/requirements.txt").write_text("matplotlib==0.1\n")
    checks = [check for check in CHECKS if check.name == "artifacts"]
    (check,) = audit(Source(Path("config.yaml"), None, ("lth",)), checks, Options(), 1).checks
    assert check.findings == ()
    assert any("other versions than in envs/requirements.txt" in note for note in check.notes)


def test_an_edited_cell(root, restoring):
    path = restoring(root / "tamt/cells.csv")
    path.write_text(path.read_text().replace(f"{TAMT},", f"{TAMT}x,", 1))
    words = found_by("cells")[str(path)]
    assert f"row {TAMT} is missing" in words
    assert f"row {TAMT}x should not be there" in words


def test_swapped_masks(root, restoring):
    other = root / lth_mask("imp", "rte", "60", 1).file
    path, other = restoring(root / MASK, other)
    data = path.read_bytes()
    path.write_bytes(other.read_bytes())
    other.write_bytes(data)
    words = found_by("masks", "certificates", papers=("lth",))
    for file, level in ((path, "60"), (other, "70")):
        assert f"is another mask, {level} imp lth 1 rte" in words[str(file)]
        assert "masks were swapped" in words[str(file)]
    assert "sparsity60" in words[str(root / RUN / "run.json")]


def test_masks_swapped_with_their_headers_rewritten(root, restoring):
    """A forger who gives each mask the header of its new place is betrayed by the runs that trained under them."""
    other = root / lth_mask("imp", "rte", "70", 2).file
    path, other = restoring(root / MASK, other)
    masks, facts = ([read(p) for p in (path, other)] for read in (Mask.load, Mask.provenance))
    masks[1].save(path, facts[0])
    masks[0].save(other, facts[1])
    words = found_by("masks", "certificates", papers=("lth",))
    assert f"that mask is now at {other.relative_to(root)}" in words[str(root / RUN / "run.json")]


def test_a_mask_of_another_sparsity_with_a_sound_header(root, restoring):
    path = restoring(root / MASK)
    mask, facts = Mask.load(path), Mask.provenance(path)
    tensors = {name: mask[name] for name in mask}
    first = next(iter(tensors))
    tensors[first].view(-1)[tensors[first].view(-1).nonzero()[0]] = False
    Mask(tensors).save(path, facts)
    assert "weights, its sparsity has" in found_by("masks", papers=("lth",))[str(path)]


def test_a_super_ticket_that_its_scores_do_not_give(root, restoring):
    path = restoring(root / "supertickets/masks/base.winning/from-sts-b/sparsity50/seed1/mask.safetensors")
    mask, facts = Mask.load(path), Mask.provenance(path)
    heads = mask["heads"].flip(1)
    Mask({"heads": heads, "ffns": mask["ffns"]}).save(path, facts)
    words = found_by("masks", papers=("supertickets",))
    assert "is not the mask that θ0, the seed or the scores give" in words[str(path)]


def test_a_changed_config_key(root, restoring):
    restoring(Path("config.yaml"))
    preset = small_preset()
    preset["lth"]["recipes"]["rte"]["learning_rate"] = 3e-3
    write_config(Path(), preset)
    words = found_by("certificates", "masks", papers=("lth",))
    assert (
        "made under another config: recipe.learning_rate was 0.002, is 0.003"
        in words[str(root / RUN / "run.json")]
    )
    assert words[str(root / MASK)] == words[str(root / RUN / "run.json")]
    assert str(root / RUN.replace("rte", "sts-b") / "run.json") not in words


def test_a_deleted_seed(root, restoring):
    folder = root / RUN
    files = sorted(folder.iterdir())
    restoring(*files)
    shutil.rmtree(folder)
    report = audit(
        Source(Path("config.yaml")), [c for c in CHECKS if c.name in ("completeness", "cells")], Options(), 1
    )
    (finding,) = report.findings
    assert finding.file == str(folder)
    assert "metrics.json, run.json, predictions.safetensors missing" in finding.wrong
    assert finding.remedy == "`snakemake --cores all results/small/lth/jobs/imp/rte.json`"
    assert report.checks[0].unchecked == {"needs a file that is missing (see completeness)": 1}


def test_deleted_files_of_git_are_missing_not_unpulled(root, restoring):
    table, cells = restoring(root / "cross/tables/table1.csv", root / "tamt/cells.csv")
    table.unlink()
    cells.unlink()
    words = found_by("completeness")
    assert words == {str(table.parent): "table1.csv missing", str(cells.parent): "cells.csv missing"}


def test_an_edited_prediction(root, restoring):
    path = restoring(root / RUN / "predictions.safetensors")
    outputs = load_file(path)
    outputs["dev"] = np.ascontiguousarray(outputs["dev"][:, ::-1])
    save_file(outputs, path)
    words = found_by("scores", papers=("lth",))[str(root / RUN / "metrics.json")]
    assert "score is" in words
    assert "its predictions give" in words


def test_an_edited_loss_of_an_evaluation_on_the_way(root, restoring):
    """Which evaluation point was chosen, and what it scored on parts of dev, follows from all stored points."""
    path = restoring(root / SUPER / "metrics.json")
    edit(path, lambda m: m["extra"].update(select_loss_p10=m["extra"]["select_loss_p10"] + 1e-6))
    assert "extra.select_loss_p10" in found_by("scores", papers=("supertickets",))[str(path)]


def test_an_edited_choice_of_a_shared_model(root, restoring):
    path = restoring(root / SHARED / "metrics.json")
    edit(path, lambda m: m["extra"].update(epoch_full=3 - m["extra"]["epoch_full"]))
    assert "extra.epoch_full" in found_by("scores", papers=("supertickets",))[str(path)]


def test_a_best_evaluation_that_was_not_the_best(root, restoring):
    path = restoring(root / TAMT / "metrics.json")
    edit(path, lambda m: m["extra"].update(score_first=12.0))
    words = found_by("scores", papers=("tamt",))[str(path)]
    assert "extra.score_first is 12.0" in words


def test_a_truncated_file(root, restoring):
    predictions, metrics = restoring(root / RUN / "predictions.safetensors", root / TAMT / "metrics.json")
    for path in (predictions, metrics):
        path.write_bytes(path.read_bytes()[:-9])
    words = found_by("scores", "certificates")
    assert "cannot be read as safetensors" in words[str(predictions)]
    assert "cannot be read as JSON" in words[str(metrics)]


def test_an_orphan_run_and_an_orphan_mask(root):
    strangers = [
        root / RUN.replace("seed1", "seed9"),
        root / "tamt/masks/base.omp/from-pretraining/sparsity33/seed1",
    ]
    try:
        for folder in strangers:
            folder.mkdir(parents=True)
            (folder / "metrics.json").write_text("{}")
        words = found_by("completeness")
    finally:
        for folder in strangers:
            shutil.rmtree(folder)
        shutil.rmtree(strangers[1].parent)
    assert words.keys() == {str(folder) for folder in strangers}
    assert all("that the config does not know" in wrong for wrong in words.values())


def test_an_edited_published_value(root, restoring):
    path = restoring(Path("paper/lth/table2.csv"))
    text = path.read_text()
    assert "full_mean,82.4," in text
    path.write_text(text.replace("full_mean,82.4,", "full_mean,12.3,"))
    words = found_by("artifacts", papers=("lth",))
    table = words[str(root / "lth/tables/table2.csv")]
    assert "/ published, column" in table
    assert "12.3" in table
    assert "published numbers come from paper/lth/" in table


def test_a_forged_spec_with_consistent_hashes(root, restoring):
    certificate, metrics = restoring(root / RUN / "run.json", root / RUN / "metrics.json")

    def forge(content):
        content["identity"]["spec"]["target"]["recipe"]["batch_size"] = 4
        content["identity"]["fingerprint"] = fingerprint(content["identity"]["spec"])

    edit(certificate, forge)
    stamp = json.loads(certificate.read_text())["identity"]["fingerprint"]
    edit(metrics, lambda m: m.update(fingerprint=stamp))
    words = found_by("certificates", papers=("lth",))[str(certificate)]
    assert "recipe.batch_size was 4, is 8" in words


def test_a_spec_edited_without_its_hash(root, restoring):
    path = restoring(root / RUN / "run.json")
    edit(path, lambda c: c["identity"]["spec"]["target"]["recipe"].update(batch_size=4))
    words = found_by("certificates", papers=("lth",))[str(path)]
    assert "its spec does not give its fingerprint" in words
    assert "target.recipe.batch_size" in words


def test_a_run_in_the_wrong_place(root, restoring):
    other = root / RUN.replace("seed1", "seed2")
    files = [(root / RUN / path.name, path) for path in other.iterdir()]
    restoring(*(here for here, _ in files))
    for here, there in files:
        here.write_bytes(there.read_bytes())
    words = found_by("certificates", papers=("lth",))[str(root / RUN / "run.json")]
    assert "is of another run, 70 imp lth 2 rte rte pretrained" in words
    assert "wrong place" in words


def test_edited_inputs_and_seeds_of_a_certificate(root, restoring):
    first, second = restoring(root / RUN / "run.json", root / TAMT / "run.json")
    edit(first, lambda c: c["inputs"].update(mask_sha256="0" * 64))
    edit(second, lambda c: c["seeds"].update(train=5))
    words = found_by("certificates")
    assert "there is no such mask now" in words[str(first)]
    assert "seeds.train is 5" in words[str(second)]


def test_edited_data_are_named_once_and_not_with_every_run(root, restoring):
    path = restoring(root / "data/rte-64.safetensors")
    flip(path, -4)
    words = found_by("inputs", "certificates")
    assert "content does not match its sha256" in words[str(path)]
    assert "is not the file that runs were made from" in words[str(path)]
    assert len(words) == 1


def test_what_is_not_pulled_is_no_fault_but_said(root, tmp_path):
    """A clean clone before `dvc pull`: only what is in git."""
    heavy = [Path("data"), Path("models"), Path("report")]
    heavy += [Path(paper, name) for paper in ("lth", "supertickets", "tamt") for name in
              ("runs", "masks", "weights", "importance", "jobs", "training")]  # fmt: skip
    moved = [path for path in heavy if (root / path).exists()]
    for path in moved:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.move(root / path, tmp_path / path)
    Path("dvc.lock").write_text("schema: '2.0'\nstages: {}\n")
    try:
        done = command("--json", "audit.json", "--quick", "--cores", "1")
    finally:
        Path("dvc.lock").unlink()
        for path in moved:
            shutil.move(tmp_path / path, root / path)
    assert done.returncode == 0, done.stdout
    report = json.loads(Path("audit.json").read_text())
    items = {check["name"]: check["items"] for check in report["checks"]}
    assert items["artifacts"] > 70
    assert items["cells"] > 10
    assert items["scores"] == items["masks"] == items["certificates"] == 0
    assert "`dvc pull`" in done.stdout
    assert "could not be compared" in done.stdout.splitlines()[-1]


def test_executing_runs_again_gives_their_bits_and_finds_one_that_nothing_else_tells(root, restoring):
    """The last bit of a logit: no score follows from it."""
    subject = Subject(Source(Path("config.yaml"), None, ("tamt",)))
    job = subject.job(drawn(subject, Options(rerun=1, seed=2))[0])
    path = restoring(root / job.runs[0].folder / "predictions.safetensors")
    arguments = ("tamt", "--quick", "--rerun", "1", "--seed", "2", "--json", "audit.json", "--cores", "1")
    for tampered in (False, True):
        if tampered:
            flip(path, -4)
        done = command(*arguments)
        again = json.loads(Path("audit.json").read_text())["checks"][-1]
        assert again["name"] == "reruns"
        assert again["items"] > 3
        assert "--rerun 1: 1 job(s) with" in done.stdout
        assert {finding["file"]: finding["wrong"] for finding in again["findings"]} == (
            {str(path): "executed again: other bits"} if tampered else {}
        )


def test_unknown_paper_and_no_results(root, tmp_path, monkeypatch):
    done = command("nope")
    assert done.returncode == 1
    assert "has no 'nope'" in done.stderr
    shutil.copy("config.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    done = command()
    assert "there are no results to audit" in done.stderr


def undetermined(before, after):
    """Whether a changed JSON file differs only in what an audit without DVC cannot know."""
    try:
        a, b = json.loads(before), json.loads(after)
    except ValueError:
        return False
    if not isinstance(b, dict) or as_written(b) != after:
        return False
    return all(d.key in VOLATILE or d.key.startswith(tuple(f"{v}." for v in VOLATILE)) or "sequence" in d.key
               for d in differences(a, b))  # fmt: skip


GROUPS = {
    "runs": (("scores", "certificates", "cells"), ["*/runs/**/metrics.json", "*/runs/**/run.json"]),
    "masks": (("masks", "certificates", "frames"), ["*/masks/**/*.*"]),
    "kept": (
        ("masks", "certificates", "frames"),
        ["*/importance/**/*.*", "*/training/**/*.*", "lth/weights/**/*.*"],
    ),
    "jobs": (("certificates", "cells"), ["*/jobs/**/*.*"]),
    "tidy": (("cells", "frames"), ["*/*.csv", "*/facts.json", "*/headline.json", "*/cells/*.csv"]),
    "drawn": (("artifacts",), ["*/figures/*.*", "*/tables/*.*", "*/claims.*"]),
    "inputs": (("inputs", "certificates"), ["data/*.*", "models/*/*.*"]),
}
"""Checks that must find it, and files."""
MADE_OF = {"losses.json": "tamt/pretraining.csv", "training": "tamt/training.csv", "jobs": "costs.csv"}
"""Files of which only what is gathered from them tells: the two are unlike, whichever was edited."""
FLIPS = 10


def only(path, root):
    """The check of the one table, figure or list of claims that a file belongs to."""
    folder = path.relative_to(root)
    ids = [item.id for item in artifacts().values() if path in item.outputs(root / item.paper)]
    if ids:
        unit = Unit(check_artifact, {"id": ids[0], "pixels": True})
    else:
        unit = Unit(check_claims, {"paper": folder.parts[0]})
    return [Check("artifacts", "", lambda subject, options: [unit])]


@pytest.mark.parametrize("group", GROUPS)
def test_no_flipped_byte_of_any_file_goes_unnoticed(root, restoring, locked, group):
    """Property: a byte flipped in any file of a random sample is found, and the file named."""
    names, patterns = GROUPS[group]
    draw = random.Random(group)
    files = sorted(path for pattern in patterns for path in root.glob(pattern) if path.is_file())
    for path in draw.sample(files, FLIPS):
        before = restoring(path).read_bytes()
        for _ in range(200):
            after = bytearray(before)
            after[draw.randrange(len(after))] ^= 1 << draw.randrange(8)
            if not undetermined(before, bytes(after)):
                break
        path.write_bytes(bytes(after))
        paper = path.relative_to(root).parts[0]
        chosen = only(path, root) if group == "drawn" else [check for check in CHECKS if check.name in names]
        papers = () if paper in ("data", "models") else (paper,)
        report = audit(Source(Path("config.yaml"), None, papers), chosen, Options(), 1)
        path.write_bytes(before)
        named = " ".join(f"{finding.file} {finding.wrong}" for finding in report.findings)
        gathered = next((made for part, made in MADE_OF.items() if part in path.parts), str(path))
        assert path.relative_to(root).as_posix() in named or gathered in named, (path, bytes(after))


def test_no_flipped_byte_goes_unnoticed_by_dvc(root, restoring):
    """The same for everything that DVC tracks, the last bit of a logit included."""
    tracked = [Path(paper, name) for paper in ("lth", "tamt") for name in ("runs", "masks", "jobs")]
    outs, cache = [], Path(".dvc/cache/files/md5")
    for folder in tracked:
        there = {
            p.relative_to(root / folder).as_posix(): md5(p) for p in (root / folder).rglob("*") if p.is_file()
        }
        recorded = folder_md5(there)
        listing = cache / recorded[:2] / recorded[2:]
        listing.parent.mkdir(parents=True, exist_ok=True)
        listing.write_text(json.dumps([{"md5": there[name], "relpath": name} for name in sorted(there)]))
        outs += [
            f"    - path: {root / folder}",
            "      hash: md5",
            f"      md5: {recorded}",
            f"      nfiles: {len(there)}",
        ]
    draw = random.Random(0)
    sample = draw.sample(sorted(p for f in tracked for p in (root / f).rglob("*") if p.is_file()), 20)
    Path("dvc.lock").write_text("\n".join(["schema: '2.0'", "stages:", "  all:", "    outs:", *outs]) + "\n")
    try:
        assert found_by("storage") == {}
        for path in sample:
            data = bytearray(restoring(path).read_bytes())
            data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
            path.write_bytes(bytes(data))
        assert found_by("storage").keys() == {str(path) for path in sample}
        shutil.rmtree(cache)
        (words,) = {w for w in found_by("storage").values() if "only the cache knows" not in w} or {""}
        assert words == ""
    finally:
        Path("dvc.lock").unlink()
        shutil.rmtree(".dvc", ignore_errors=True)
