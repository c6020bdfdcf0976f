import random
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from tickets.config import load_config, parse_config
from tickets.planning import rates as module
from tickets.planning.calibrate import FEWEST, Timed, calibrated
from tickets.planning.cost import Cost
from tickets.planning.flops import Flops
from tickets.planning.rates import assumed, device_of, shipped

ROOT = Path(__file__).parents[3]


@pytest.fixture
def micro():
    return load_config(ROOT / "config.yaml", "micro")


def timed(truth, cost, device="cpu", **changes):
    circumstances = {"device": device, "gpu": "H0", "cpu": "a CPU", "created": "2030-01-02T03:04:05"}
    seconds = truth.seconds(cost)
    record = {
        "steps": cost.updates,
        "cpu_seconds": seconds,
        "gpu_seconds": seconds,
        "circumstances": circumstances,
    }
    return Timed("lth imp", cost, record | changes)


@pytest.fixture
def costs():
    draw = random.Random(1)
    return [
        Cost(jobs=1, updates=(n := draw.randrange(50, 5000)), passes=n, evaluations=draw.randrange(1, 90),
             flops=Flops(train=draw.uniform(1, 50) * 1e9, evaluation=draw.uniform(1, 9) * 1e9))
        for _ in range(FEWEST + 5)
    ]  # fmt: skip


def test_rates_are_found_again_in_the_records(micro, costs):
    start = shipped(micro)
    truth = replace(start, start=2.0, step=3e-3, rate=5e10, evaluation=0.02, evaluation_rate=7e10)
    found = calibrated(start, [timed(truth, cost) for cost in costs])
    for name in ("start", "step", "rate", "evaluation", "evaluation_rate"):
        assert getattr(found, name) == pytest.approx(getattr(truth, name), rel=1e-6), name
    assert found.measured
    assert (found.machine, found.date) == ("a CPU", "2030-01-02")
    assert f"{len(costs)} finished jobs" in found.source


def test_records_of_parts_and_of_other_devices_do_not_count(micro, costs):
    rates = shipped(micro)
    assert calibrated(rates, [timed(rates, cost) for cost in costs[: FEWEST - 1]]) is None
    assert calibrated(rates, [timed(rates, cost, device="cuda:0") for cost in costs]) is None
    interrupted = [timed(rates, cost, steps=cost.updates - 1) for cost in costs[: len(costs) - FEWEST + 1]]
    whole = [timed(rates, cost) for cost in costs[len(interrupted) :]]
    assert calibrated(rates, interrupted + whole) is None


def test_gpu_time_is_of_the_gpu(micro, costs):
    rates = replace(shipped(micro), device="cuda")
    jobs = [timed(rates, cost, device="cuda", cpu_seconds=1e9) for cost in costs]
    assert calibrated(rates, jobs).machine == "H0"
    assert calibrated(rates, jobs).step == pytest.approx(rates.step)


def test_jobs_too_much_alike_give_no_rates(micro):
    rates = shipped(micro)
    same = Cost(jobs=1, updates=10, passes=10, evaluations=1, flops=Flops(train=1e9, evaluation=1e8))
    found = calibrated(rates, [timed(rates, same)] * FEWEST)
    assert found is None or found.seconds(same) == pytest.approx(rates.seconds(same))


def test_the_nearest_measured_model_of_the_device_is_taken(micro):
    small = shipped(micro)
    assert (small.device, small.hidden_size, small.measured) == ("cpu", 64, True)
    large = shipped(load_config(ROOT / "config.yaml", "paper"))
    assert (large.device, large.measured) == ("cuda", False)
    assert "ASSUMED, not measured" in large.words
    assert small.words.startswith("measured")


def test_a_real_model_on_a_cpu_is_not_taken_for_a_tiny_one():
    raw = yaml.safe_load((ROOT / "config.yaml").read_text())
    raw["presets"]["mini"]["execution"] = {"device": "cpu"}
    config = parse_config(raw, "mini")
    assert shipped(config).hidden_size == 768
    assert device_of(config) == "cpu"
    raw["presets"]["mini"]["execution"] = {"device": "auto"}
    assert device_of(parse_config(raw, "mini")) == "cuda"


def test_an_assumed_speed_says_so(micro):
    found = assumed(shipped(micro), 1e13)
    assert (found.rate, found.evaluation_rate, found.measured) == (1e13, 1e13, False)
    cost = Cost(flops=Flops(train=2e13, evaluation=1e13))
    assert found.seconds(cost) == pytest.approx(3.0)
    assert "ASSUMED" in found.words


def test_shipped_entries_name_where_they_come_from():
    for device, entries in module._entries().items():
        assert device in ("cpu", "cuda")
        for entry in entries:
            assert entry["source"]
            assert entry["machine"]
            assert entry["date"]
            assert min(entry["rate"], entry["evaluation_rate"], entry["step"]) > 0
