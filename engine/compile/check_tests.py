"""Tests: that what they name exists, and what they say has a meaning. Running them shows the rest."""

import itertools
import re
from collections.abc import Collection, Iterable, Iterator, Mapping

from engine.compile import problems_of_tests as problems
from engine.compile.compilation import Compilation
from engine.problems import near_names
from engine.source import Span, Text
from engine.spec.field import Raw
from engine.values.type import Listing, Record, Type
from engine.values.value import Value
from engine.workspace.files import FileUnreadable
from engine.workspace.kinds.flow import FlowDocument
from engine.workspace.kinds.flow_test import ActDocument, ExpectDocument, FlowTestDocument
from engine.workspace.kinds.policy import PolicyDocument

XREF = "xref"  # the stub that answers look-ups of cross references
NOW = "now"  # the column that is the instant of a case

_COLUMN = re.compile(r"\$\(([a-z][a-z0-9_]*)\)")
_WORDS = (
    "$file",
    "$fail",
    "$for",
    "$answer",
    "$absent",
    "$any",
    "$exact",
    "$contains",
    "$unordered",
    "$near",
)
_ALONE = ("$absent", "$any")  # words that stand alone
_OF_FLOWS = ("run", "runs", "writes", "no_writes", "emits", "holds", "refused")
_OF_POLICIES = ("outcome", "reason")


def check_tests(compilation: Compilation) -> None:
    """Every test is of something that exists, and stubs and expects what that has."""
    fixtures: dict[tuple[str, str], str] = {}
    for document in compilation.documents(FlowTestDocument).values():
        if document.subject is document.test:
            compilation.report(problems.nothing_tested(document.keys["flow"]))
        elif document.flow:
            _check_flow_test(compilation, document)
        else:
            _check_single(compilation, document)
        for expect in _expects(document):
            if set(expect.keys) == {"exact"}:
                compilation.report(problems.only_exact(expect.keys["exact"]))
        written = document.span.source.text
        if document.examples or written.find("$(", document.span.start, document.span.end) >= 0:
            _check_columns(compilation, document)
        if written.find("$", document.span.start, document.span.end) >= 0:
            for raw in _raws(document):
                # What an alias stands for is written elsewhere.
                if any(written.find(mark, raw.span.start, raw.span.end) >= 0 for mark in "$*"):
                    _check_words(compilation, raw, fixtures)


# --- of a flow --------------------------------------------------------------------------------------


def _check_flow_test(compilation: Compilation, document: FlowTestDocument) -> None:
    flows = compilation.documents(FlowDocument)
    for name in document.flow:
        if str(name) not in flows:
            compilation.unknown("flow", name, flows)
    if not all(str(name) in flows for name in document.flow):
        return
    given = document.given
    acts = given is not None and (given.event is not None or bool(given.then))
    if document.now is None and not all(NOW in _columns(row) for row in document.examples.values() or [None]):
        compilation.report(problems.no_now(document.test))
    if not acts and not document.acts:
        compilation.report(problems.nothing_happens(document.test))
    if document.expect is None and all(act.expect is None for act in document.acts):
        compilation.report(problems.nothing_expected(document.test))
    taking_part = [flows[str(name)] for name in document.flow]
    _check_names(compilation, document, taking_part)
    for act in document.acts:
        _check_act(compilation, act)


def _check_names(compilation: Compilation, document: FlowTestDocument, flows: list[FlowDocument]) -> None:
    steps = [step for flow in flows for step in flow.steps.values()]
    reads = [f"entity.{step.read.split('.')[1]}" for step in steps if step.read]
    operations = [*compilation.operations, *reads]
    given = () if document.given is None else document.given.stubs
    stubs = [
        name for name in (*given, *(name for act in document.acts for name in act.given)) if name != XREF
    ]
    _known(compilation, "operation", stubs, operations)
    policies = [str(name) for step in steps for name in step.check]
    there = compilation.documents(PolicyDocument)
    if any(name not in there for name in policies):
        policies += there  # which of them the flow means is not known, and was reported where it stands
    released = [name for act in document.acts for names in act.persons.values() for name in names]
    if document.given is not None:
        released += document.given.release
    _known(compilation, "policy", _plain(released), policies)
    _known(compilation, "event", _followers(document), compilation.event_types)
    for expect in _expects(document):
        _known(compilation, "operation", (*expect.writes, *expect.no_writes), operations)
        _known(compilation, "event", expect.emits, compilation.event_types)
        _known(compilation, "policy", _holds(expect), policies)
        _known(compilation, "step", expect.steps, flows[0].steps)
        _known(compilation, "flow", expect.runs, [str(flow.flow) for flow in flows])
        _check_wrong_place(compilation, expect, (*_OF_POLICIES, "output"), "of a flow")
        _check_payloads(compilation, expect)


