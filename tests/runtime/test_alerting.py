"""Every alert is an event for the flow that wants to hear of them; what that flow complains of is not."""

import pytest

from engine.errors import InputError
from engine.ledger import open_reader, verify_chain
from engine.runtime.alerting import acknowledge
from tests.runtime.scripted import failure

DOCUMENTS = """
entity: alert
key: id
fields:
  id: {type: string, required: true}
  to: {type: string, required: true}
  severity: {enum: [info, warning, error, critical], required: true}
  message: {type: string, required: true}
  at: {type: datetime, required: true}
  run: string
  step: string
  policy: string
---
event: alert.raised
data: canonical/alert@1
identity: data.id
keep: none
---
policy: odd
owner: desk
inputs: {item: canonical/item@1}
when: item.amount > 5
then: {alert: {to: finance, severity: error}}
reason: "It is {{ item.amount }}."
---
policy: told
owner: desk
inputs: {alert: canonical/alert@1}
when: alert.severity == 'error'
then: {alert: {to: nobody, severity: error}}
reason: "An alert about an alert."
---
flow: tell
trigger: {event: alert.raised, as: alert, where: alert.to == 'finance'}
steps:
  looked: {check: [told]}
  put: {needs: looked, write: erp.line, with: {key: alert.id, to: alert.message}}
"""
STEPS = "ok: {check: [odd]}"
ALERT = "f/item.made:1/ok/odd"
MADE = ("item.made", {"id": "1", "amount": 9})


@pytest.fixture
def firm(small):
    return small(STEPS, DOCUMENTS.replace("keep: none\n", ""))


def delivered(process):
    return [payload["to"] for payloads in process.system.applied.values() for payload in payloads]


@pytest.mark.requirement("ALT-06")
def test_an_alert_is_carried_by_a_flow_once(firm):
    seen = firm.run(MADE)
    assert delivered(firm) == ["It is 9."]
    assert seen.status("tell/alert.raised:f/item.made%3A1/ok/odd") == "completed"
    assert sorted(alert.to for alert in seen.alerts) == ["finance", "nobody"]  # the second is told to nobody
    firm.run()
    assert delivered(firm) == ["It is 9."]


@pytest.mark.requirement("ALT-06")
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("number", range(2, 7))
def test_it_is_told_whenever_the_process_ends(firm, cut, number, after):
    with cut(number, after=after):
        firm.run(MADE)
    firm.run(MADE)
    assert set(delivered(firm)) == {"It is 9."}
    assert len(firm.system.applied) == 1
    reader = open_reader(firm.url)
    assert verify_chain(reader) == []
    reader.close()


def test_it_is_tried_again_like_every_other_write(firm):
    firm.system.writes["line"] += [failure("transient")] * 2
    firm.run(MADE)
    assert delivered(firm) == ["It is 9."]
    assert firm.system.count("write") == 3


class TestAcknowledging:
    def test_somebody_takes_care_of_it(self, firm):
        firm.run(MADE)
        seen = firm.order(lambda executor: acknowledge(executor, ALERT, "ann", "called them"))
        assert {alert.id: alert.status for alert in seen.alerts}[ALERT] == "acknowledged"
        (entry,) = [row for row in seen.audit if row.subject == ALERT]
        assert (entry.actor, entry.action) == ("ann", "alert acknowledged")

    @pytest.mark.parametrize(
        "name, by, why",
        [("none", "ann", "there is no such alert"), (ALERT, " ", "a person has to be named")],
    )
    def test_what_cannot_be(self, firm, name, by, why):
        firm.run(MADE)
        with pytest.raises(InputError, match=why):
            firm.order(lambda executor: acknowledge(executor, name, by, None))

    def test_once(self, firm):
        firm.run(MADE)
        firm.order(lambda executor: acknowledge(executor, ALERT, "ann", None))
        with pytest.raises(InputError, match="it is acknowledged"):
            firm.order(lambda executor: acknowledge(executor, ALERT, "bob", None))
