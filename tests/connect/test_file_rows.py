"""Files to rows: every form, exact values, bad rows beside good ones, and going on from between any two rows."""

import csv
import io
import tracemalloc
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.connect import file_lines
from engine.connect.file_lines import FileUnusable, Spot
from engine.connect.file_rows import rows
from tests.connect import toy
from tests.depth import examples

HOURS = (
    "names: '*.csv', decimal: ',', thousands: '.', line: line, csv: {delimiter: ';'}, columns: {"
    "id: {column: Nr}, hours: {column: Stunden, type: decimal}, day: {column: Tag, type: date, format: '%d.%m.%Y'},"
    " at: {column: Um, type: datetime, format: '%d.%m.%Y %H:%M', time_zone: Europe/Berlin},"
    " count: {column: Zahl, type: integer}, billed: {column: Fakt., type: boolean, true: X, false: ['-']}}"
)
HEAD = "Nr;Stunden;Tag;Um;Zahl;Fakt.\n"


def plan(file):
    told = toy.MANIFEST.partition("  told:\n")[0]
    return toy.plan(f"{told}  told:\n    file: {{{file}}}\n    output: thing.json\n").sources["told"].file


def read(file, data, spot=None, name="a.csv"):
    data = data.encode() if isinstance(data, str) else data
    return list(rows(plan(file), io.BytesIO(data), spot or Spot(), name))


def records(file, data):
    found = read(file, data)
    assert [row.why for row in found] == [None] * len(found)
    return [row.record for row in found]


class TestCells:
    def test_a_row_as_an_erp_writes_it(self):
        (record,) = records(HOURS, HEAD + "A;1.234,50-;31.03.2026;29.03.2026 03:30;1.000;X\n")
        assert record == {
            "id": "A",
            "hours": Decimal("-1234.50"),
            "day": "2026-03-31",
            "at": "2026-03-29T01:30:00Z",
            "count": 1000,
            "billed": True,
            "line": 2,
        }
        assert isinstance(record["hours"], Decimal)
        assert str(record["hours"]) == "-1234.50"

    def test_an_empty_cell_leaves_its_field_out(self):
        assert records(HOURS, HEAD + "A;;;; ;-\n") == [{"id": "A", "billed": False, "line": 2}]

    @pytest.mark.parametrize(
        "cells, why",
        [
            ("A;12.34,5;;;;", "Stunden: '12.34,5' is no number"),
            ("A;1e3;;;;", "Stunden: '1e3' is no number"),
            ("A;NaN;;;;", "no number"),
            ("A;--1;;;;", "no number"),
            ("A;1,5;31.02.2026;;;", "Tag: '31.02.2026' is no date of the form %d.%m.%Y"),
            ("A;;;29.03.2026 02:30;;", "does not exist in Europe/Berlin: clocks went forward"),
            ("A;;;;1,5;", "Zahl: '1,5' is no whole number"),
            ("A;;;;;vielleicht", "neither true nor false"),
            ("A;1", "the row has 2 cells, and there are 6 headings"),
        ],
    )
    def test_what_cannot_be_read_is_said_and_never_guessed(self, cells, why):
        (row, good) = read(HOURS, f"{HEAD}{cells}\nB;1;;;;\n")
        assert why in row.why
        assert (row.line, row.text, good.why, good.record["id"]) == (2, cells, None, "B")

    def test_a_time_that_comes_twice_is_the_first(self):
        (record,) = records(HOURS, HEAD + "A;;;25.10.2026 02:30;;\n")
        assert record["at"] == "2026-10-25T00:30:00Z"


class TestCsv:
    def test_without_columns_every_heading_is_a_field_of_text(self):
        assert records("csv: {}", "id,b c\n1,\n2,x\n\n") == [{"id": "1"}, {"id": "2", "b c": "x"}]

    def test_a_mark_of_the_encoding_and_lines_before_the_headings_are_passed_over(self):
        assert records("csv: {skip_lines: 2}", b"\xef\xbb\xbfReport\n\nid\n1\n") == [{"id": "1"}]
        assert records("csv: {}", b"\xef\xbb\xbfid\n1\n") == [{"id": "1"}]

    def test_without_headings_columns_are_numbered(self):
        assert records("csv: {header: false}, columns: {id: {column: '2'}}", "a,b\n") == [{"id": "b"}]

    def test_another_encoding(self):
        assert records("csv: {}, encoding: windows-1252", "id\nM\u00fcller \u20ac\n".encode("cp1252")) == [
            {"id": "M\u00fcller \u20ac"}
        ]

    def test_a_line_that_is_not_written_as_the_file_says_is_one_bad_row(self):
        bad, good = read("csv: {}", b"id\nM\xfcller\nB\n")
        assert bad.why == "byte 2 of the line is no utf-8"
        assert good.record == {"id": "B"}

    def test_a_quote_that_is_not_closed_costs_its_own_row_alone(self):
        found = read("csv: {}", 'id,b\n1,"x\n2,y\n3,z\n')
        assert [(row.line, row.why is None) for row in found] == [(2, False), (3, True), (4, True)]

    def test_a_row_that_is_too_long_is_passed_over(self, monkeypatch):
        monkeypatch.setattr(file_lines, "LONGEST_ROW", 100)
        bad, good = read("csv: {}", "id\n" + "x" * 1_000 + "\n2\n")
        assert "more than 100 bytes" in bad.why
        assert good.record == {"id": "2"}

    @pytest.mark.parametrize(
        "file, data, why",
        [
            (HOURS, "Nr;Tag\nA;B\n", "it has no column 'Stunden'; it has: Nr, Tag"),
            ("csv: {}", "a,a\n1,2\n", "two of its columns are called 'a'"),
            ("csv: {}", "id\n1\n".encode("utf-16"), "UTF-16"),
            ("json: {}", "{", "cannot be read"),
            ("xml: {item: a}", "<a>", "no XML from here on"),
        ],
    )
    def test_a_file_of_which_nothing_can_be_made(self, file, data, why):
        with pytest.raises(FileUnusable, match=why):
            read(file, data)

    @settings(max_examples=examples(100))
    @given(
        table=st.lists(
            st.lists(
                st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00\r"), max_size=8),
                min_size=2,
                max_size=2,
            ).filter(any),
            max_size=8,
        ),
        place=st.integers(0, 8),
        broken=st.booleans(),
    )
    def test_going_on_from_between_any_two_rows_is_reading_in_one_go(self, table, place, broken):
        """Whatever is in the cells, quotes and ends of lines among it; with a bad row in between or without."""
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([["a", "b"], *table])
        data = text.getvalue() + ('1,"open\n' if broken else "")
        whole = read("csv: {}", data)
        assert [row.record for row in whole[: len(table)]] == [
            {name: cell for name, cell in zip("ab", cells, strict=True) if cell} for cells in table
        ]
        if place < len(whole):
            rest = read("csv: {}", data, whole[place].behind)
            assert rest == whole[place + 1 :]


