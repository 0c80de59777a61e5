"""The pack with a real Tryton writes no credits: what would need one is told to a person, and never written twice."""

import shutil
from pathlib import Path

import pytest

from engine.demo.real_erp import overlay

ROOT = Path(__file__).parents[2]
TESTS = """
test: time that was billed and is approved again is not billed over
flow: [approved-time-to-billing, correction-to-adjustment]
now: 2026-06-04T09:00:00Z
owner: finance-operations
given:
  event: {data: {$file: fixtures/time_entry.json, approved_at: "2026-06-04T09:00:00Z", minutes: 360}}
  entity.billed_time: {$file: fixtures/billed_time.json}
expect:
  runs: {approved-time-to-billing: completed, correction-to-adjustment: rejected}
  alerts: [{to: finance-operations, policy: correction-by-hand}]
  no_writes: [erp.record_time, revrec.performance_event]
---
test: a difference is told
flow: due-to-adjustment
now: 2026-06-08T08:00:00Z
owner: finance-operations
given:
  event: {data: {id: SOW-2026-014-M2, engagement_id: SOW-2026-014, obligation_id: M2, cause: amended, number: N-V2, percent: null, at: "2026-06-08T07:00:00Z"}}
  entity.invoice: {id: SOW-2026-014-M2, engagement_id: SOW-2026-014, contract_number: CT-2026-014, obligation_id: M2, amount: {amount: $(billed), currency: EUR}, exchange_rate: 1, posted_on: 2026-06-02, erp_invoice_id: "8001", revenue_event_id: RE-1}
  entity.obligation_adjustment: null
  entity.project: {$file: fixtures/project.json}
  entity.contract: {$file: fixtures/contract.json}
expect: {run: $(run), alerts: $(alerts)}
examples:
  nothing differs: {billed: 108000.00, run: completed, alerts: []}
  an amendment came later: {billed: 90000.00, run: rejected, alerts: [{to: finance-operations, policy: difference-by-hand}]}
---
test: an amendment in another currency is taken up by a person
flow: amendment-to-contract
now: 2026-06-03T08:00:00Z
owner: commercial
given:
  event: {data: {$file: fixtures/amendment.json}}
  entity.contract: {$file: fixtures/contract.json, currency: USD}
expect:
  run: rejected
  alerts: [{to: commercial, policy: amendment-in-currency}]
  no_writes: [erp.create_task, revrec.save_contract]
"""


@pytest.mark.requirement("SCN-21", "SCN-22", "SCN-24")
def test_what_needs_a_credit_is_told_to_a_person(tidegate, tmp_path):
    folder = overlay(ROOT, tmp_path)
    shutil.copytree(ROOT / "flows" / "fixtures", folder / "flows" / "fixtures")
    (folder / "flows" / "by_hand.test.yaml").write_text(TESTS.lstrip(), encoding="utf-8")
    ended = tidegate("test", "-w", folder)
    assert ended.code == 0, ended.out + ended.err
    assert "all passed" in ended.out
