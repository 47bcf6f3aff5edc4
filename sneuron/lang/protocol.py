"""Published protocols, checked: stimuli that the library has, parameters within their bounds."""

from __future__ import annotations

import math
from collections.abc import Mapping

from sneuron import errors
from sneuron.lang.spec import Injection, Param, Protocol, Stimulus

__all__ = ["check_protocol"]

RECORDED = "replay"
"""The one stimulus that no description can hold: it needs a recording."""
SEED = "seed"


def check_protocol(protocol: Protocol, known: Mapping[str, Stimulus], where: str) -> None:
    """Refuse a protocol that cannot be injected.

    Raises
    ------
    ModelError
        For a duration that is none, and for values that a stimulus does not take.
    UnknownNameError
        For a stimulus, or a parameter of one, that there is not; the nearest is named.
    """
    if not (math.isfinite(protocol.duration) and protocol.duration >= 0):
        raise errors.ModelError(where, f"{protocol.duration!r} ms is no duration", "a finite number from 0")
    if protocol.stimuli and not protocol.duration:
        raise errors.ModelError(where, "it has stimuli and no duration", mend="Give `duration` in ms.")
    for name, injection in sorted(protocol.stimuli.items()):
        _check_injection(injection, known, f"{where}, stimulus {name!r}")


def _check_injection(injection: Injection, known: Mapping[str, Stimulus], where: str) -> None:
    possible = [kind for kind in known if kind != RECORDED]
    if injection.kind not in possible:
        raise errors.unknown(where, "kind", injection.kind, possible)
    params = known[injection.kind].params
    for name, value in injection.params.items():
        if name not in params:
            raise errors.unknown(where, f"parameter of {injection.kind!r}", name, list(params))
        _check_value(value, params[name], f"{where}, {name!r}")
    if not float(injection.params.get(SEED, 0.0)).is_integer():
        raise errors.ModelError(f"{where}, {SEED!r}", f"{injection.params[SEED]!r} is not a whole number")
    held = {name: param.value for name, param in params.items()} | dict(injection.params)
    if not held.get("stop", math.inf) > held.get("start", -math.inf):
        raise errors.ModelError(where, "stop is not after start", mend="Give start < stop, in ms.")


def _check_value(value: float, param: Param, where: str) -> None:
    endless = math.isinf(value) and not math.isinf(param.value)
    if endless or not param.low <= value <= param.high:
        raise errors.ModelError(where, f"{value!r} is not a value", f"{param.low:g} to {param.high:g} {param.unit}")
