"""The texts of SQL, worked out once for all ledgers of a process: for tests that open thousands of them."""

from collections.abc import Callable
from functools import cache
from typing import Any

from engine.ledger.database import Database


@cache
def share_sql() -> None:
    """From now on; there is no way back, and no need of one."""
    begin = Database.__init__
    texts: dict[object, str] = {}

    def begins(database: Database, place: object) -> None:
        begin(database, place)
        database._sql = texts

    Database.__init__ = begins
    Database.compiled = _remembering(Database.compiled)


def _remembering(compiles: Callable[..., tuple[str, tuple[object, ...]]]) -> Callable[..., tuple[str, Any]]:
    """The same SQL for questions of the same shape, with the values of each."""
    texts: dict[object, tuple[str, tuple[tuple[int, object], ...]]] = {}

    def compiled(database: Database, core: Any) -> tuple[str, Any]:
        shape = core._generate_cache_key()
        if shape is None or any(isinstance(bind.value, list | tuple) for bind in shape.bindparams):
            return compiles(database, core)
        place = (database._dialect.name, shape.key)
        known = texts.get(place)
        if known is None:
            made = core.compile(dialect=database._dialect, compile_kwargs={"render_postcompile": True})
            keys = [bind.key for bind in shape.bindparams]
            binds = [made.binds[name] for name in made.positiontup or ()]
            # What the compiler added itself, such as an offset of nought, is always the same.
            places = tuple((keys.index(one.key) if one.key in keys else -1, one.value) for one in binds)
            known = texts[place] = (str(made), places)
        sql, places = known
        return sql, tuple(shape.bindparams[at].value if at >= 0 else fixed for at, fixed in places)

    return compiled
