"""Promotion: the proof that a release was deployed to another environment, in a file or from its ledger.

A proof is a copy of the fact, with the end that the chain of that ledger had when it was read, under a
digest. The digest shows that a file was not changed by mistake; that it was not made up shows at that
ledger, whose chain goes through that end.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import cast

from engine.errors import InputError
from engine.ledger import LedgerReader, open_reader
from engine.runtime.deployed import deployed_in
from engine.values.canonical import fingerprint
from engine.values.json_text import JsonError, read_json
from engine.values.value import Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """That a release was deployed to an environment."""

    environment: str
    release: str
    plan: str  # the hash of the plan by which it was
    at: str
    by: str
    head: str  # hash of the end of the chain of that ledger, when it was asked

    @property
    def digest(self) -> str:
        """Over everything that it says."""
        return fingerprint(asdict(self))

    def said(self) -> dict[str, Value]:
        """The proof as a file has it."""
        return {**asdict(self), "digest": self.digest}


def proof_of(found: Mapping[str, Value]) -> Proof:
    """A proof that was written down.

    Raises:
        ValueError: when it is none, or is not what its digest says.

    """
    names = ("environment", "release", "plan", "at", "by", "head")
    proof = Proof(**{name: str(found[name]) for name in names})
    if found.get("digest") != proof.digest:
        raise ValueError("the proof was changed after it was made")
    return proof


def proved_in(reader: LedgerReader, release: str) -> Proof:
    """The proof that a ledger has of a release.

    Raises:
        InputError: when the release was not deployed to it.

    """
    found = [one for one in deployed_in(reader).deployments if one.release == release]
    if not found:
        raise InputError(f"release {release[:12]} was never deployed to that ledger")
    last = found[-1]
    return Proof(
        environment=last.environment,
        release=release,
        plan=last.plan,
        at=last.at,
        by=last.by,
        head=reader.head().hash,
    )


def read_proof(where: str, release: str) -> Proof:
    """The proof in a file of `tidegate releases --proof`, or in the ledger of the other environment.

    Raises:
        InputError: when there is none of this release.

    """
    path = Path(where)
    if path.suffix != ".json":
        reader = open_reader(where)
        try:
            return proved_in(reader, release)
        finally:
            reader.close()
    try:
        proof = proof_of(cast("dict[str, Value]", read_json(path.read_bytes())))
    except (JsonError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{where} is no proof of a deployment, or was changed since") from error
    if proof.release != release:
        raise InputError(
            f"{where} is about release {proof.release[:12]}, and the workspace is release {release[:12]}"
        )
    return proof
