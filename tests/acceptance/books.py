"""What a firm's books say of its contract: billed, credited and recognised, by currency. Money is conserved."""

from collections import Counter
from decimal import Decimal

from engine.demo.world import CONTRACT

CURRENCIES = {"1": "USD", "2": "GBP", "4": "EUR"}


def sums(firm):
    """What stands billed less what was credited, and what was recognised, of the one contract."""
    erp, billed, recognised = firm.erp, Counter(), Counter()
    (project,) = erp.tables["job"]
    home = CURRENCIES[project["currency"]["id"]]
    for bill in erp.tables["timeBill"]:
        hours, minutes = bill["hours"].split(":")
        worked = Decimal(int(hours) * 60 + int(minutes)) / 60
        billed[home] += (bill["rate"] * worked).quantize(Decimal("0.01"))
    for kind, sign in (("invoice", 1), ("creditMemo", -1)):
        for document in erp.tables[kind]:
            lines = document["item"]["items"]
            billed[CURRENCIES[document["currency"]["id"]]] += sign * sum(line["amount"] for line in lines)
    for entry in firm.revrec.entries:
        assert entry["contractNumber"] == CONTRACT
        recognised[entry["currency"]] += entry["amount"]
    return dict(billed), dict(recognised)


def assert_conserved(firm, **expected):
    """What is billed is recognised, to the cent, and is what was agreed."""
    billed, recognised = sums(firm)
    assert billed == recognised == {currency: Decimal(amount) for currency, amount in expected.items()}


def assert_nothing_is_overwritten(firm):
    """Each document that posts was written once and never changed."""
    erp = firm.erp
    for kind in ("timeBill", "invoice", "creditMemo"):
        assert {write.how for write in erp.journal.applied(kind)} <= {"created"}