class TestOtherForms:
    def test_json_lines(self):
        found = read("json_lines: true", '{"id": "1", "n": 1.10}\n\n{"id"\n[]\n{"id": "2"}\n')
        assert [row.line for row in found] == [1, 3, 4, 5]
        assert found[0].record == {"id": "1", "n": Decimal("1.10")}
        assert [row.why is None for row in found] == [True, False, False, True]
        assert read("json_lines: true", '{"a": 1}\n{"b": 2}\n', found[0].behind) is not None

    def test_one_json_document(self):
        found = read(
            "json: {items: body.rows}, file_name: from", '{"rows": [{"id": 1}, 7, {"id": 2}]}', name="x.json"
        )
        assert [row.record for row in found if row.why is None] == [
            {"id": 1, "from": "x.json"},
            {"id": 2, "from": "x.json"},
        ]
        assert [row.line for row in read("json: {}", '[{"a":1},{"a":2}]', Spot(rows=1))] == [2]

    def test_fixed_width(self):
        file = "fixed_width: {skip_lines: 1}, columns: {id: {start: 1, width: 4}, num: {start: 5, width: 6, type: decimal}}"
        found = read(file, "HEAD\nA1    1.50\nB2       x\nC3\n")
        assert [row.record for row in found if row.why is None] == [
            {"id": "A1", "num": Decimal("1.50")},
            {"id": "C3"},
        ]
        assert found[1].why == "num: 'x' is no number as this file writes them"

    XML = """<?xml version="1.0"?><f:feed xmlns:f="urn:x"><f:head><n>9</n></f:head>
      <f:line no="1"><n>1.50</n><who><id>a</id></who></f:line>
      <f:line no="2"><n>x</n></f:line><f:line no="3"><n>2</n><n>3</n></f:line></f:feed>"""

    def test_xml(self):
        file = "xml: {item: line}, columns: {id: {column: 'no'}, num: {column: 'n', type: decimal}, who: {column: who.id}}"
        found = read(file, self.XML)
        assert found[0].record == {"id": "1", "num": Decimal("1.50"), "who": "a"}
        assert [row.why for row in found] == [
            None,
            "n: 'x' is no number as this file writes them",
            "n: there are several, or it has parts",
        ]
        plain = records("xml: {item: line}", self.XML)
        assert plain[0] == {"no": "1", "n": "1.50", "who": {"id": "a"}}
        assert plain[2] == {"no": "3", "n": ["2", "3"]}

    @pytest.mark.parametrize(
        "data",
        [
            '<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;">]><a>&c;</a>',
            '<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
            '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
            "<a>" * 100 + "</a>" * 100,
        ],
    )
    def test_xml_that_would_explode_or_reach_out_is_refused(self, data):
        with pytest.raises(FileUnusable, match=r"document type|nested deeper"):
            read("xml: {item: b}", data)

    @pytest.mark.parametrize(
        "file, head, line, tail",
        [("csv: {}", "a,b\n", "1,x\n", ""), ("xml: {item: r}", "<f><p>", "<r><a>1</a></r>", "</p></f>")],
    )
    @pytest.mark.slow
    def test_memory_does_not_grow_with_the_file(self, file, head, line, tail):
        def peak(count):
            stream = io.BytesIO((head + line * count + tail).encode())
            tracemalloc.start()
            try:
                assert sum(1 for _ in rows(plan(file), stream, Spot(), "a")) == count
                return tracemalloc.get_traced_memory()[1]
            finally:
                tracemalloc.stop()

        peak(100)
        assert peak(20_000) < peak(1_000) + 300_000
