"""`tidegate demo`: what it prints, what it keeps, and its exit codes."""

import json
import sqlite3

import pytest
from click.testing import CliRunner

from engine.cli.main import tidegate
from engine.demo.story import Expectation, Line, Scene, Story
from engine.demo.world import NETSUITE
from engine.ledger import open_reader
from engine.session import pack_folder


def run(*arguments):
    return CliRunner().invoke(tidegate, ["demo", *arguments])


@pytest.mark.slow
@pytest.mark.requirement("SCN-01", "SCN-02", "SCN-03", "SCN-07", "SCN-08")
def test_it_tells_the_story_and_every_expectation_holds():
    done = run()
    assert done.exit_code == 0, done.output
    text = done.stdout
    assert "\x1b" not in text
    assert "✗" not in text
    assert text.rstrip().endswith("expectations hold.")
    for said in (
        "1,540.00 EUR, billing cycle 2026-W23",
        "finance-operations is told",
        "held: Milestone M2 Pilot accepted changes scope",
        "the hold of policy amendment-on-file ends",
        "NetSuite: does not answer; 2 approvals safe in the ledger, in order",
        "over 126,000.00 EUR posted",
        "Revenue entry RJ-5",
    ):
        assert said in text, said


@pytest.mark.slow
def test_as_json_it_is_one_document_and_the_ledger_is_kept(tmp_path):
    done = run("--format", "json", "--keep", str(tmp_path / "kept"))
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["ok"] is True
    assert {each["held"] for each in found["expectations"]} == {True}
    assert [scene["title"] for scene in found["scenes"]][:2] == [
        "The deal is won",
        "Staffing assigns two people",
    ]
    ledger = str(tmp_path / "kept" / "demo.sqlite")
    reader = open_reader(ledger)
    counts = reader.counts()
    reader.close()
    assert counts["effects"]["done"] > 30
    assert played(ledger)["runs"] == sum(counts["runs"].values())


def played(ledger):
    """What comes of the recorded story when it is played again by the pack that it was told by."""
    pack = str(pack_folder())
    done = CliRunner().invoke(
        tidegate, ["diff", pack, pack, "-w", pack, "--recorded", "--ledger", ledger, "--format", "json"]
    )
    found = json.loads(done.stdout)["behaviour"]
    assert (found["differing"], found["not_compared"]) == (0, [])
    return found


def test_two_places_for_one_ledger_are_wrong_use(tmp_path):
    done = run("--keep", str(tmp_path), "--ledger", str(tmp_path / "x.sqlite"))
    assert done.exit_code == 2


def test_a_ledger_that_is_none_is_said_in_a_sentence(tmp_path):
    file = tmp_path / "other.sqlite"
    with sqlite3.connect(file) as other:
        other.execute("create table something (id)")
    other.close()
    done = run("--ledger", str(file))
    assert done.exit_code == 1
    assert "Traceback" not in done.output


def told(*, held):
    expectation = Expectation(text="The books agree", held=held, found="1.00 EUR")
    line = Line(kind="hold", text="held: \x1b[31mred", system="Kantata")
    scene = Scene(at=cli_moment(), title="A scene", lines=(line,))
    return Story(scenes=(scene,), trace=("Revenue entry", "Hour"), expectations=(expectation,))


def cli_moment():
    return NETSUITE.at(5, 29, 18, 40)


def test_one_expectation_that_does_not_hold_fails_it(monkeypatch):
    async def play(_folder, _url, heard, _real):
        story = told(held=False)
        heard(story.scenes[0])
        return story

    monkeypatch.setattr("engine.demo.play", play)
    done = run()
    assert done.exit_code == 1
    assert "✗ The books agree  1.00 EUR" in done.stdout
    assert "1 of 1 expectations did not hold." in done.stdout
    assert "\x1b" not in done.stdout
    assert "Fri 29 May 2026 18:40  A scene" in done.stdout
