"""The whole of what a connector may import: the contract, the data it speaks in, and the tools for HTTP."""

from engine.connect.catalog import Catalog, Installed
from engine.connect.connection_plan import (
    BreakerPlan,
    ConnectionPlan,
    ConnectionRetry,
    RetryShare,
    breaker_of,
)
from engine.connect.connector import Connector, Outcome, Poll, Polled
from engine.connect.connector_plan import ConnectorPlan, OperationPlan, SourcePlan, build_connector
from engine.connect.connector_spec import ConnectorSpec
from engine.connect.faults import ClosedPeriod, Fault, Permanent, Transient, Unknown, fault_of, permanent
from engine.connect.pace import Pace, Rate, Steady, rates_of
from engine.connect.settings import Secret, Settings, resolve_settings, secret_resolver
from engine.connect.signatures import DeliveryRefused, Sent
from engine.connect.webhook import Delivery, receive
from engine.effect import Effect, Failure, FaultClass, Receipt
from engine.errors import ConfigurationError
from engine.event import Event
from engine.values.json_text import JsonError, read_json, write_json
from engine.values.value import Value

__all__ = [
    "BreakerPlan",
    "Catalog",
    "ClosedPeriod",
    "ConfigurationError",
    "ConnectionPlan",
    "ConnectionRetry",
    "Connector",
    "ConnectorPlan",
    "ConnectorSpec",
    "Delivery",
    "DeliveryRefused",
    "Effect",
    "Event",
    "Failure",
    "Fault",
    "FaultClass",
    "Installed",
    "JsonError",
    "OperationPlan",
    "Outcome",
    "Pace",
    "Permanent",
    "Poll",
    "Polled",
    "Rate",
    "Receipt",
    "RetryShare",
    "Secret",
    "Sent",
    "Settings",
    "SourcePlan",
    "Steady",
    "Transient",
    "Unknown",
    "Value",
    "breaker_of",
    "build_connector",
    "fault_of",
    "permanent",
    "rates_of",
    "read_json",
    "receive",
    "resolve_settings",
    "secret_resolver",
    "write_json",
]
