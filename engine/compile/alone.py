"""A policy by itself: the check of a flow that puts no other policy to its inputs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from engine.compile.build_policies import Decision
from engine.compile.compilation import Compilation
from engine.plan.policy import PolicyPlan
from engine.values.value import Value
from engine.workspace.kinds.policy import PolicyDocument


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyAlone:
    """A policy that was compiled, and what decides by it alone."""

    plans: tuple[PolicyPlan, ...]  # it, and those rows of its table that act
    decide: Callable[[Mapping[str, Value]], tuple[list[int], dict[str, Value]]]


def policy_alone(compilation: Compilation, name: str) -> PolicyAlone:
    """A policy of a workspace without problems, by its name."""
    decision = Decision(compilation, f"policy {name}")
    decision.add(compilation.documents(PolicyDocument)[name], 0)
    plans = (compilation.policies[name], *compilation.variants[name])
    return PolicyAlone(plans=plans, decide=decision.build())
