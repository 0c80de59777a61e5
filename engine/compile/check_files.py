"""What a manifest says of files and of messages, as far as it can be wrong before there is one."""

from collections.abc import Iterator

from engine.compile import problems
from engine.compile.build_calendars import is_zone
from engine.compile.compilation import Compilation
from engine.connect.broker import BROKERS
from engine.connect.connector_spec import ConnectorSpec, SourceSpec, StreamSpec
from engine.connect.file_spec import ColumnSpec, FileSpec
from engine.problems.problem import Problem
from engine.source import Text

PLACES = ("file:", "sftp:")
_WHAT_IT_HAS = {"nats:": "stream", "amqp:": "queue", "kafka:": "topic"}


def check_files(compilation: Compilation, spec: ConnectorSpec) -> None:
    """Report files that could never be read as they are described."""
    for name, source in spec.sources.items():
        for problem in _of_source(spec, name, source):
            compilation.report(problem)


def _of_source(spec: ConnectorSpec, name: Text, source: SourceSpec) -> Iterator[Problem]:
    in_folder = str(spec.base_url).startswith(PLACES)
    if (source.file is not None) is not in_folder:
        yield problems.bad_files(
            spec.base_url,
            f"`{name}` takes files, and its connector is no folder"
            if source.file is not None
            else f"`{name}` takes no files, and its connector is a folder",
            "write `base_url: file:` or `base_url: sftp:` for a connector of files, and nothing else there",
        )
    if (source.stream is not None) is not str(spec.base_url).startswith(BROKERS):
        why = (
            f"`{name}` listens to messages, and its connector is no broker"
            if source.stream is not None
            else f"`{name}` has no messages, and its connector is a broker"
        )
        helps = (
            "write `base_url:` `nats:`, `amqp:` or `kafka:` for a connector of messages, and only sources "
            "with `stream` there"
        )
        yield problems.bad_stream(spec.base_url, why, helps)
    elif source.stream is not None:
        yield from _of_messages(spec.base_url, name, source.stream)
    if source.file is not None:
        yield from _of_files(source.file, name)


def _of_messages(base_url: Text, name: Text, spec: StreamSpec) -> Iterator[Problem]:
    scheme = next(one for one in BROKERS if str(base_url).startswith(one))
    wanted = _WHAT_IT_HAS[scheme]
    if getattr(spec, wanted) is None:
        yield problems.bad_stream(
            name,
            f"`{name}` does not say which `{wanted}` it listens to, and its connector is `{scheme}`",
            "NATS JetStream has a `stream` and a `subject`, RabbitMQ a `queue`, Kafka a `topic`",
        )


def _of_files(spec: FileSpec, name: Text) -> Iterator[Problem]:
    if spec.thousands is not None and str(spec.thousands) == str(spec.decimal):
        yield problems.bad_files(
            spec.thousands, "the same stands before fractions and between thousands", "`decimal:` is another"
        )
    if spec.fixed_width is not None and not spec.columns:
        yield problems.bad_files(
            name,
            "lines of fixed width have columns",
            "say where each is: `columns: {id: {start: 1, width: 8}}`",
        )
    for field, column in spec.columns.items():
        yield from _of_column(spec, field, column)


def _of_column(spec: FileSpec, field: Text, column: ColumnSpec) -> Iterator[Problem]:
    if spec.fixed_width is not None and (column.start is None or column.width is None):
        yield problems.bad_files(
            field, f"column `{field}` has no place in the line", "write `start:`, from 1, and `width:`"
        )
    if column.time_zone is not None and not is_zone(str(column.time_zone)):
        yield problems.bad_files(
            column.time_zone,
            f"there is no time zone `{column.time_zone}`",
            "write a name such as Europe/Berlin",
        )
