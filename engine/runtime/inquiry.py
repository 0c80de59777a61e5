"""Asking a system once more about an effect; nothing is written, there or here."""

from collections.abc import Mapping

from engine.connect import Fault
from engine.effect import Effect
from engine.errors import InputError
from engine.ledger import LedgerReader
from engine.runtime.connections import Connections
from engine.runtime.recover import Recovery
from engine.values.value import Value


async def inquire(
    key: str, reader: LedgerReader, recovery: Recovery, connections: Connections
) -> Mapping[str, Value]:
    """Whether a system has an effect: its receipt, or that there is no trace, or why it cannot tell.

    Raises:
        InputError: when there is no such effect.

    """
    row = reader.effect(key)
    if row is None:
        raise InputError(f"there is no effect {key!r}")
    run = reader.run(row.run_id)
    assert run is not None, row.run_id
    command = recovery.run(run).writes[key]
    told: dict[str, Value] = {"effect": key, "connection": row.connection, "found": False, "id": None}
    asked = Effect(key, command.connection, command.operation, command.payload, row.attempts)
    try:
        receipt = await connections.get(row.connection).connector.look_up(asked)
    except Fault as fault:
        return {**told, "receipt": None, "why": fault.failure.reason}
    if receipt is None:
        return {**told, "receipt": None, "why": None}
    body: Value = {**receipt.body, "id": receipt.external_id}
    return {**told, "found": True, "id": receipt.external_id, "receipt": body, "why": None}
