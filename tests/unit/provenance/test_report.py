"""The report on a small made-up results folder; nothing in it is a result."""

import json
import re
from html.parser import HTMLParser

import pandas as pd
import pytest

from tickets.errors import TicketsError
from tickets.figures import tableio
from tickets.figures.tableio import Row, comparison
from tickets.papers.lth.artifacts import ARTIFACTS, NOT_REPRODUCED
from tickets.provenance.report import duration, write_report
from tickets.provenance.report_data import load_claims, load_costs

PNG = b"\x89PNG made up"


def claim(id, verdict, **figures):
    ours = {"status": verdict, "figures": figures, "reason": "because <b> & so"}
    published = {"status": "reproduced", "figures": {}, "reason": ""}
    return {
        "id": id, "title": f"claim {id}", "source": "Table 2", "predicate": "p", "published": "reproduced",
        "why": "", "ours": ours, "published_verdict": published,
    }  # fmt: skip


@pytest.fixture
def results(tmp_path):
    folder = tmp_path / "micro" / "lth"
    (folder / "tables").mkdir(parents=True)
    (folder / "figures").mkdir()
    frame = comparison(["MNLI", "QQP"], [Row("Full model", {"MNLI": 81.25}, {"MNLI": 82.4, "QQP": 90.2})])
    for suffix, text in (("csv", tableio.to_csv(frame)), ("md", "-"), ("tex", "-")):
        (folder / "tables" / f"table2.{suffix}").write_text(text)
    for suffix in ("pdf", "png", "csv"):
        (folder / "figures" / f"fig11.{suffix}").write_bytes(PNG)
    grid = {"mnli": {"s_star": 0.7, "published": 0.7}, "rho": 0.25}
    claims = [claim("X1", "reproduced", **grid), claim("X2", "not run"), claim("X3", "not reproduced")]
    (folder / "claims.json").write_text(json.dumps({"claims": claims}))
    rows = [
        ("imp", "a", 100, 1.5),
        ("imp", "b", 100, 1.5),
        ("transfer", "c", 50, 60.0),
        ("imp", "a", 100, 1.5),
    ]
    pd.DataFrame(rows, columns=["stage", "fingerprint", "steps", "seconds"]).to_csv(
        folder / "cells.csv", index=False
    )
    return tmp_path / "micro"


def page(results):
    out = results / "report" / "index.html"
    write_report("micro", results, ["lth"], out)
    return out.read_text()


class _Tags(HTMLParser):
    VOID = ("meta", "link", "img", "br", "hr")

    def __init__(self):
        super().__init__()
        self.open, self.links, self.ids, self.loads = [], [], [], []

    def handle_starttag(self, tag, attrs):
        named = dict(attrs)
        if tag not in self.VOID:
            self.open.append(tag)
        if tag == "a":
            self.links.append(named["href"])
        elif named.get("src") or named.get("href"):
            self.loads.append(named.get("src") or named["href"])
        if "id" in named:
            self.ids.append(named["id"])

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_page_is_well_formed_and_loads_nothing_from_outside(results):
    tags = _Tags()
    html = page(results)
    tags.feed(html)
    assert tags.open == []
    assert len(set(tags.ids)) == len(tags.ids)
    assert all(load.startswith("data:") for load in tags.loads)
    assert "<script" not in html
    assert not re.search(r"url\(|@import|https?://", html)
    for link in tags.links:
        if link.startswith("#"):
            assert link[1:] in tags.ids
        else:
            assert (results / "report" / link).exists()


def test_every_artifact_is_shown_or_named_as_missing(results):
    html = page(results)
    made = {"lth_table2", "lth_fig11"}
    for artifact in ARTIFACTS:
        assert f'id="{artifact.id}"' in html
        assert (f"snakemake {artifact.id}<" in html) == (artifact.id not in made)
    for reason in NOT_REPRODUCED.values():
        assert reason in html


def test_table_prints_ours_published_and_gaps(results):
    html = page(results)
    assert "81.2" in html
    assert "90.2" in html
    assert html.count('<span class="gap">not run</span>') == 1
    assert "Micro scale" in html


def test_claims_have_words_beside_colours_and_are_escaped(results):
    html = page(results)
    for verdict in ("reproduced", "not run", "not reproduced"):
        assert re.search(rf'class="verdict v-\w+">{verdict}</span>', html)
    assert "because &lt;b&gt; &amp; so" in html
    assert re.search(r"<b>1</b><span>claims not run</span>", html)


def test_numbers_of_a_claim_become_a_grid_by_task(results):
    first = load_claims(results / "lth" / "claims.json")[0]
    assert first.numbers == (("rho", "0.25"),)
    assert first.grids[0].columns == ("s star", "published")
    assert first.grids[0].rows == (("MNLI", ("0.7", "0.7")),)


def test_costs_count_a_shared_run_once(results):
    frame = load_costs(results / "lth")
    assert frame.to_dict("records") == [
        {"stage": "imp", "runs": 2, "steps": 200, "seconds": 3.0},
        {"stage": "transfer", "runs": 1, "steps": 50, "seconds": 60.0},
    ]
    (results / "lth" / "costs.csv").write_text("stage,runs,steps,seconds,gpu_seconds\nimp,7,10,90,90\n")
    assert load_costs(results / "lth")["runs"].sum() == 7
    assert "1 min 30 s on a GPU" in page(results)


def test_equal_results_give_equal_pages(results):
    assert page(results) == page(results)


def test_empty_results_still_make_a_page(tmp_path):
    html = page(tmp_path)
    assert "No claims were judged" in html
    assert "Nothing was run" in html


@pytest.mark.parametrize("text", ["{", '{"claims": [{}]}', "[]"])
def test_broken_claims_end_in_one_message(results, text):
    (results / "lth" / "claims.json").write_text(text)
    with pytest.raises(TicketsError, match=r"claims\.json"):
        page(results)
    assert not (results / "report" / "index.html").exists()


def test_all_papers_together_have_figures_and_no_claims_or_costs(results):
    out = results / "report" / "index.html"
    write_report("micro", results, ["lth", "cross"], out)
    html = out.read_text()
    tags = _Tags()
    tags.feed(html)
    assert tags.open == []
    section = html[html.index('<h2 id="cross">') : html.index('<h2 id="provenance">')]
    assert "snakemake cross_fig1<" in section
    assert "none of the papers has these" in section
    assert not {"cross-claims", "cross-cost", "cross-not"} & set(tags.ids)
    assert {"lth-claims", "lth-cost", "lth-not"} <= set(tags.ids)
    assert "claims reproduced" not in section
    assert all(link[1:] in tags.ids for link in tags.links if link.startswith("#"))


def test_unknown_paper(tmp_path):
    with pytest.raises(TicketsError, match="nope"):
        write_report("micro", tmp_path, ["nope"], tmp_path / "index.html")


@pytest.mark.parametrize(("seconds", "text"), [(42.4, "42 s"), (425, "7 min 5 s"), (12_000, "3 h 20 min")])
def test_durations(seconds, text):
    assert duration(seconds) == text
