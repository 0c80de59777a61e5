"""Two versions of an event side by side: what comes as either is worked by flows that want either."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core import EvaluationError, begin, starts
from engine.core.accept import NotAnEventError, offer
from engine.preview.behaviour import play_both, read_samples
from engine.preview.meaning import compare
from engine.revisions import personal_in, release_of
from engine.runtime.triggers.native import usable
from engine.session import check, load
from engine.values.json_text import read_json, write_json

HERE = Path(__file__).parents[1] / "workspaces" / "versions"
NOW = datetime(2026, 6, 1, 9, tzinfo=UTC)
OLDER = {"id": "1", "title": "Ledger", "euros": Decimal("500.10"), "closed_on": "2026-05-29"}
NEWER = {
    "id": "1",
    "name": "Ledger",
    "amount": {"amount": Decimal("500.10"), "currency": "EUR"},
    "closed": "2026-05-29",
}


@pytest.fixture(scope="module")
def plan():
    return load(HERE).ready.plan


def offered(plan, name, data, source=None):
    return offer(plan, name, data, write_json(data), NOW, source=source)


@pytest.fixture
def edited(tmp_path):
    """A copy of the workspace in which texts are replaced."""

    def edit(*pairs):
        text = (HERE / "schemas" / "all.yaml").read_text()
        for before, after in pairs:
            assert before in text
            text = text.replace(before, after)
        (tmp_path / "schemas").mkdir(exist_ok=True)
        (tmp_path / "schemas" / "all.yaml").write_text(text)
        return tmp_path

    return edit


def told(folder, today=None):
    problems = check(folder=folder, today=today).report.problems
    return [f"{one.code} {one.severity}: {one.message}" for one in problems]


def test_both_versions_are_one_event(plan):
    older, newer = offered(plan, "deal.won@1", OLDER, "crm.deals"), offered(plan, "deal.won", NEWER)
    assert (older.event.id, older.event.type, older.body_hash, older.complaints) == (
        newer.event.id,
        "deal.won",
        newer.body_hash,
        [],
    )
    assert older.source == "crm.deals as deal.won@1 by deal-up"
    assert newer.source is None
    assert offered(plan, "deal.won@2", NEWER) == newer


texts = st.text(max_size=20).filter(lambda text: "\0" not in text)
deals = st.fixed_dictionaries(
    {
        "id": st.text("abc:%", min_size=1, max_size=9),
        "title": texts,
        "euros": st.decimals(-1000, 1000, places=2),
        "closed_on": st.dates().map(date.isoformat),
    }
)


@settings(max_examples=25, deadline=None)
@given(deals)
def test_a_flow_of_the_earlier_version_is_given_what_came(plan, data):
    event = offered(plan, "deal.won@1", data).event
    state, _ = begin(plan.flows["old"], event)
    wanted = {**read_json(write_json(data)), "closed_on": date.fromisoformat(data["closed_on"])}
    assert state.scope["deal"] == wanted
    new, _ = begin(plan.flows["new"], event)
    assert new.scope["deal"]["closed"] == wanted["closed_on"]


def test_the_condition_of_a_trigger_reads_its_version(plan):
    event = offered(plan, "deal.won", {**NEWER, "amount": {"amount": 0, "currency": "EUR"}}).event
    assert [starts(plan.flows[name], event) for name in ("new", "old")] == [False, False]


def test_what_the_earlier_version_cannot_hold_starts_no_flow_of_it(plan):
    event = offered(plan, "deal.won", {**NEWER, "name": "x" * 21}).event
    assert starts(plan.flows["new"], event)
    with pytest.raises(EvaluationError, match=r"this is no deal\.won@1: title: the value is longer than 20"):
        starts(plan.flows["old"], event)


@pytest.mark.parametrize(
    "name, data, why",
    [
        (
            "deal.won@1",
            {**OLDER, "title": "x" * 21},
            "deal.won@1 cannot be taken: this is no deal.won@1: title",
        ),
        ("deal.won@1", {**OLDER, "closed_on": "soon"}, "cannot be taken"),
        ("deal.won@1", NEWER, "cannot be taken"),
        ("deal.won@1", [], "the data of deal.won@1 is list, not a record"),
        ("deal.won@3", NEWER, "no event is called 'deal.won@3'; taken: deal.won@2 and deal.won@1"),
        ("deal.told@2", NEWER, "no event is called 'deal.told@2'; taken: deal.told@1"),
        ("deal.lost@1", NEWER, "no event is called 'deal.lost@1'"),
    ],
)
def test_what_cannot_be_taken_is_refused_with_the_reason(plan, name, data, why):
    with pytest.raises(NotAnEventError, match=why):
        offered(plan, name, data)


def test_a_source_may_make_the_earlier_version(plan):
    source = plan.schedules[0].source
    tick = {"name": "monthly", "scheduled_at": NOW, "previous_at": None, "on": date(2026, 6, 1)}
    (made,), unfit = usable(plan, [source], [tick, {**tick, "name": "x" * 21}], NOW)
    assert (made.event.type, made.event.data["closed"], made.source) == (
        "deal.won",
        date(2026, 6, 1),
        "schedule.monthly as deal.won@1 by deal-up",
    )
    assert [why for _, why in unfit] == [
        "deal.won@1 cannot be taken: this is no deal.won@1: title: the value is longer than 20 characters"
    ]


@pytest.mark.parametrize(
    "today, how", [(date(2030, 6, 30), "warning: {} ends"), (date(2030, 7, 1), "error: {} ended")]
)
def test_the_day_decides(today, how):
    assert told(HERE, today) == [
        f"TG329 {how.format(name)} on 2030-06-30"
        for name in ("`deal.won@1`, which `deal-due` makes,", "`deal.won@1`")
    ]


@pytest.mark.parametrize(
    "before, after, said",
    [
        ("{version: 1, data", "{version: 2, data", "TG327 error: version 2 of `deal.won` replaces version 2"),
        (
            "up: deal-up",
            "up: deal-down",
            "TG328 error: the mapping `deal-down` does not make `canonical/deal@2`",
        ),
        (
            "up: deal-up, down: deal-down",
            "up: deal-up, down: deal-up",
            "TG328 error: the mapping `deal-up` does",
        ),
        (
            ", down: deal-down}",
            "}",
            "TG328 error: `deal.won@1` is wanted, and nothing makes it of `deal.won@2`",
        ),
        ("deal.won@1, as", "deal.won@7, as", "TG327 error: there is no `deal.won@7`"),
        (
            "  title: deal.name",
            "  title: {xref: deal, id: deal.id, in: crm}",
            "TG328 error: the mapping `deal-down` looks up",
        ),
    ],
)
def test_what_is_wrong_is_told(edited, before, after, said):
    assert [one for one in told(edited((before, after))) if one.startswith(said)]


def test_events_of_the_release_before_are_compared_as_the_newer(edited, plan):
    """What the release before took is played by the newer as it will take it, and is not refused."""
    text = (HERE / "schemas" / "all.yaml").read_text()
    newer = release_of(load(HERE))
    older = release_of(
        load(
            edited(
                (
                    "event: deal.won\nversion: 2\nowner: sales\ndata: canonical/deal@2",
                    "event: deal.won\nowner: sales\ndata: canonical/deal@1",
                ),
                (next(line for line in text.splitlines() if line.startswith("deprecates:")), ""),
                (
                    "where: deal.amount.amount > 0}\nsteps:\n  tell: {emit: deal.told, map: deal-down}",
                    "where: deal.euros > 0}\nsteps:\n  tell: {emit: deal.told, with: {id: deal.id, title: deal.title, euros: deal.euros, closed_on: deal.closed_on}}",
                ),
                ("deal.won@1, as", "deal.won, as"),
            )
        )
    )
    line = write_json({"type": "deal.won", "data": OLDER})
    samples = read_samples([line], "events", None, NOW)
    found = play_both(older, newer, compare(older.meaning, newer.meaning), samples)
    assert (found.runs, found.differing, found.refused, found.unplayed) == (2, 0, [], [])


def test_what_is_personal_in_the_earlier_version_is_known_by_its_name(edited):
    """A corpus has events of both, and the fields of either are hidden in it."""
    folder = edited(("title: {type: string,", "title: {type: string, personal: true,"))
    found = personal_in(load(folder), (), ())
    assert found.is_so(found.events["deal.won@1"], "title")
    assert not found.is_so(found.events["deal.won"], "title")


def test_events_that_say_their_version_are_played_by_both_sides_as_the_newer(plan):
    """So they are recorded when they were accepted before both releases."""
    release = release_of(load(HERE))
    lines = [
        write_json(one)
        for one in ({"type": "deal.won@1", "data": OLDER}, {"type": "deal.won@2", "data": NEWER})
    ]
    samples = read_samples(lines, "events", None, NOW)
    found = play_both(release, release, compare(release.meaning, release.meaning), samples)
    assert (found.runs, found.differing, found.refused, found.unplayed) == (2, 0, [], [])


@pytest.mark.parametrize(
    "before, after, lost",
    [
        ("  name: deal.title", "  name: deal.id", "`title`, of which `deal-up` makes nothing"),
        ("  title: deal.name", "  title: deal.id", "`title`, which `deal-down` makes of something else"),
        ("  euros: deal.amount.amount\n", "", "`euros`, which `deal-down` makes not at all"),
    ],
)
def test_what_is_lost_between_versions_is_told_unless_it_need_not_be_kept(edited, before, after, lost):
    said = f"TG346 warning: of the earlier version is lost: {lost}"
    assert said in told(edited((before, after)))
    name = lost.split("`")[1]
    kept = edited((before, after), ("down: deal-down}", f"down: deal-down, loses: [{name}]}}"))
    assert not [one for one in told(kept) if "TG346" in one]


def test_what_comes_back_is_not_called_lost(edited):
    """Worked out and back, or as a part of something, is not lost."""
    folder = edited(
        ("  amount.amount: deal.euros", "  amount.amount: {expr: 'deal.euros * 2'}"),
        ("  euros: deal.amount.amount", "  euros: {expr: 'deal.amount.amount / 2'}"),
    )
    assert not [one for one in told(folder) if "TG346" in one]