def _check_payloads(compilation: Compilation, expect: ExpectDocument) -> None:
    """Fields that what is written or emitted cannot have: what is said of them would never be compared."""
    for name, raw in expect.writes.items():
        operation = compilation.operations.get(str(name))
        if operation is not None and operation.writes:
            _check_fields(compilation, raw, operation.takes, str(name), calls=True)
    for name, raw in expect.emits.items():
        kind = compilation.event_types.get(str(name))
        if kind is not None:
            _check_fields(compilation, raw, kind, str(name), calls=True)


PERSONS = ("release", "propose", "agree", "refuse")  # what a person does about holds


def _check_act(compilation: Compilation, act: ActDocument) -> None:
    if act.after is not None and act.at is not None:
        compilation.report(problems.two_times(act.keys["at"], act.keys["after"]))
    if act.after is not None and act.after.business:
        compilation.report(problems.business_time(act.after.span))
    if (act.event is None) != (act.data is None):
        key = "event" if act.event is not None else "data"
        compilation.report(problems.half_an_event(act.keys[key], key))
    verbs = [verb for verb in PERSONS if verb in act.keys]
    does = [key for key in (*PERSONS, "event") if key in act.keys]
    for one, other in itertools.pairwise(does):
        compilation.report(problems.two_acts(act.keys[one], act.keys[other]))
    for key in ("by", "role", "reason", "second", "code"):
        if key in act.keys and not verbs:
            compilation.report(problems.person_without_release(act.keys[key], key))
    if not {"after", "at", "event", *PERSONS} & act.keys.keys():
        compilation.report(problems.empty_act(act.span))
    if act.expect is not None and act.expect.refused is not None and not verbs:
        compilation.report(problems.person_without_release(act.expect.refused.span, "refused"))


# --- of a mapping or a policy -------------------------------------------------------------------------


def _check_single(compilation: Compilation, document: FlowTestDocument) -> None:
    kind = "mapping" if document.mapping is not None else "policy"
    name = document.subject
    signatures = compilation.mapping_types if kind == "mapping" else compilation.policy_types
    signature = signatures.get(str(name))
    if signature is None:
        compilation.unknown(kind, name, signatures)
        return
    given = () if document.given is None else document.given.stubs
    event = document.given is not None and document.given.event is not None
    said = {*map(str, given), *(["event"] if event else [])}
    unknown = [one for one in given if str(one) not in signature.inputs and one != XREF]
    for input_ in unknown:
        compilation.report(problems.unknown_input(input_, kind, str(name), signature.inputs))
    missing = [one for one in signature.inputs if one not in said]
    if missing and not unknown:  # a name that was misspelt is reported where it stands
        compilation.report(problems.missing_inputs(name, kind, missing))
    if document.acts:
        compilation.report(problems.wrong_key(document.keys["acts"], "acts", f"of a {kind}"))
    if document.expect is None:
        compilation.report(problems.nothing_expected(document.test))
        return
    others = (*_OF_POLICIES, "alerts") if kind == "mapping" else ("output",)
    _check_wrong_place(compilation, document.expect, (*_OF_FLOWS, *others), f"of a {kind}")
    if kind == "mapping":
        for step in document.expect.steps:
            compilation.report(problems.wrong_key(step.span, str(step), "of a mapping", "output"))
        if document.expect.output is not None:
            _check_fields(
                compilation, document.expect.output, signature.output, f"mapping {name}", calls=False
            )


def _check_wrong_place(
    compilation: Compilation, expect: ExpectDocument, keys: Iterable[str], where: str
) -> None:
    for key in keys:
        if key in expect.keys:
            compilation.report(problems.wrong_key(expect.keys[key], key, where))


