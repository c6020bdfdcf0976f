"""Snakemake's records of results: packed, and put back where the files are as they were."""

import gzip
import json
import os
import shutil
from base64 import urlsafe_b64encode
from pathlib import Path

import pytest

from tickets.errors import TicketsError
from tickets.provenance.snakemake_records import ARCHIVE, restore, restore_if_new, save

ROOT = Path("results/small")
FILES = {
    "models/bert/model.safetensors": [],
    "lth/runs/a/metrics.json": ["models/bert/model.safetensors"],
    "lth/runs/b/metrics.json": ["models/bert/model.safetensors"],
    "lth/cells.csv": ["lth/runs/a/metrics.json", "lth/runs/b/metrics.json"],
}


def record_of(name, folder="metadata"):
    return Path(".snakemake", folder, urlsafe_b64encode(str(ROOT / name).encode()).decode())


def finish(name, content, at):
    """As if a job had made it."""
    path = ROOT / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    os.utime(path, ns=(at * 10**9, at * 10**9))
    record = {
        "rule": "made", "params": [content], "input": [str(ROOT / i) for i in FILES.get(name, [])],
        "endtime": float(at), "software_stack_hash": "of a container",
    }  # fmt: skip
    record_of(name).parent.mkdir(parents=True, exist_ok=True)
    record_of(name).write_text(json.dumps(record))


