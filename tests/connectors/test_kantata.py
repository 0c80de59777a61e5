"""Kantata OX: creates that are looked for before they are repeated, and the feed of approvals."""

from datetime import UTC, date, datetime, timedelta

import pytest

from connectors.kantata.simulator import KantataSimulator
from engine.effect import FaultClass, Receipt

BEGIN = datetime(2026, 3, 2, tzinfo=UTC)


@pytest.fixture
def psa(opened):
    clock = [BEGIN + timedelta(days=1)]
    psa = opened("kantata", KantataSimulator(now=lambda: clock[0]))
    psa.clock = clock
    psa.project = psa.write("create_project", external_id="E-1", title="Roll-out").external_id
    psa.ann = psa.simulator.add("users", full_name="Ann", email_address="ann@acme.example")
    return psa


def entry(psa, **values):
    usual = {
        "workspace_id": psa.project,
        "user_id": psa.ann,
        "date_performed": "2026-03-02",
        "time_in_minutes": 90,
    }
    return psa.simulator.add("time_entries", **(usual | values))


@pytest.mark.requirement("SYS-19")
def test_project_by_our_reference(psa):
    project = psa.read("project", external_id="E-1")
    assert (project["id"], project["title"], project["archived"]) == (psa.project, "Roll-out", False)
    assert psa.read("project", external_id="E-2") is None


def test_a_blind_repeat_would_make_a_duplicate(psa):
    """Why `once_by` says lookup: the API itself does not fold repeats."""
    assert psa.write("create_project", external_id="E-1", title="Roll-out").external_id != psa.project


def test_project_is_taken_back_by_archiving(psa):
    psa.write("archive_project", external_id="E-1", id=psa.project)
    assert psa.read("project", external_id="E-1")["archived"] is True


def test_milestone_and_its_state(psa):
    made = psa.write(
        "create_story", external_id="M-1", title="Design", story_type="milestone", workspace_id=psa.project
    )
    psa.write("update_story", id=made.external_id, state="completed", percentage_complete=100)
    assert psa.read("story", external_id="M-1")["state"] == "completed"
    assert isinstance(psa.write("delete_story", id=made.external_id), Receipt)
    assert psa.write("delete_story", id=made.external_id).found


def test_person_is_booked(psa):
    person = psa.read("user", email="ann@acme.example")
    assert psa.read("user", email="bob@acme.example") is None
    resource = psa.write("add_resource", external_id="R-1", workspace_id=psa.project, user_id=person["id"])
    booked = psa.write(
        "create_allocation",
        external_id="A-1",
        workspace_resource_id=resource.external_id,
        start_date=date(2026, 3, 2),
        end_date=date(2026, 3, 6),
        minutes=2400,
        hard=True,
    )
    record = psa.simulator.tables["workspace_allocations"].get(booked.external_id)
    assert (record["minutes"], record["hard"], record["start_date"]) == (2400, True, "2026-03-02")


@pytest.mark.parametrize("field, value", [("workspace_id", "1"), ("story_type", "epic"), ("title", "")])
def test_refusals_name_the_field(psa, field, value):
    story = {"external_id": "M-1", "title": "Design", "story_type": "task", "workspace_id": psa.project}
    failure = psa.write("create_story", **(story | {field: value}))
    assert failure.fault is FaultClass.PERMANENT
    assert field in failure.reason


def test_approved_time_of_a_project_over_pages(psa):
    for number in range(205):
        psa.simulator.approve_time(entry(psa, time_in_minutes=number + 1))
    entry(psa)
    found = psa.read(
        "approved_time", workspace_id=psa.project, first=date(2026, 3, 1), last=date(2026, 3, 31)
    )
    assert sorted(item["time_in_minutes"] for item in found) == list(range(1, 206))


class TestFeed:
    @pytest.mark.requirement("EVT-09")
    def test_approved_time_once_for_each_approval(self, psa):
        te = entry(psa)
        psa.simulator.edit("time_entries", te, notes="more")
        psa.simulator.approve_time(te, times=2)
        psa.simulator.edit("time_entries", te, notes="even more")
        found = psa.poll("time_entry_approved", BEGIN)
        assert {item["current_payload"]["id"] for item in found.items} == {te}
        assert len(found.items) == 2
        assert found.items[0]["current_payload"]["approved_at"] == psa.clock[0]
        assert found.upto == psa.clock[0]

    @pytest.mark.requirement("EVT-12")
    def test_completed_milestones_only(self, psa):
        story = {"title": "Design", "workspace_id": psa.project}
        milestone = psa.simulator.add("stories", story_type="milestone", **story)
        task = psa.simulator.add("stories", story_type="task", **story)
        for each in (milestone, task):
            psa.simulator.complete_milestone(each)
        found = psa.poll("milestone_approved", BEGIN)
        assert [item["subject_id"] for item in found.items] == [milestone]

    def test_feed_goes_back_by_the_overlap_and_no_further(self, psa):
        psa.simulator.approve_time(entry(psa))
        happened = psa.clock[0]
        assert len(psa.poll("time_entry_approved", happened + timedelta(minutes=5)).items) == 1
        assert len(psa.poll("time_entry_approved", happened + timedelta(minutes=6)).items) == 0

    def test_feed_forgets_after_nine_days(self, psa):
        psa.simulator.approve_time(entry(psa))
        psa.clock[0] += timedelta(days=9, seconds=1)
        assert psa.poll("time_entry_approved", BEGIN).items == []

    def test_feed_has_no_order(self, psa):
        for _ in range(4):
            psa.simulator.approve_time(entry(psa))
            psa.clock[0] += timedelta(minutes=1)
        stamps = [item["created_at"] for item in psa.poll("time_entry_approved", BEGIN).items]
        assert stamps != sorted(stamps)
