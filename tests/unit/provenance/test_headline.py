"""Verdicts in the headline numbers."""

import json

import pytest

from tickets.errors import TicketsError
from tickets.provenance.headline import claim_counts


def test_verdicts_are_counted_those_that_nobody_has_too(tmp_path):
    path = tmp_path / "claims.json"
    verdicts = ["reproduced", "not reproduced", "reproduced", "inconclusive"]
    path.write_text(json.dumps({"claims": [{"ours": {"status": verdict}} for verdict in verdicts]}))
    assert claim_counts(path) == {
        "claims_reproduced": 2, "claims_not_reproduced": 1, "claims_inconclusive": 1, "claims_not_run": 0,
    }  # fmt: skip


@pytest.mark.parametrize("content", ['{"claims": [{"ours": "yes"}]}', "{}"])
def test_no_verdicts_is_an_error_that_names_the_file(tmp_path, content):
    path = tmp_path / "claims.json"
    path.write_text(content)
    with pytest.raises(TicketsError, match=r"claims.json: no list of verdicts"):
        claim_counts(path)
