"""md5 of folders as DVC records them, by DVC itself."""

import subprocess
import sys

import yaml

from tickets.audit.storage import folder_md5, md5


def test_md5_of_a_folder_is_that_of_dvc(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, text in {"b/z.txt": "1\r\n", "a.txt": "2", "é.json": "{}", "B/y.txt": "3"}.items():
        (tmp_path / "folder" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "folder" / name).write_bytes(text.encode())
    for arguments in (["init", "--no-scm", "-q"], ["add", "-q", "folder"]):
        subprocess.run(
            [sys.executable, "-m", "dvc", *arguments], check=True, cwd=tmp_path, capture_output=True
        )
    (out,) = yaml.safe_load((tmp_path / "folder.dvc").read_text())["outs"]
    files = [path for path in (tmp_path / "folder").rglob("*") if path.is_file()]
    found = {path.relative_to(tmp_path / "folder").as_posix(): md5(path) for path in files}
    assert folder_md5(found) == out["md5"]
    assert out["nfiles"] == len(found)
