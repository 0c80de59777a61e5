"""Events: how one is known again, ordered and dated, and the sources that feed it."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.language.compiled import EvaluationError
from tests.compile.making import ORDER, compiled, problems

PARTS = st.one_of(
    st.text(max_size=12),
    st.text("%:3A5", max_size=6),
    st.integers(-(10**6), 10**6),
    st.booleans(),
    st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-1000, max_value=1000),
    st.dates(),
)


def event(identity="data.id", more=""):
    text = f"event: e\ndata: any\nidentity: {identity}\n{more}"
    return compiled(text).plan.events["e"]


THREE = event("[data.a, data.b, data.c]")


class TestIdentity:
    @given(st.lists(PARTS, min_size=3, max_size=3), st.lists(PARTS, min_size=3, max_size=3))
    def test_two_events_are_one_only_when_all_parts_read_the_same(self, one, two):
        names = ("a", "b", "c")
        same = [_said(part) for part in one] == [_said(part) for part in two]
        made = THREE.identity(dict(zip(names, one, strict=True)))
        assert (made == THREE.identity(dict(zip(names, two, strict=True)))) is same

    @given(
        st.lists(st.text("ab:%", max_size=4), min_size=3, max_size=3), st.integers(0, 4), st.integers(0, 4)
    )
    def test_what_moves_from_one_part_to_the_next_makes_another(self, parts, one, two):
        joined = ":".join(parts)
        names = ("a", "b", "c")
        others = [joined[: min(one, two)], joined[min(one, two) : max(one, two)], joined[max(one, two) :]]
        same = parts == others
        made = THREE.identity(dict(zip(names, parts, strict=True)))
        assert (made == THREE.identity(dict(zip(names, others, strict=True)))) is same

    def test_it_begins_with_the_name_of_the_event(self):
        assert event().identity({"id": "T-1"}) == "e:T-1"
        assert event().identity({"id": 5}) == "e:5"
        assert event().identity({"id": datetime(2026, 1, 2, tzinfo=UTC)}) == "e:2026-01-02T00%3A00%3A00Z"
        assert event().identity({"id": date(2026, 1, 2)}) == "e:2026-01-02"

    def test_a_long_one_is_hashed_and_stays_apart_from_others(self):
        one, two = (event().identity({"id": "x" * 500 + end}) for end in ("1", "2"))
        assert one != two
        assert len(one) == len(two) < 100

    @pytest.mark.parametrize("data", [{}, {"id": None}, {"id": []}, {"id": {"x": 1}}])
    def test_without_a_plain_value_there_is_none(self, data):
        with pytest.raises(EvaluationError, match="part of the identity"):
            event().identity(data)


def _said(part):
    if isinstance(part, bool):
        return str(part)
    return part.isoformat() if isinstance(part, date) else str(part)


class TestOrderAndInstant:
    def test_order_key(self):
        assert event(more="order_by: data.o").order_key({"o": "p:1"}) == "p%3A1"
        assert event(more="order_by: data.o").order_key({"o": 5}) == "5"
        assert event(more="order_by: data.o").order_key({}) is None
        assert event().order_key({"o": 5}) is None

    def test_at(self):
        at = event(more="at: data.t").at
        assert at({"t": "2026-01-02T01:00:00+01:00"}) == datetime(2026, 1, 2, tzinfo=UTC)
        assert at({"t": datetime(2026, 1, 2, tzinfo=UTC)}) == datetime(2026, 1, 2, tzinfo=UTC)
        assert at({}) is None
        assert event().at({"t": "x"}) is None

    @pytest.mark.parametrize("t", ["yesterday", "2026-01-02T01:00:00", 5, True])
    def test_what_is_no_instant_is_an_error(self, t):
        with pytest.raises(EvaluationError):
            event(more="at: data.t").at({"t": t})

    def test_data_is_judged_by_its_entity(self):
        order = compiled(ORDER).plan.events["order.placed"]
        assert order.entity == "order"
        assert any("id" in one for one in order.complaints({}))
        data = {
            "id": "1",
            "status": "open",
            "total": Decimal("1.5"),
            "count": 1,
            "paid": False,
            "placed_on": "2026-01-02",
            "sent_at": None,
            "lines": [],
            "client": {"id": "c"},
        }
        assert order.complaints(data) == []
        assert order.decode(data)["placed_on"] == date(2026, 1, 2)

    @pytest.mark.parametrize(
        "text, expected",
        [
            ("event: e\ndata: canonical/none@1\nidentity: data.id", [("TG310", "canonical/none@1")]),
            ("event: e\ndata: canonical/order@1\nidentity: data.idd", [("TG303", "idd")]),
            ("event: e\ndata: canonical/order@1\nidentity: id", [("TG302", "id")]),
            ("event: e\ndata: canonical/order@1\nidentity: data.lines", [("TG409", "data.lines")]),
            (
                "event: e\ndata: canonical/order@1\nidentity: data.id\norder_by: data.client",
                [("TG409", "data.client")],
            ),
            (
                "event: e\ndata: canonical/order@1\nidentity: data.id\nat: data.total",
                [("TG409", "data.total")],
            ),
            (
                "event: e\ndata: canonical/order@1\nidentity: data.id\nat: data.placed_on",
                [("TG409", "data.placed_on")],
            ),
            ("event: e\ndata: canonical/order@1\nidentity: data.id\nat: data.sent_at", []),
        ],
    )
    def test_paths_are_checked(self, text, expected):
        assert problems(ORDER, text) == expected


MAP = "mapping: {name}\ninputs: {inputs}\noutput: canonical/order@1\nfields: {{}}\n"
TAKE = (
    "mapping: take\ninputs: {record: desk/order@1}\noutput: canonical/made@1\n"
    "fields: {key: record.number, total: {path: record.total, default: 0}}"
)
MADE = "entity: made\nkey: key\nfields: {key: {type: string, required: true}, total: {type: decimal, required: true}}"


def sources(written, *more, data="canonical/made@1"):
    return [MADE, TAKE, f"event: e\ndata: {data}\nidentity: data.key\nsources: [{written}]", *more]


class TestSources:
    def test_a_record_becomes_an_event(self):
        (source,) = compiled(
            *sources("{from: desk.orders, map: take, when: data.total > 5}"), desk=True
        ).plan.sources
        assert (source.connection, source.source, source.event) == ("desk", "orders", "e")
        made = source.make({"record": {"number": "7", "total": Decimal(9)}})
        assert made == {"key": "7", "total": Decimal(9)}
        assert source.when.call({"data": made}) is True
        assert source.when.call({"data": {"total": Decimal(1)}}) is False

    @pytest.mark.parametrize(
        "written, more, expected",
        [
            ("{from: dsk.orders, map: take}", [], [("TG319", "dsk")]),
            ("{from: desk.order, map: take}", [], [("TG321", "order")]),
            ("{from: desk.orders, map: tak}", [], [("TG311", "tak")]),
            ("{from: desk.orders, map: take, when: dat.total > 5}", [], [("TG302", "dat")]),
            ("{from: desk.orders, map: take, when: data.total}", [], [("TG409", "data.total")]),
            (
                "{from: desk.orders, map: two}",
                [TAKE.replace("take", "two").replace("desk/order@1}", "desk/order@1, other: any}")],
                [("TG412", "two")],
            ),
            (
                "{from: desk.orders, map: other}",
                [
                    "entity: x\nfields: {id: string}",
                    "mapping: other\ninputs: {record: any}\noutput: canonical/x@1\nfields: {}",
                ],
                [("TG409", "other")],
            ),
            (
                "{from: desk.orders, map: other}",
                [
                    TAKE.replace("take", "other")
                    .replace("desk/order@1", "canonical/made@1")
                    .replace("key: record.number", "key: {path: record.key, required: true}")
                    .replace("number", "key")
                ],
                [("TG410", "other")],
            ),
        ],
    )
    def test_mistakes(self, written, more, expected):
        assert problems(*sources(written, *more), desk=True) == expected

    def test_an_event_of_an_unknown_type_makes_no_further_problem(self):
        text = sources("{from: desk.orders, map: take}", data="canonical/none@1")
        assert problems(*text, desk=True) == [("TG310", "canonical/none@1")]

    def test_a_mapping_with_mistakes_is_not_reported_missing(self):
        text = [
            part.replace("record.number", "record.numbr")
            for part in sources("{from: desk.orders, map: take}")
        ]
        assert problems(*text, desk=True) == [("TG303", "numbr")]
        broken = [
            part.replace("output: canonical/made@1", "output: 5")
            for part in sources("{from: desk.orders, map: take}")
        ]
        assert [code for code, _ in problems(*broken, desk=True)] == ["TG208"]
