"""The rules of the house as data: who may import whom, one door per library, what must stay pure.

A *room* is a package or module of `engine`, named without the `engine.` in front. The longest name that
fits is the room of a module: `engine.language.compiled` is a room of its own inside `language`. A room may
always import itself and what lies in it. To change a row, say why in docs/decisions/.
"""

# The rooms of data that everything which brings rooms together may use.
GROUND = ("source", "spec", "event", "effect", "values", "clock")

# Kept apart from the table: the version and the public names, which hold no logic.
TOP = "engine"

# What both faces may use.
FACES = (
    "session",
    "revisions",
    "releases",
    "runtime",
    "insight",
    "preview",
    "flowtest",
    "drawing",
    "scaffold",
    "problems",
    "errors",
    "values",
    TOP,
)

MAY_IMPORT: dict[str, tuple[str, ...]] = {
    # The ground: data and nothing else.
    "values": (),
    "source": (),
    "clock": (),
    "errors": (),
    "event": ("values",),
    "effect": ("values",),
    "spec": ("values", "source"),
    "language.compiled": ("values",),
    "problems": ("source",),
    # Neighbours that cannot see each other.
    "language": ("values", "source", "problems"),
    "plan": ("values", "source", "event", "language.compiled"),
    "connect": ("values", "source", "event", "effect", "errors", "spec", "language.compiled", TOP),
    "ledger": ("values", "event", "effect", "errors", "clock"),
    "ledger.reader": ("values", "event", "effect", "errors", "clock", "ledger"),
    # A row tells a person that a text of it was blanked.
    "ledger.pruned": ("values",),
    "ledger.rows": ("values", "ledger.pruned"),
    # Documents, the interpreter, questions to the ledger.
    "workspace": ("values", "source", "problems", "spec", "language"),
    "core": ("plan", "values", "event", "effect", "language.compiled"),
    "insight": ("ledger.reader", "ledger.rows", "plan", "event", "effect", "values", "clock"),
    # What `tidegate init` writes: files and nothing else.
    "scaffold": ("errors", TOP),
    # Pictures of a plan, for both faces.
    "drawing": ("plan", "values"),
    # What brings them together.
    "compile": (
        "workspace",
        "plan",
        "language",
        "connect",
        "problems",
        "source",
        "spec",
        "values",
        "event",
        "errors",
    ),
    "runtime": (
        "core",
        "plan",
        "connect",
        "ledger",
        "event",
        "effect",
        "values",
        "clock",
        "errors",
        "language.compiled",
    ),
    "preview": (
        "core",
        "plan",
        "ledger",
        "event",
        "effect",
        "drawing",
        "values",
        "clock",
        "errors",
        "language.compiled",
    ),
    # What a ledger recorded is found by deciding again, as recovery does.
    "preview.recorded": ("preview", "runtime", "core", "ledger", "values"),
    # The one rule about who may release a hold is the same in tests as when run.
    "runtime.permission": ("values",),
    "flowtest": ("core", "plan", "connect", "workspace", "problems", "runtime.permission", *GROUND),
    "session": (
        "spec",
        "workspace",
        "compile",
        "plan",
        "connect",
        "ledger",
        "runtime",
        "values",
        "clock",
        "errors",
        "problems",
        TOP,
    ),
    # Workspaces by what names them: folders, revisions of git, releases of a ledger.
    "revisions": ("session", "plan", "preview", "workspace", "connect", "ledger", "values", "errors"),
    # Plans of releases: what a change touches on a ledger, and carrying it out there.
    "releases": (
        "session",
        "revisions",
        "preview",
        "runtime",
        "insight",
        "core",
        "ledger",
        "plan",
        "values",
        "clock",
        "errors",
    ),
    # The scenario player: it opens what a command opens, acts on simulators as people do, and reads the ledger.
    "demo": (
        "session",
        "runtime",
        "insight",
        "connect",
        "ledger",
        "plan",
        "problems",
        "errors",
        "clock",
        "values",
    ),
    # The language server: what it says is worked out here, from texts and from what the compiler found.
    "editor": (
        "session",
        "compile",
        "workspace",
        "language",
        "connect",
        "problems",
        "source",
        "spec",
        "values",
        "errors",
        TOP,
    ),
    # The two faces, which never see each other. A command opens what it needs, ledger and clock, and prints.
    "cli": (*FACES, "demo", "editor", "ledger", "clock", "language.compiled", "spec"),
    "console": (*FACES, "ledger.reader", "ledger.rows", "clock"),
    "__main__": ("cli",),
    TOP: (),
}

