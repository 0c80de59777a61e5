"""The forms of a report: one comparison, told for a terminal, a program, a pull request and a browser."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from engine.preview.behaviour import play_both, read_samples
from engine.preview.meaning import compare
from engine.preview.report import Report, Side, as_json, html, markdown, text
from engine.revisions import release_of
from engine.values.json_text import write_json
from tests.preview.conftest import Pair, loaded
from tests.preview.test_behaviour import FLOW, MAPPING, NOW, POLICY, entry

CONTRACT = Path(__file__).parents[2] / "schemas" / "output" / "diff.schema.json"
EVIL = "<script>alert(1)</script> | @everyone [x](http://x)"


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    pair = Pair(tmp_path_factory.mktemp("pair"))
    money = "{expr: \"money(entry.hours * project.rate, 'EUR')\"}"
    for old in (True, False):
        pair.edit(MAPPING, ("{expr: entry.hours * project.rate, as: decimal(2)}", "entry.hours"), old=old)
        pair.edit(
            FLOW,
            ("  billed:\n    emit", f"  said:\n    emit: time.worth\n    with: {{id: entry.id, worth: {money}}}\n  billed:\n    emit"),
            old=old,
        )  # fmt: skip
        models = pair.old if old else pair.new
        with (models / "schemas" / "canonical" / "models.yaml").open("a") as file:
            file.write(
                "---\nentity: worth\nversion: 1\nowner: finance\nkey: id\nfields:\n  id: {type: string, required: true}\n"
                "  worth: {type: money, required: true}\n---\nevent: time.worth\nversion: 1\nowner: finance\n"
                "data: canonical/worth@1\nidentity: data.id\n"
            )
    pair.edit(FLOW, ("money(entry.hours * project.rate,", "money(entry.hours * project.rate * 2,"))
    pair.edit(POLICY, ("entry.hours > 12", "entry.hours > 7.9"), ("hours on one day.", f"hours. {EVIL}"))
    old, new = release_of(loaded(pair.old)), release_of(loaded(pair.new))
    changes = compare(old.meaning, new.meaning)
    lines = [entry(), entry(2, hours="8"), entry(3, recorded=False)]
    return Report(
        old=Side(name="before", release=old.meaning.release),
        new=Side(name="after <b>", release=new.meaning.release),
        changes=changes,
        plans=(old.side.plan, new.side.plan),
        behaviour=play_both(old, new, changes, read_samples(lines, "events", None, NOW)),
    )


def test_the_text_begins_with_what_changes_for_the_business(report):
    lines = text(report).splitlines()
    assert lines[0].startswith("1 time entry gains a hold; ")
    assert lines[0].endswith("net said 1,550.00 EUR (worth).")
    assert lines[1].startswith("3 events played")
    assert "1 run not compared" in lines[1]
    assert "said worth: 1,550.00 EUR → 3,100.00 EUR (net 1,550.00 EUR)" in lines


def test_money_that_fails_is_counted_without_its_sign(report):
    found = report.behaviour
    assert found.most_money("EUR") == 750 + 800
    assert found.most_money("USD") == 0


def test_the_json_keeps_its_contract(report):
    contract = json.loads(CONTRACT.read_text("utf-8"))
    Draft202012Validator.check_schema(contract)
    for one in (report, Report(old=report.old, new=report.new, changes=report.changes, plans=report.plans)):
        Draft202012Validator(contract).validate(json.loads(write_json(as_json(one))))


def test_a_comment_takes_nothing_for_markup(report):
    found = markdown(report, 3)
    assert "<script" not in found
    assert "@everyone" not in found
    assert "| [x](http" not in found
    assert all(line.count("|") - line.count("\\|") in {0, 3, 5, 6, 7, 8, 9} for line in found.splitlines())


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in {"src", "href"}]


def test_the_page_stands_alone(report):
    page = html(report)
    found = _Page()
    found.feed(page)
    assert "script" not in found.tags
    assert "b>" not in re.sub(r"</?b>", "", page.partition("<h1>")[2].partition("</p>")[0])
    assert found.links
    assert all(link.startswith("data:image/svg+xml;base64,") for link in found.links)
    assert "default-src 'none'" in page
    assert "<code>when</code>: <code>entry.hours &gt; 12</code>" in page
    assert page.count("<figure>") == 2  # the flow that changed, before and after