@pytest.fixture
def results(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for i, name in enumerate(FILES):
        finish(name, name, at=1000 + i)
    (ROOT / "lth/runs/a/predictions.safetensors").write_text("no output of a rule")
    (ROOT / "logs").mkdir()
    return tmp_path


@pytest.fixture
def pulled(results):
    """Another machine: the files, all of today, and no record."""
    assert save(ROOT) == len(FILES)
    shutil.rmtree(".snakemake")
    shutil.rmtree(".tickets")
    for path in ROOT.rglob("*"):
        os.utime(path)
    return results


def kept():
    return {name: json.loads(record_of(name).read_text()) for name in FILES if record_of(name).exists()}


def dates():
    return {name: (ROOT / name).stat().st_mtime for name in FILES}


def test_records_and_dates_come_back(pulled):
    found = restore(ROOT)
    assert (found.restored, found.newer, found.missing, found.different) == (len(FILES), 0, (), ())
    assert {name: record["params"] for name, record in kept().items()} == {name: [name] for name in FILES}
    assert dates() == {name: 1000 + i for i, name in enumerate(FILES)}
    assert Path(".snakemake/incomplete").is_dir(), "or Snakemake would migrate"
    assert str(found) == "4 restored"


def test_where_a_run_was_made_is_no_reason_to_make_it_again(pulled):
    restore(ROOT)
    assert {record["software_stack_hash"] for record in kept().values()} == {None}


def test_equal_records_give_equal_bytes_here_and_where_they_were_pulled(pulled):
    before = (ROOT / ARCHIVE).read_bytes()
    restore(ROOT)
    save(ROOT)
    assert (ROOT / ARCHIVE).read_bytes() == before


def test_a_file_that_differs_gets_no_record(pulled):
    (ROOT / "lth/runs/a/metrics.json").write_text("edited")
    found = restore(ROOT)
    assert found.different == (str(ROOT / "lth/runs/a/metrics.json"),)
    assert set(kept()) == set(FILES) - {"lth/runs/a/metrics.json"}
    assert "1 of files that differ (e.g. results/small/lth/runs/a/metrics.json)" in str(found)


def test_what_something_made_here_was_made_from_keeps_its_date(pulled):
    """Else a model that was pulled would look older than a run that was made here from another one."""
    finish("lth/runs/a/metrics.json", "made here", at=2000)
    before = dates()
    found = restore(ROOT)
    after = dates()
    model = "models/bert/model.safetensors"
    assert found.undated == 1
    assert after[model] == before[model]
    assert after["lth/runs/b/metrics.json"] == 1002


def test_a_record_made_here_later_stays(pulled):
    finish("lth/cells.csv", "lth/cells.csv", at=3000)
    mine = record_of("lth/cells.csv").read_text()
    found = restore(ROOT)
    assert found.newer == 1
    assert record_of("lth/cells.csv").read_text() == mine
    assert dates()["lth/cells.csv"] == 3000


def test_an_older_record_gives_way_and_others_are_not_touched(pulled):
    finish("lth/cells.csv", "lth/cells.csv", at=500)
    other = Path(".snakemake/metadata/b3RoZXI=")
    other.write_text("of another file")
    restore(ROOT)
    assert kept()["lth/cells.csv"]["endtime"] == 1003.0
    assert other.read_text() == "of another file"


def test_a_file_that_came_back_whole_is_complete(pulled):
    record_of("lth/cells.csv", "incomplete").parent.mkdir(parents=True)
    record_of("lth/cells.csv", "incomplete").write_text("{}")
    restore(ROOT)
    assert not record_of("lth/cells.csv", "incomplete").exists()


def test_a_second_look_is_free_until_missing_files_come(pulled, monkeypatch):
    away = pulled / "away"
    (ROOT / "lth/runs").rename(away)
    assert restore_if_new(ROOT).missing == tuple(str(ROOT / f"lth/runs/{r}/metrics.json") for r in "ab")
    with monkeypatch.context() as patch:
        patch.setattr("tickets.provenance.snakemake_records.restore", pytest.fail)
        assert restore_if_new(ROOT) is None
    away.rename(ROOT / "lth/runs")
    assert restore_if_new(ROOT).restored == len(FILES)
    assert restore_if_new(ROOT) is None


def test_where_they_were_saved_nothing_is_restored(results):
    save(ROOT)
    assert restore_if_new(ROOT) is None


def test_without_an_archive_there_is_nothing_to_do(results):
    assert restore_if_new(ROOT) is None
    with pytest.raises(TicketsError, match=r"snakemake.tar.gz: not found. `dvc pull"):
        restore(ROOT)


def test_incomplete_files_and_deleted_ones_stay_behind(results):
    record_of("lth/cells.csv", "incomplete").parent.mkdir()
    record_of("lth/cells.csv", "incomplete").write_text("{}")
    (ROOT / "lth/runs/b/metrics.json").unlink()
    assert save(ROOT) == len(FILES) - 2


def test_no_records_is_an_error_that_says_what_to_do(results):
    shutil.rmtree(".snakemake")
    with pytest.raises(TicketsError, match=r"no records of files below results/small\. Run `snakemake`"):
        save(ROOT)


@pytest.mark.parametrize("damage", ["cut", "flipped", "text", "elsewhere"])
def test_a_damaged_archive_is_named_and_restores_nothing(pulled, damage):
    archive = ROOT / ARCHIVE
    whole = archive.read_bytes()
    middle = len(whole) // 2
    archive.write_bytes({
        "cut": whole[:middle],
        "flipped": whole[:middle] + bytes([whole[middle] ^ 255]) + whole[middle + 1 :],
        "text": b"not an archive",
        "elsewhere": gzip.compress(gzip.decompress(whole).replace(b"results/small/lth/c", b"results/../..//../c")),
    }[damage])  # fmt: skip
    with pytest.raises(TicketsError, match=r"results/small/snakemake.tar.gz: damaged.*`dvc checkout --force"):
        restore(ROOT)
    assert kept() == {}


def test_records_of_another_preset_are_refused(pulled):
    other = Path("results/other")
    other.mkdir()
    shutil.copyfile(ROOT / ARCHIVE, other / ARCHIVE)
    with pytest.raises(TicketsError, match="holds the records of results/small"):
        restore(other)


def test_names_too_long_for_one_file_are_cut_as_snakemake_cuts_them(results):
    from snakemake.persistence.file import FilePersistence

    name = f"lth/runs/{'long-' * 40}/{'x' * 60}.json"
    theirs = FilePersistence(path=Path(".snakemake"))._record_path(".snakemake/metadata", str(ROOT / name))
    assert "@" in theirs
    (ROOT / name).parent.mkdir()
    (ROOT / name).write_text("x")
    Path(theirs).parent.mkdir()
    Path(theirs).write_text(json.dumps({"rule": "long", "endtime": 1.0}))
    assert save(ROOT) == len(FILES) + 1
    shutil.rmtree(".snakemake")
    assert restore(ROOT).restored == len(FILES) + 1
    assert json.loads(Path(theirs).read_text())["rule"] == "long"
