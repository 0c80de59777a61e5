"""What an answer means: the rules of the manifest, then what HTTP itself says.

A 2xx that does not prove the write is a doubt, not a success. A gateway's 502 or 504 is the word of a
middleman, so for a write it is a doubt whatever the manifest says of 5xx.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from engine.connect.connector_plan import ConnectorPlan, FaultRule, OperationPlan
from engine.connect.faults import fault_of
from engine.connect.http import Reply, retry_after
from engine.effect import Failure, FaultClass, Receipt
from engine.language.compiled import Compiled, EvaluationError
from engine.values.json_text import JsonError
from engine.values.keys import as_key
from engine.values.value import Value

EXCERPT = 500  # characters of an answer that are kept as evidence
REASON = 300
TOKEN_EXPIRED = "token_expired"  # noqa: S105  a class of fault, not a token

GATEWAYS = frozenset({502, 504})
TRY_AGAIN = frozenset({408, 425, 429, 503})
LEADS_ELSEWHERE = frozenset({301, 302, 303})


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A reply, and the names under which expressions see it."""

    reply: Reply
    scope: Mapping[str, Value]
    unreadable: bool  # it has a body, and that is not JSON

    @property
    def success(self) -> bool:
        """Whether HTTP calls it one."""
        return 200 <= self.reply.status < 300

    def evidence(self, hidden: Iterable[str]) -> dict[str, Value]:
        """Status and the beginning of the body, for people; secrets masked."""
        text = self.reply.body[: EXCERPT * 4].decode("utf-8", "replace")
        return {"status": self.reply.status, "excerpt": masked(text, hidden)[:EXCERPT]}


def scope_of(reply: Reply, payload: Value) -> Answer:
    """An answer with its body read."""
    unreadable = False
    body: Value = None
    try:
        body = reply.json()
    except JsonError:
        unreadable = True
    header: dict[str, Value] = {name.replace("-", "_"): value for name, value in reply.headers.items()}
    if location := reply.headers.get("location"):
        path = location.partition("?")[0].rstrip("/")
        header["location"] = {"url": location, "last_segment": path.rpartition("/")[2]}
    scope: dict[str, Value] = {"status": reply.status, "header": header, "body": body, "payload": payload}
    return Answer(reply=reply, scope=scope, unreadable=unreadable)


def masked(text: str, hidden: Iterable[str]) -> str:
    """Text without secrets and without control characters."""
    for secret in hidden:
        if len(secret) >= 4:
            text = text.replace(secret, "***")
    return _CONTROLS.sub(" ", text)


_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """Tells what answers of one connection mean."""

    plan: ConnectorPlan
    name: str
    hidden: Callable[[], tuple[str, ...]]
    now: Callable[[], datetime]

    def value(self, expression: Compiled | None, scope: Mapping[str, Value]) -> Value:
        """What an expression finds; None when it cannot be evaluated on such an answer."""
        if expression is None:
            return None
        try:
            return expression.call(scope)
        except EvaluationError:
            return None

    def holds(self, condition: Compiled | None, scope: Mapping[str, Value]) -> bool:
        """Whether a condition is there and true of an answer."""
        return self.value(condition, scope) is True

    def token_expired(self, plan: OperationPlan | None, answer: Answer) -> bool:
        """Whether an answer means that our token does not hold any more."""
        rule = None if answer.success else self._rule(plan, answer)
        return rule.fault == TOKEN_EXPIRED if rule else answer.reply.status == 401

    def failure(self, plan: OperationPlan | None, answer: Answer) -> Failure | None:
        """The failure that an answer is; None for a success."""
        writes = plan is not None and plan.writes
        if writes and answer.reply.status in GATEWAYS:
            return self._failure(FaultClass.UNKNOWN, plan, answer, None)
        rule = self._rule(plan, answer)
        if rule is not None:
            return self._failure(_class_of(rule), plan, answer, rule)
        if answer.success:
            return None
        return self._failure(_usual_class(answer.reply.status, writes=writes), plan, answer, None)

    def receipt(self, plan: OperationPlan, answer: Answer, *, found: bool) -> Receipt:
        """The receipt that an answer of success is.

        Raises:
            Unknown: when a write's answer does not prove it.

        """
        unproved = answer.unreadable or (plan.proof is not None and not self.holds(plan.proof, answer.scope))
        body = {name: self.value(path, answer.scope) for name, path in plan.returns.items()}
        identity = body.get("id")
        name = None if identity is None else str(identity)
        if unproved or ("id" in body and name is None) or (name is not None and as_key(name) != name):
            reason = (
                f"{self.name}.{plan.name} answered {answer.reply.status}, but nothing in it proves the record"
            )
            raise fault_of(
                Failure(fault=FaultClass.UNKNOWN, reason=reason, evidence=answer.evidence(self.hidden()))
            )
        return Receipt(external_id=name, body=body, found=found)

    def _rule(self, plan: OperationPlan | None, answer: Answer) -> FaultRule | None:
        rules = plan.faults if plan is not None else self.plan.faults
        return next((rule for rule in rules if self.holds(rule.when, answer.scope)), None)

    def _failure(
        self, fault: FaultClass, plan: OperationPlan | None, answer: Answer, rule: FaultRule | None
    ) -> Failure:
        hidden = self.hidden()
        evidence = answer.evidence(hidden)
        code = self.value(rule.code, answer.scope) if rule else None
        if code is not None:
            evidence["code"] = masked(str(code), hidden)[:REASON]
        if self._throttled(answer):
            evidence["throttled"] = True
        said = self.value(rule.reason, answer.scope) if rule else None
        words = masked(str(said), hidden)[:REASON] if said is not None else f"status {answer.reply.status}"
        what = f"{self.name}.{plan.name}" if plan else self.name
        return Failure(
            fault=fault,
            reason=f"{what} {_SAYING[fault]}: {words}",
            evidence=evidence,
            retry_after_seconds=retry_after(answer.reply, self.now()),
        )

    def _throttled(self, answer: Answer) -> bool:
        if self.plan.throttled is None:
            return answer.reply.status == 429
        return self.holds(self.plan.throttled, answer.scope)


_SAYING: Mapping[FaultClass, str] = {
    FaultClass.TRANSIENT: "cannot take it now",
    FaultClass.PERMANENT: "refuses it",
    FaultClass.UNKNOWN: "may or may not have done it",
    FaultClass.CLOSED_PERIOD: "refuses it, since the period is closed",
}


def _class_of(rule: FaultRule) -> FaultClass:
    # Reached only after a new token was refused as well: work waits until the credentials are put right.
    return FaultClass.TRANSIENT if rule.fault == TOKEN_EXPIRED else FaultClass(rule.fault)


def _usual_class(status: int, *, writes: bool) -> FaultClass:
    if status in TRY_AGAIN or status == 401:
        return FaultClass.TRANSIENT
    if status >= 500:
        return FaultClass.UNKNOWN if writes else FaultClass.TRANSIENT
    return FaultClass.UNKNOWN if writes and status in LEADS_ELSEWHERE else FaultClass.PERMANENT
