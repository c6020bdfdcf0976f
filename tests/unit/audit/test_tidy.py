"""How a changed text file is described: the row, the column and both values."""

import pytest

from tickets.audit.records import differences, near, read_record
from tickets.audit.tidy import unlike
from tickets.errors import TicketsError

CELLS = "path,score\nruns/a,1.0\nruns/b,2.0\n"


def words(tmp_path, name, theirs, ours, known=frozenset()):
    path = tmp_path / name
    path.write_text(theirs)
    return unlike(path, ours.encode(), known)


def test_equal_files_are_not_unlike(tmp_path):
    assert words(tmp_path, "cells.csv", CELLS, CELLS) == []


def test_a_cell_is_named_by_row_and_column(tmp_path):
    found = words(tmp_path, "cells.csv", CELLS.replace("2.0", "3.0"), CELLS)
    assert found == ['row runs/b, column score: "3.0" in the file, "2.0" made again']


def test_rows_that_are_missing_too_many_or_known_to_be_gone(tmp_path):
    less = "path,score\nruns/a,1.0\n"
    assert words(tmp_path, "cells.csv", less, CELLS) == ["row runs/b is missing"]
    assert words(tmp_path, "cells.csv", CELLS, less) == ["row runs/b should not be there"]
    assert words(tmp_path, "cells.csv", CELLS, less, frozenset({"runs/b"})) == []


def test_rows_without_a_name_go_by_their_number(tmp_path):
    found = words(tmp_path, "drawn.csv", "x,y\n1,2\n1,3\n", "x,y\n1,2\n1,4\n")
    assert found == ['row 2, column y: "3" in the file, "4" made again']


def test_columns_order_blanks_and_ragged_lines(tmp_path):
    assert "columns are" in words(tmp_path, "a.csv", "x,z\n", "x,y\n")[0]
    swapped = "path,score\nruns/b,2.0\nruns/a,1.0\n"
    assert words(tmp_path, "a.csv", swapped, CELLS) == ["the rows are in another order"]
    assert "bytes do not" in words(tmp_path, "a.csv", CELLS.replace("\n", "\r\n"), CELLS)[0]
    assert (
        "line 3 has 1 of 2 values" in words(tmp_path, "a.csv", "path,score\nruns/a,1.0\nruns/b\n", CELLS)[0]
    )


def test_no_more_than_a_few_differences(tmp_path):
    many = "x\n" + "\n".join(map(str, range(50))) + "\n"
    found = words(tmp_path, "a.csv", many, many.replace("1", "2"))
    assert len(found) == 6
    assert found[-1] == "and more"


def test_json_and_text(tmp_path):
    assert words(tmp_path, "a.json", '{"a": {"b": [1]}}', '{"a": {"b": [2]}}') == [
        "a.b[0]: 1 in the file, 2 made again"
    ]
    assert words(tmp_path, "a.md", "one\ntwo\n", "one\n2\n") == ['line 2: "two" in the file, "2" made again']


def test_numbers_that_are_equal_but_not_written_alike_differ():
    assert list(differences({"a": 1}, {"a": 1.0}))
    assert list(differences({"a": True}, {"a": 1}))
    assert not list(differences({"a": [1.5, None]}, {"a": [1.5, None]}))
    assert near(1.0, 1.0 + 1e-12)
    assert not near(1.0, 1.0 + 1e-6)
    assert not near(1, 1.0)


@pytest.mark.parametrize("text", ["", "[]\n", '{"a": 1}\n', '{\n "b": 1,\n "a": 1\n}\n', '{\n "a": 1\n}'])
def test_records_are_read_as_strictly_as_they_are_written(tmp_path, text):
    path = tmp_path / "run.json"
    path.write_text(text)
    with pytest.raises(TicketsError):
        read_record(path)