# --- names, fields and words ----------------------------------------------------------------------------


def _known(compilation: Compilation, kind: str, names: Iterable[Text], known: Collection[str]) -> None:
    for name in names:
        if name not in known:
            compilation.unknown(kind, name, sorted({str(one) for one in known}))


def _plain(texts: Iterable[Text]) -> Iterator[Text]:
    """Those that are no columns."""
    return (text for text in texts if "$(" not in text)


def _holds(expect: ExpectDocument) -> Iterator[Text]:
    """The policies whose holds are expected."""
    raw = expect.holds
    if raw is None:
        return
    listed = isinstance(raw.value, list)
    for index, name in enumerate(raw.value if isinstance(raw.value, list) else [raw.value]):
        if isinstance(name, str) and "$(" not in name:
            yield Text(name, raw.places.get((index,), raw.span) if listed else raw.span)


def _followers(document: FlowTestDocument) -> Iterator[Text]:
    """The names of the events that follow."""
    for raw in () if document.given is None else document.given.then:
        value = raw.value
        name = value.get("event") if isinstance(value, Mapping) else None
        if isinstance(name, str):
            yield Text(name, raw.places.get(("event",), raw.span))
    yield from (act.event for act in document.acts if act.event is not None)


def _expects(document: FlowTestDocument) -> Iterator[ExpectDocument]:
    for expect in (document.expect, *(act.expect for act in document.acts)):
        if expect is not None:
            yield expect


def _check_fields(compilation: Compilation, raw: Raw, kind: Type, of: str, *, calls: bool) -> None:
    """Report fields that a type does not have; a list on the outside is of several calls."""
    value = raw.value
    if calls and isinstance(value, list):
        parts: list[tuple[tuple[str | int, ...], Value]] = [
            ((index,), item) for index, item in enumerate(value)
        ]
    else:
        parts = [((), value)]
    for path, part in parts:
        for place, name, record in _strange(part, kind, path, calls=calls):
            span = _key_place(raw, place)
            compilation.report(problems.field_never_there(span, name, of, record.fields))


def _strange(
    value: Value, kind: Type, path: tuple[str | int, ...], *, calls: bool = False
) -> Iterator[tuple[tuple[str | int, ...], str, Record]]:
    """Each field that its record cannot have; of an open record, one that is nearly called like another."""
    word = _word_in(value)
    if word is not None and isinstance(value, Mapping):
        yield from _strange(_listed(value[word]), Listing(item=kind) if calls else kind, (*path, word))
    elif isinstance(kind, Listing) and isinstance(value, list):
        for index, item in enumerate(value):
            yield from _strange(item, kind.item, (*path, index))
    elif isinstance(kind, Record) and isinstance(value, Mapping) and "$near" not in value:
        for name, item in value.items():
            if name.startswith("$"):
                continue
            field = kind.fields.get(name)
            if field is not None:
                yield from _strange(item, field.type, (*path, name))
            elif not kind.open or (kind.fields and near_names(name, kind.fields.keys() - value.keys())):
                yield (*path, name), name, kind


def _word_in(value: Value) -> str | None:
    """The word that stands round a list of items."""
    known = value if isinstance(value, Mapping) else {}
    return next((word for word in ("$contains", "$unordered") if word in known), None)


def _listed(value: Value) -> Value:
    return value if isinstance(value, list) else [value]


def _key_place(raw: Raw, path: tuple[str | int, ...]) -> Span:
    """Where a key is written: before the place of its value, which is what is known."""
    place, name = raw.places.get(path, raw.span), str(path[-1])
    text = place.source.text
    start = text.rfind(name, 0, place.start)
    between = text[start + len(name) : place.start]
    if start < 0 or re.fullmatch(r"""["']?\s*:\s*(#[^\n]*\s*)*""", between) is None:
        return place
    return Span(place.source, start, start + len(name))


def _raws(document: FlowTestDocument) -> Iterator[Raw]:
    """Everything in a test that is any YAML value."""
    given = document.given
    if given is not None:
        yield from (raw for raw in (given.event, *given.then, *given.stubs.values()) if raw is not None)
    for act in document.acts:
        yield from (raw for raw in (act.data, *act.given.values()) if raw is not None)
    for expect in _expects(document):
        named = (expect.writes, expect.emits, expect.steps, expect.runs)
        yield from (raw for mapping in named for raw in mapping.values())
        yield from expect.alerts
        yield from (raw for raw in (expect.holds, expect.output, expect.reason) if raw is not None)
    yield from document.examples.values()


