"""Tables: where their rows are written, what they hold, and what is refused."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.values.json_text import write_json
from tests.compile.making import compile_files, compiled, mapping, problems

HEAD = "table: t\nkey: {id: string}\ncolumns: {n: integer, d: decimal, on: date, ok: boolean, m: money, any: any}\n"
ROW = {
    "id": "x",
    "n": 5,
    "d": Decimal("1.50"),
    "on": date(2026, 1, 2),
    "ok": True,
    "m": {"amount": Decimal(7), "currency": "EUR"},
    "any": "z",
}


def rows(text, files=None):
    """The rows of the table `t`, by way of a mapping that takes the whole of one."""
    plan = compiled(text, mapping("{table: t, key: a, required: false}"), files=files).plan
    make = plan.mappings["m"].make
    return lambda key: make({"a": key})["out"]


def wrong(text, files=None):
    return problems(text, files=files)


class TestForms:
    @pytest.mark.parametrize(
        "name, text",
        [
            ("t.csv", "id,n,d,on,ok,m,any\nx,5,1.50,2026-01-02,true,7 EUR,z\n"),
            ("t.csv", '\ufeffany,m,ok,on,d,n,id\r\nz,"7 EUR",true,2026-01-02,1.50,"5",x\r\n'),
            (
                "t.json",
                '[{"id":"x","n":5,"d":1.50,"on":"2026-01-02","ok":true,"m":{"amount":7,"currency":"EUR"},"any":"z"}]',
            ),
            ("t.jsonl", '\n{"id":"x","n":5,"d":1.50,"on":"2026-01-02","ok":true,"m":"7 EUR","any":"z"}\n\n'),
            ("t.jsonl", '{"id":"x","n":"5","d":"1.50","on":"2026-01-02","ok":"true","m":"7 EUR","any":"z"}'),
        ],
    )
    def test_files(self, name, text):
        assert rows(HEAD + f"file: {name}", {f"flows/{name}": text})("x") == ROW

    def test_inline(self):
        inline = "rows:\n- {id: x, n: 5, d: 1.50, on: 2026-01-02, ok: true, m: 7 EUR, any: z}"
        assert rows(HEAD + inline)("x") == ROW

    def test_what_is_left_out_is_null(self):
        nothing = dict.fromkeys(("n", "d", "on", "ok", "m", "any"))
        assert rows(HEAD + "rows: [{id: x}]")("x") == {"id": "x", **nothing}
        assert rows(HEAD + "file: t.csv", {"flows/t.csv": "id,n,d,on,ok,m,any\nx,,,,,,\n"})("x") == {
            "id": "x",
            **nothing,
        }

    def test_a_cell_of_csv_holds_commas_quotes_and_lines(self):
        text = 'id,any\n"a,b","say ""yes""\nand go on"\nc,d\n'
        find = rows("table: t\nkey: {id: string}\ncolumns: {any: string}\nfile: t.csv", {"flows/t.csv": text})
        assert find("a,b")["any"] == 'say "yes"\nand go on'
        assert find("c")["any"] == "d"

    def test_an_empty_table_has_no_rows(self):
        assert rows(HEAD + "rows: []")("x") is None
        assert rows(HEAD + "file: t.csv", {"flows/t.csv": "id,n,d,on,ok,m,any\n"})("x") is None

    @given(
        st.lists(
            st.fixed_dictionaries(
                {
                    "id": st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1),
                    "n": st.integers(),
                }
            ),
            unique_by=lambda row: row["id"],
            max_size=5,
        )
    )
    def test_json_and_json_lines_hold_the_same(self, table):
        head = "table: t\nkey: {id: string}\ncolumns: {n: integer}\n"
        lines = "\n".join(write_json(row).decode() for row in table)
        by_line = rows(head + "file: t.jsonl", {"flows/t.jsonl": lines})
        by_list = rows(head + "file: t.json", {"flows/t.json": write_json(table).decode()})
        for row in table:
            assert by_line(row["id"]) == by_list(row["id"]) == row


class TestMistakes:
    @pytest.mark.parametrize(
        "text, expected",
        [
            ("rows: [{id: x}, {id: x}]", [("TG351", "x")]),
            ("rows: [{n: 5}]", [("TG351", "{n: 5}")]),
            ("rows: [{id: x, n: 5.5}]", [("TG351", "5.5")]),
            ("rows: [{id: x, d: many}]", [("TG351", "many")]),
            ("rows: [{id: x, on: 2026-02-30}]", [("TG351", "2026-02-30")]),
            ("rows: [{id: x, m: 5}]", [("TG351", "5")]),
            (
                "rows: [{id: x, m: {amount: many, currency: EUR}}]",
                [("TG351", "{amount: many, currency: EUR}")],
            ),
            ("rows: [{id: x, other: 5}, {id: z, other: 6}]", [("TG351", "5")]),
            ("rows: [x]", [("TG351", "x")]),
            ("rows: {id: x}", [("TG351", "{id: x}")]),
            ("file: t.txt", [("TG350", "t.txt")]),
            ("file: none.csv", [("TG350", "none.csv")]),
            ("file: ../../etc/passwd.csv", [("TG350", "../../etc/passwd.csv")]),
        ],
    )
    def test_of_rows(self, text, expected):
        assert wrong(HEAD + text, {"flows/t.txt": "x"}) == expected

    @pytest.mark.parametrize(
        "text, expected",
        [
            ("", [("TG351", "t.csv")]),
            ("id,n\nx,1,2\n", [("TG351", "x,1,2")]),
            ("id,n\nx\n", [("TG351", "x")]),
            ("id,n\nx,1\nx,2\n", [("TG351", "x")]),
            ("id,id\nx,1\n", [("TG351", "id,id")]),
            ("id,m\nx,1\nz,2\n", [("TG351", "m")]),
            ("id\nx\nz\n", [("TG351", "id")]),
            ('id,n\n"x,1\n', [("TG351", '"x,1')]),
            ("id,n\nx,one\nz,two\n", [("TG351", "one"), ("TG351", "two")]),
            ("id,n\n,1\n", [("TG351", ",1")]),
        ],
    )
    def test_of_csv(self, text, expected):
        head = "table: t\nkey: {id: string}\ncolumns: {n: integer}\nfile: t.csv"
        assert wrong(head, {"flows/t.csv": text}) == expected

    def test_a_file_that_is_not_utf_8(self, tmp_path):
        from engine.compile.compile import compile_workspace
        from engine.session import ALL_KINDS
        from engine.workspace import load_workspace

        (tmp_path / "flows").mkdir()
        (tmp_path / "flows" / "t.yaml").write_text(HEAD + "file: t.csv")
        (tmp_path / "flows" / "t.csv").write_bytes(b"id\n\xff\n")
        workspace, collector = load_workspace(tmp_path, ALL_KINDS)
        assert compile_workspace(workspace, collector) is None
        (problem,) = collector.problems
        assert (problem.code, problem.message) == ("TG350", "`t.csv` is not UTF-8 (byte 3)")

    @pytest.mark.parametrize(
        "head, expected",
        [
            ("key: {}\ncolumns: {n: integer}", ("TG354", "t")),
            ("key: {id: list}\ncolumns: {n: integer}", ("TG310", "list")),
            ("key: {id: any}\ncolumns: {n: integer}", ("TG310", "any")),
            ("key: {id: string}\ncolumns: {n: int}", ("TG310", "int")),
            ("key: {id: string}\ncolumns: {id: integer}", ("TG308", "id")),
            ("key: {id: string}\neffective: {from: begin}\ncolumns: {since: date}", ("TG316", "begin")),
            (
                "key: {id: string}\neffective: {from: since, to: end}\ncolumns: {since: date}",
                ("TG316", "end"),
            ),
            ("key: {id: string}\neffective: {from: since}\ncolumns: {since: datetime}", ("TG354", "since")),
        ],
    )
    def test_of_columns_are_reported_once_however_the_table_is_used(self, head, expected):
        uses = [mapping("{table: t, key: {id: a}, on: b, take: c}", inputs="{a: any, b: any}")]
        assert problems(f"table: t\n{head}\nrows: [{{id: x, q: 5}}]", *uses) == [expected]


class TestDays:
    HEAD = "table: t\nkey: {id: string}\neffective: {from: since, to: until}\ncolumns: {since: date, until: date, num: integer}\n"

    @pytest.mark.parametrize(
        "second, right",
        [
            ("since: 2026-02-01", True),
            ("since: 2026-01-31", False),
            ("since: 2026-01-01", False),
            ("since: 2025-01-01", True),
            ("since: 2025-01-01, until: 2025-12-31", True),
            ("since: 2025-01-01, until: 2026-01-01", False),
            ("since: 2026-03-01, until: 2026-02-01", False),
        ],
    )
    def test_rows_of_one_key_never_hold_on_one_day(self, second, right):
        text = f"{self.HEAD}rows:\n- {{id: x, since: 2026-01-01, until: 2026-01-31}}\n- {{id: x, {second}}}\n"
        found = problems(text)
        assert [code for code, _ in found] == ([] if right else ["TG351"])

    def test_other_keys_are_apart(self):
        text = "rows: [{id: x, since: 2026-01-01}, {id: z, since: 2026-01-01}]"
        assert problems(self.HEAD + text) == []

    def test_a_row_needs_its_first_day(self):
        assert problems(self.HEAD + "rows: [{id: x, until: 2026-01-01}]") == [
            ("TG351", "{id: x, until: 2026-01-01}")
        ]

    @given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 20)), max_size=6), st.integers(0, 90))
    def test_the_row_that_holds_is_found_whatever_their_order(self, spans, asked):
        first = date(2026, 1, 1).toordinal()
        written = [
            f"- {{id: x, since: {date.fromordinal(first + start)}, until: {date.fromordinal(first + start + length)}, num: {number}}}"
            for number, (start, length) in enumerate(spans)
        ]
        text = self.HEAD + "rows:\n" + "\n".join(written) if written else self.HEAD + "rows: []"
        entry = "{table: t, key: {id: {value: x}}, on: a, take: num, required: false}"
        found, _ = compile_files({"flows/t.yaml": text, "flows/m.yaml": mapping(entry)})
        days = [set(range(start, start + length + 1)) for start, length in spans]
        if found is None:
            assert any(days[one] & days[two] for one in range(len(days)) for two in range(one))
            return
        wanted = next((number for number, held in enumerate(days) if asked in held), None)
        assert found.plan.mappings["m"].make({"a": date.fromordinal(first + asked)}) == {"out": wanted}
