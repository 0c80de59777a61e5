"""Every code: its number and its title. A number is never given to another mistake.

The hundreds say at which stage a mistake is found:

=====  =======================================
1xx    reading files and YAML
2xx    the shape of a document
3xx    names
4xx    types
5xx    graph and policies
6xx    ownership and effects
7xx    warnings
8xx    rules on flows
9xx    our own bug
=====  =======================================

To add one: a row here, a function in the `problems.py` of the stage, a page `pages/TGnnn.md`, a folder
`tests/problems/TGnnn/` with a small broken workspace, and its rendering, which
`UPDATE_RENDERINGS=1 pytest tests/problems` writes. Tests demand each of these.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

_TITLES = {
    "TG101": "A file cannot be read",
    "TG102": "A file is too large",
    "TG103": "A file is not UTF-8",
    "TG104": "A character is not allowed in YAML",
    "TG105": "A link leads out of the workspace",
    "TG106": "The workspace has too many files",
    "TG107": "A document is where none is looked for",
    "TG110": "YAML cannot be read here",
    "TG111": "A tab indents a line",
    "TG112": "A line is indented unlike its neighbours",
    "TG113": "A text holds a colon and needs quotes",
    "TG114": "An expression is cut and needs quotes",
    "TG115": "A word stands between braces without a value",
    "TG116": "A text begins with a reserved character",
    "TG117": "A template needs quotes",
    "TG118": "A quote is never closed",
    "TG119": "A text goes on behind its closing quote",
    "TG120": "A bracket is never closed",
    "TG121": "A line is neither key nor item",
    "TG122": "A backslash means nothing",
    "TG123": "A list begins in the wrong place",
    "TG124": "A value is missing between commas",
    "TG125": "Keys and items stand side by side",
    "TG126": "A character turns the text that follows it",
    "TG130": "A key is written twice",
    "TG131": "A key is not a plain text",
    "TG132": "Tags are not read",
    "TG133": "An alias refers to nothing",
    "TG134": "Aliases repeat too much",
    "TG135": "Values are nested too deep",
    "TG136": "A text is too long",
    "TG137": "A file holds too many values",
    "TG138": "Directives are not read",
    "TG139": "Records are not merged with `<<`",
    "TG140": "A word is true or false to some tools",
    "TG141": "A time of day is a number to some tools",
    "TG142": "A number is octal or hexadecimal to some tools",
    "TG143": "A number is written with underscores",
    "TG144": "A number is not finite",
    "TG145": "A number is not written in plain digits",
    "TG146": "A number has too many digits",
    "TG201": "A document is not a record",
    "TG202": "There is no such kind of document",
    "TG203": "The kind of a document does not stand first",
    "TG204": "There is no such key",
    "TG205": "A key is missing",
    "TG206": "A value has the wrong shape",
    "TG207": "A key has no value",
    "TG208": "A text is not of its form",
    "TG209": "A word is none of those that there are",
    "TG210": "A number is out of bounds",
    "TG211": "Keys exclude each other",
    "TG212": "One of several keys is missing",
    "TG213": "A text is not a date",
    "TG214": "A text is not an instant",
    "TG215": "A text is not a length of time",
    "TG216": "A text is empty",
    "TG217": "A bare value is taken for a path",
    "TG230": "A test of a flow does not say when it is",
    "TG231": "A test tests nothing",
    "TG232": "A key says nothing in a test of this kind",
    "TG233": "The time of an act is not clear",
    "TG234": "An act is not one thing",
    "TG235": "A test does not give what is taken",
    "TG236": "A field that is expected can never be there",
    "TG237": "A word with a dollar sign means nothing",
    "TG238": "A fixture cannot be used",
    "TG239": "There is no such column",
    "TG240": "A column changes nothing",
    "TG241": "An example lacks a column",
    "TG251": "A path cannot be read",
    "TG252": "A formula cannot be read",
    "TG253": "A template cannot be read",
    "TG302": "An expression names something that is not there",
    "TG303": "There is no such field",
    "TG304": "A value has no fields",
    "TG305": "There is no such function",
    "TG306": "A function takes other arguments",
    "TG307": "A name in an expression hides another",
    "TG308": "A name is in use",
    "TG309": "The output has no such field",
    "TG310": "There is no such type",
    "TG311": "There is no such mapping",
    "TG312": "There is no such policy",
    "TG313": "There is no such event",
    "TG314": "There is no such entity",
    "TG315": "There is no such table",
    "TG316": "There is no such column",
    "TG317": "A field may be misspelt",
    "TG318": "There is no such connector",
    "TG319": "There is no such connection",
    "TG320": "There is no such operation",
    "TG321": "There is no such source",
    "TG322": "There is no such parameter",
    "TG323": "There is no such step",
    "TG324": "There is no such branch",
    "TG325": "There is no such flow",
    "TG326": "There is no such calendar",
    "TG327": "There is no earlier version to replace",
    "TG328": "A mapping does not lead from one version to the next",
    "TG329": "A version ends",
    "TG330": "Two documents have one name",
    "TG331": "An input is not in scope",
    "TG340": "An order has no key",
    "TG341": "A time that comes again cannot be read",
    "TG342": "A connection asks for more than its connector allows",
    "TG343": "No flow has this label",
    "TG344": "A calendar does not say when",
    "TG345": "A connection has a setting that its connector does not know",
    "TG346": "A field is lost between two versions",
    "TG350": "A file that a document names cannot be used",
    "TG351": "A row of a table cannot be used",
    "TG352": "A connector cannot be used",
    "TG353": "An entity cannot be used",
    "TG354": "A table cannot be used",
    "TG355": "There is no such environment",
    "TG356": "An environment comes after itself",
    "TG401": "Values of these kinds do not go together",
    "TG402": "There is no such conversion",
    "TG403": "An entry of a value map never matches",
    "TG404": "A value map leaves something out",
    "TG405": "A table is asked with or without a day",
    "TG406": "The key of a table is another",
    "TG407": "A cross reference is incomplete",
    "TG408": "A required field is not made",
    "TG409": "Another type is wanted",
    "TG410": "An input is of another type",
    "TG411": "A parameter is missing",
    "TG412": "A mapping of a source takes one input",
    "TG413": "A value is none of those that there are",
    "TG414": "A value is not a list",
    "TG415": "A text has to be written out",
    "TG416": "An entry is nested too deep",
    "TG417": "What may be null is used as if it were there",
    "TG418": "A field may find nothing",
    "TG419": "A comparison never holds",
    "TG420": "A value map makes what its field does not take",
    "TG421": "A field does not take every value",
    "TG422": "A text is too long for its field",
    "TG423": "A number has too many decimals for its field",
    "TG424": "Two currencies meet",
    "TG425": "A date is taken for something else",
    "TG426": "A list or a record has no text",
    "TG427": "An input may be null",
    "TG428": "A condition may be null",
    "TG430": "A record is of another form",
    "TG440": "A decision table is written wrong",
    "TG441": "A cell of a decision table is no test",
    "TG442": "A cell of a decision table is never true",
    "TG443": "A decision table leaves something out",
    "TG444": "Two rows of a decision table both apply",
    "TG445": "A row of a decision table never applies",
    "TG446": "A decision table is too large to be checked",
    "TG447": "Policies contradict each other",
    "TG448": "Policies may contradict each other",
    "TG449": "Nobody owns a hold",
    "TG450": "Nothing brings about what a hold waits for",
    "TG451": "A second person is asked for above an amount that nobody knows",
    "TG452": "An amount at stake is no money",
    "TG453": "A calendar needs a key",
    "TG454": "A policy is asked by no check",
    "TG455": "A policy never applies",
    "TG456": "A policy stops everything",
    "TG457": "A team or role may be misspelt",
    "TG458": "Nothing waits for a check",
    "TG459": "A calendar counts nothing here",
    "TG460": "A length of time is none that work can wait",
    "TG480": "An expectation is not complete",
    "TG481": "The event does not start the flow that is expected",
    "TG482": "It is not clear which event is expected",
    "TG501": "Steps need each other",
    "TG502": "Values need each other",
    "TG503": "A step has not exactly one verb",
    "TG504": "An operation works the other way round",
    "TG505": "Nothing follows from a policy",
    "TG506": "Nothing ends a hold",
    "TG507": "A policy does not say why",
    "TG508": "A policy waits for two things",
    "TG509": "A calendar says something impossible",
    "TG510": "A key says nothing here",
    "TG511": "Events cause each other without end",
    "TG520": "A write does not say how it is taken back",
    "TG521": "A write says two things of taking it back",
    "TG522": "An undo lacks what it needs",
    "TG523": "An undo is given another type",
    "TG524": "What cannot be taken back comes before what may be refused",
    "TG525": "A fault has nowhere to go",
    "TG526": "A fault cannot go that way",
    "TG530": "There is no such system",
    "TG531": "A field has no owner",
    "TG532": "A field is filled by a system that does not own it",
    "TG533": "A write sets a field that its target owns",
    "TG534": "Two owners write one field",
    "TG535": "A copy is passed on as the original",
    "TG536": "A copy has no original",
    "TG540": "A schedule cannot be kept",
    "TG541": "Two schedules have one name",
    "TG542": "Anybody could call a webhook",
    "TG543": "Files cannot be read as described",
    "TG544": "Messages cannot be listened to as described",
    "TG560": "A rule is broken",
    "TG561": "A rule cannot be worked out",
    "TG562": "A rule is about nothing",
    "TG563": "An exemption is not needed",
    "TG701": "A comment begins without a space",
    "TG901": "Tidegate itself failed",
}

CODES: Mapping[str, str] = MappingProxyType(_TITLES)
"""The title of each code."""

_PAGES = Path(__file__).parent / "pages"

RANGES: Mapping[str, str] = MappingProxyType(
    {
        "1": "Reading files and YAML",
        "2": "The shape of a document",
        "3": "Names",
        "4": "Types",
        "5": "Graph and policies",
        "6": "Ownership and effects",
        "7": "Warnings",
        "8": "Rules on flows",
        "9": "Faults of Tidegate itself",
    }
)
"""What the codes that begin with this digit are about."""

_PAGES = Path(__file__).parent / "pages"
_HEADING = re.compile(r"^## (.+)$", re.MULTILINE)
_BLOCK = re.compile(r"^```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def page(code: str) -> str | None:
    """What `tidegate explain` says about a code, as Markdown; None when there is no such code."""
    number = code.upper()
    if number not in CODES:
        return None
    return (_PAGES / f"{number}.md").read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """The parts of a page."""

    code: str
    title: str
    meaning: str
    reason: str
    wrong: str
    right: str


def explained(code: str) -> Explained | None:
    """The page of a code in its parts; None when there is no such code."""
    text = page(code)
    if text is None:
        return None
    head, *rest = _HEADING.split(text)
    parts = dict(zip(rest[::2], rest[1::2], strict=True))
    number = code.upper()
    return Explained(
        code=number,
        title=CODES[number],
        meaning=head.partition("\n")[2].strip(),
        reason=parts.get("Why", "").strip(),
        wrong=_example(parts.get("Wrong", "")),
        right=_example(parts.get("Right", "")),
    )


def _example(text: str) -> str:
    found = _BLOCK.search(text)
    return text.strip() if found is None else found[1].rstrip("\n")
