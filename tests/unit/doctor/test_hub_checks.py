"""The hub: what a preset needs of it, what is cached, and that nothing is asked of the network unless told to."""

import time

import pytest
import yaml

from tickets.doctor import hub, surroundings

MODEL = "google-bert/bert-base-uncased"


@pytest.fixture
def connections(monkeypatch):
    """Addresses that were tried; `connections.fail = True` refuses them."""

    class Tried(list):
        fail = False

    tried = Tried()

    def connect(address, timeout):
        assert timeout <= 5
        tried.append(address)
        if tried.fail:
            raise OSError(101, "Network is unreachable")
        return open("/dev/null")

    monkeypatch.setattr(surroundings.socket, "create_connection", connect)
    return tried


def fill(machine, wanted):
    for name, (kind, revision) in wanted.items():
        folder = machine.root / "hub" / "hub" / f"{kind}--{name.replace('/', '--')}" / "snapshots" / revision
        folder.mkdir(parents=True)
        (folder / "file").write_text("")


def test_the_synthetic_preset_needs_nothing(machine, connections):
    assert hub.hub(machine.surroundings(network=True)).state == "not needed"
    assert connections == []


def test_what_the_paper_preset_needs(machine):
    wanted = hub.needed(machine.surroundings("paper"))
    assert {name for name, (kind, _) in wanted.items() if kind == "models"} == {
        MODEL, "google-bert/bert-large-uncased", "FacebookAI/roberta-base",
    }  # fmt: skip
    assert {"nyu-mll/glue", "rajpurkar/squad", "Salesforce/wikitext"} < set(wanted)
    assert all(len(revision) == 40 for _, revision in wanted.values())


def test_without_the_network_it_only_says_what_will_come(machine, connections):
    found = hub.hub(machine.surroundings("mini"))
    assert found.state == "warning"
    assert MODEL in found.found
    assert "--network" in found.advice
    assert connections == []


def test_with_the_network_it_tries_once(machine, connections):
    assert hub.hub(machine.surroundings("mini", network=True)).state == "ok"
    connections.fail = True
    found = hub.hub(machine.surroundings("mini", network=True))
    assert found.state == "error"
    assert "huggingface.co cannot be reached (Network is unreachable)" in found.found
    assert "HF_HOME" in found.advice
    assert connections == [("huggingface.co", 443)] * 2


def test_a_full_cache_is_enough_and_another_revision_is_not(machine):
    wanted = hub.needed(machine.surroundings("mini"))
    fill(machine, {name: (kind, "0" * 40) for name, (kind, _) in wanted.items()})
    assert hub.hub(machine.surroundings("mini")).state == "warning"
    fill(machine, wanted)
    found = hub.hub(machine.surroundings("mini"))
    assert (found.state, found.found.startswith(f"all {len(wanted)} pinned revisions are in")) == ("ok", True)


def test_offline_mode_without_a_cache_is_an_error(machine):
    machine.variables["HF_HUB_OFFLINE"] = "1"
    found = hub.hub(machine.surroundings("mini"))
    assert (found.state, "HF_HUB_OFFLINE forbids downloading" in found.found) == ("error", True)
    assert found.advice.startswith("Unset HF_HUB_OFFLINE")


def test_what_the_preset_has_already_is_not_wanted(machine):
    here = machine.surroundings("mini")
    for path in here.config.settings.model_files("base"):
        (here.results / path).parent.mkdir(parents=True, exist_ok=True)
        (here.results / path).write_text("")
    assert MODEL not in hub.needed(machine.surroundings("mini"))


def test_local_folders(machine):
    assert hub.local(machine.surroundings()).state == "not needed"
    raw = yaml.safe_load((machine.root / "config.yaml").read_text())
    raw["presets"]["mini"]["data"] = {"source": "local", "path": "glue"}
    (machine.root / "config.yaml").write_text(yaml.safe_dump(raw))
    found = hub.local(machine.surroundings("mini"))
    assert (found.state, found.found) == ("error", "not there: data: glue")
    (machine.root / "glue").mkdir()
    assert hub.local(machine.surroundings("mini")).state == "ok"


def test_a_name_that_is_looked_up_for_ever_is_not_waited_for(machine, monkeypatch):
    def slow(address, timeout):
        time.sleep(5)
        raise OSError("too late")

    monkeypatch.setattr(surroundings, "PATIENCE", 0.2)
    monkeypatch.setattr(surroundings.socket, "create_connection", slow)
    begun = time.monotonic()
    found = hub.hub(machine.surroundings("mini", network=True))
    assert time.monotonic() - begun < 4
    assert (found.state, "cannot be reached (no answer within 0.2 s)" in found.found) == ("error", True)