def _walk(value: Value, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Value]]:
    yield path, value
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _walk(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _walk(item, (*path, index))


def _check_words(compilation: Compilation, raw: Raw, fixtures: dict[tuple[str, str], str]) -> None:
    """Report words that begin with `$` and mean nothing, which would be compared as if they were data.

    And fixtures that cannot be read; `fixtures` has why, or nothing, of those that were tried.
    """
    for path, value in _walk(raw.value):
        if isinstance(value, dict):
            for key in value:
                if key.startswith("$") and key not in _WORDS:
                    place = _key_place(raw, (*path, key))
                    compilation.report(problems.unknown_word(place, key, _WORDS))
            if "$file" in value:
                _check_fixture(compilation, raw, (*path, "$file"), value["$file"], fixtures)
        elif isinstance(value, str) and value.startswith("$") and _is_wrong_word(value):
            place = raw.places.get(path, raw.span)
            compilation.report(problems.unknown_word(place, value, _ALONE))


def _is_wrong_word(text: str) -> bool:
    return re.fullmatch(r"\$[a-z_]+", text) is not None and text not in _ALONE


def _check_fixture(
    compilation: Compilation,
    raw: Raw,
    path: tuple[str | int, ...],
    name: Value,
    fixtures: dict[tuple[str, str], str],
) -> None:
    if not isinstance(name, str) or "$(" in name:
        return
    place = raw.places.get(path, raw.span)
    key = (place.source.name.rpartition("/")[0], name)
    if key not in fixtures:
        try:
            compilation.workspace.files.read_bytes(name, beside=place.source)
            fixtures[key] = ""
        except FileUnreadable as error:
            fixtures[key] = str(error)
    if fixtures[key]:
        compilation.report(problems.unusable_fixture(place, fixtures[key]))


# --- examples -----------------------------------------------------------------------------------------------


def _columns(row: Raw | None) -> Mapping[str, Value]:
    return row.value if row is not None and isinstance(row.value, Mapping) else {}


def _check_columns(compilation: Compilation, document: FlowTestDocument) -> None:
    """Every column that is named is in every row, and every column of a row is named."""
    used = dict(_used(document))
    if not document.examples:
        for name, span in used.items():
            compilation.report(problems.no_examples(span, name))
        return
    known = {column for row in document.examples.values() for column in _columns(row)}
    unknown = [name for name in used if name not in known]
    for name in unknown:
        compilation.report(problems.unknown_column(used[name], name, sorted(known)))
    for case, row in document.examples.items():
        if not isinstance(row.value, Mapping):
            compilation.report(problems.no_row(row.span, str(case)))
            continue
        missing = [name for name in used if name in known and name not in row.value]
        if missing:
            compilation.report(problems.missing_columns(case, missing))
        for column in row.value:
            if column not in used and column != NOW and not unknown:
                compilation.report(problems.unused_column(_key_place(row, (column,)), column, sorted(used)))


def _used(document: FlowTestDocument) -> Iterator[tuple[str, Span]]:
    """Every column that is named, and where."""
    rows = set(map(id, document.examples.values()))
    for raw in _raws(document):
        if id(raw) not in rows:
            for path, value in _walk(raw.value):
                if isinstance(value, str):
                    yield from ((name, raw.places.get(path, raw.span)) for name in _COLUMN.findall(value))
    for text in _texts(document):
        yield from ((name, text.span) for name in _COLUMN.findall(text))


def _texts(document: FlowTestDocument) -> Iterator[Text]:
    for expect in _expects(document):
        texts = (expect.run, expect.problem, expect.outcome, expect.refused)
        yield from (text for text in texts if text is not None)
    for act in document.acts:
        texts_of_act = (
            act.by,
            act.role,
            act.reason,
            act.second,
            *(one for names in act.persons.values() for one in names),
        )
        yield from (text for text in texts_of_act if text is not None)
    if document.given is not None:
        yield from document.given.release