# What may be reached at all, through however many imports.
MAY_REACH: dict[str, tuple[str, ...]] = {
    "core": ("core", "plan", "event", "effect", "values", "source", "language.compiled"),
}
NEVER_REACH: dict[str, tuple[str, ...]] = {
    "runtime": ("workspace", "compile", "language"),
    "compile": ("runtime", "ledger"),
    "ledger": ("plan",),
    "insight": ("runtime",),
}

# A connector imports the contract and itself, and nothing else of the engine.
CONTRACT = "engine.connect"

# Each library has one door, so that it can be replaced behind it and its exceptions become ours there.
# A name that ends in a dot is everything below that package.
DOORS: dict[str, tuple[str, ...]] = {
    "alembic": ("engine.ledger.",),
    "asyncssh": ("engine.connect.sftp",),
    "anyio": ("engine.connect.", "engine.runtime."),
    "click": ("engine.cli.",),
    "cryptography": ("engine.connect.",),
    "cronsim": ("engine.language.schedule",),
    "defusedxml": ("engine.connect.file_rows",),
    "aio_pika": ("engine.runtime.triggers.brokers.rabbitmq",),
    "aiokafka": ("engine.runtime.triggers.brokers.kafka",),
    "faststream": ("engine.runtime.triggers.brokers.",),
    "nats": ("engine.runtime.triggers.brokers.nats",),
    "grandalf": ("engine.drawing.layout",),
    "holidays": ("engine.compile.build_calendars",),
    "httptools": ("engine.connect.simulator",),
    "httpx": ("engine.connect.http", "engine.cli.control"),
    "importlib": ("engine.cli.", "engine.connect.catalog"),
    "jinja2": ("engine.language.template_syntax", "engine.console."),
    "jiter": ("engine.values.json_text",),
    "jmespath": ("engine.language.path",),
    "joserfc": ("engine.connect.",),
    "jsonschema_rs": ("engine.values.schema",),
    "lsprotocol": ("engine.editor.server", "engine.editor.wire"),
    "markupsafe": ("engine.console.",),
    "networkx": ("engine.plan.graph", "engine.compile."),
    "opentelemetry": ("engine.runtime.telemetry",),
    "orjson": ("engine.values.json_text",),
    "procrastinate": ("engine.runtime.hand_out",),
    "psycopg": ("engine.ledger.postgres",),
    "pygls": ("engine.editor.server",),
    "prometheus_client": ("engine.runtime.metrics",),
    "rich": ("engine.cli.",),
    "simpleeval": ("engine.language.formula",),
    "sqlalchemy": ("engine.ledger.",),
    "starlette": (
        "engine.connect.simulator",
        "engine.runtime.control",
        "engine.runtime.metrics",
        "engine.runtime.triggers.webhook",
        "engine.console.",
    ),
    "uvicorn": ("engine.connect.simulator", "engine.runtime.triggers.", "engine.console."),
    "uvloop": ("engine.cli.", "engine.runtime.daemon"),
    "yaml": ("engine.workspace.yaml_tree",),
}

# Files that another program's Python runs: they may use what that program brings, and nothing of ours.
FOREIGN: dict[str, tuple[str, ...]] = {
    "connectors.tryton.seed": ("proteus",),
}

# Replay is only as honest as this list: nothing here may ask the world anything.
PURE = (
    "engine.core",
    "engine.plan",
    "engine.language.compiled",
    "engine.effect",
    "engine.event",
    "engine.preview.meaning",
    "engine.connect.pace",
    "engine.runtime.dispatch",
    "engine.runtime.gate",
    "engine.runtime.retry",
)
WORLDLY_MODULES = frozenset(
    "asyncio concurrent contextvars ctypes fcntl fileinput getpass glob http io locale logging mmap "
    "multiprocessing os pathlib platform queue random sched secrets select selectors shelve shutil signal "
    "socket socketserver sqlite3 ssl subprocess sys tempfile threading time urllib uuid warnings".split()
)
WORLDLY_CALLS = frozenset({"open", "print", "input", "exec", "eval", "breakpoint", "id", "hash"})
# Asking a date or a datetime what day it is; everything else that they do is arithmetic.
WORLDLY_METHODS = frozenset({"now", "today", "utcnow", "fromtimestamp"})

# Names that say nothing about what is inside.
EMPTY_NAMES = frozenset(
    {"utils", "util", "helpers", "helper", "common", "misc", "manager", "managers", "stuff"}
)

# Sizes in lines, docstring included.
LONGEST_FUNCTION = 60
NINE_IN_TEN = 30
MEDIAN = 8
