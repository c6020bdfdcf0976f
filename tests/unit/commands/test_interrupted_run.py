"""`tickets run` under SIGTERM and Ctrl-C: exit status 143, one message, and the same command goes on from there."""

import os
import signal
import subprocess
import sys

import pytest
import yaml

from tiny_engine import build_preset, results, tiny_preset

STEPS = 20
COMMAND = [sys.executable, "-m", "tickets", "run", "lth", "imp", "task=rte"]


@pytest.fixture(scope="module")
def prepare(tmp_path_factory):
    def folder(name):
        path = tmp_path_factory.mktemp(name)
        raw = tiny_preset(steps=STEPS)
        (path / "config.yaml").write_text(yaml.safe_dump(raw))
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(path)
            build_preset(raw)
        return path

    return folder


@pytest.fixture(scope="module")
def whole(prepare):
    folder = prepare("whole")
    done = subprocess.run(COMMAND, cwd=folder, text=True, stderr=subprocess.PIPE)
    assert done.returncode == 0, done.stderr
    return results(folder / "results")


def interrupt(folder, number, line_of):
    """Run until a line of progress holds `line_of`, send the signal, and return exit status and messages."""
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(COMMAND, cwd=folder, text=True, stderr=subprocess.PIPE, env=environment) as process:
        lines = []
        for line in process.stderr:
            lines.append(line)
            if line_of in line:
                process.send_signal(number)
        process.wait()
    return process.returncode, lines


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stopped_run_exits_143_and_continues_to_the_same_files(prepare, whole, number):
    folder = prepare("stopped")
    code, lines = interrupt(folder, number, "rte imp 40 %, seed 1")
    assert code == 143, lines
    assert "the same command continues from there" in lines[-1]
    assert "Traceback" not in "".join(lines)
    assert not (folder / "results" / "tiny" / "lth").exists(), (
        "nothing is published of a job that is not done"
    )
    done = subprocess.run(COMMAND, cwd=folder, text=True, stderr=subprocess.PIPE)
    assert done.returncode == 0, done.stderr
    trained = int(done.stderr.split(" steps trained")[0].split()[-1])
    assert trained < 2 * 10 * STEPS - 3 * STEPS, "the finished rounds are not trained again"
    assert results(folder / "results") == whole
    assert not list((folder / ".tickets").rglob("*.safetensors"))
