"""How neurons that choose their own steps do so: tolerances and limits, checked."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sneuron import errors, labels
from sneuron.lang.build import inlined
from sneuron.lang.expr import numpy_value
from sneuron.lang.methods import PAIRS
from sneuron.lang.model import Model

__all__ = ["RTOL", "Control", "control", "is_pair", "ruled"]

Array = NDArray[Any]
RTOL = 1e-5
"""Tolerance when none is given: spikes of Hodgkin-Huxley neurons within 0.02 ms, also near a bifurcation."""
LEAST, MOST = 1e-9, 1e-2
SIZES = {"1": 1.0, "pA": 100.0, "nA": 0.1, "uA/cm2": 1.0, "mM": 1e-4, "uM": 0.1, "nM": 100.0}
"""The size of a state by its unit: what its tolerance is a part of.  States of other units have the size 1."""
VOLTAGE, SWING = 100.0, 10.0
"""The size of voltages (mV); less where they move by less, told by so many times what a spike has to fall to re-arm."""


@dataclass(frozen=True)
class Control:
    """How steps are chosen.

    Parameters
    ----------
    rtol : float
        Tolerance of a step, as a part of the size of each state.
    atol : mapping of str to float
        Tolerance of single states in their own units.
    longest : float, ms
        No step is longer.
    attempts : int or None
        What a neuron may take before it is given up.
    """

    rtol: float = RTOL
    atol: tuple[tuple[str, float], ...] = ()
    longest: float = math.inf
    attempts: int | None = None

    def weights(self, model: Model) -> Array:
        """One over the tolerance of each state."""
        own = dict(self.atol)
        return np.array([1.0 / own.get(x, self.rtol * _size(model, x)) for x in model.states])


def ruled(
    where: str, name: str | None, model: Model, dtype: str = "float64", unstable: bool = False, **pace: Any
) -> Control | None:
    """How steps are chosen under a method; None where they are all of one size.

    Raises
    ------
    ParameterError
        For tolerances that a method does not know, or that cannot be; for float32; for a dt beyond a limit.
    """
    given = [key for key, value in pace.items() if value is not None]
    if not is_pair(name):
        if given:
            raise errors.ParameterError(
                f"{where}: {given[0]!r}", f"method {name or model.method!r} has steps of one size",
                mend=f"Leave it out, or give a method that chooses its steps: {', '.join(PAIRS)}.",
            )  # fmt: skip
        return None
    if dtype == "float32":
        raise errors.ParameterError(f"{where}: 'dtype'", f"float32 cannot hold the errors of {name!r}", "'float64'")
    if unstable:
        what = f"no step of {name!r} is too large: it would be refused"
        raise errors.ParameterError(f"{where}: 'allow_unstable'", what, mend="Leave it out.")
    return control(model, where, **pace)


def is_pair(name: Any) -> bool:
    """Whether a method chooses its own steps."""
    return name in PAIRS


def control(
    model: Model, where: str, *, rtol: Any = None, atol: Any = None, max_step: Any = None, max_attempts: Any = None
) -> Control:
    """What was asked of the steps, checked."""
    if model.noisy:
        raise errors.ModelError(
            f"{where}: 'method'", f"model {model.name!r} is noisy: the error of a step says nothing of the step",
            "models without noise of their own", mend=f"Use steps of one size, such as method={model.method!r}.",
        )  # fmt: skip
    tolerance = RTOL if rtol is None else labels.number(labels.plain(rtol, f"{where}: 'rtol'"), "1", f"{where}: 'rtol'")
    if not LEAST <= tolerance <= MOST:
        raise errors.ParameterError(
            f"{where}: 'rtol'", f"{rtol!r} is no tolerance of a step", f"{LEAST:g} to {MOST:g}", mend=f"Try {RTOL:g}."
        )
    longest = math.inf
    if max_step is not None:
        longest = labels.number(labels.plain(max_step, f"{where}: 'max_step'"), "ms", f"{where}: 'max_step'")
        if not longest > 0:
            raise errors.TimeError(f"{where}: 'max_step'", f"{max_step!r} is no step", "a number > 0 in ms")
    if max_attempts is not None and (
        isinstance(max_attempts, bool) or not isinstance(max_attempts, int | np.integer) or max_attempts < 1
    ):
        raise errors.ParameterError(
            f"{where}: 'max_attempts'", f"{max_attempts!r:.60} is no number of attempts", "a whole number from 1"
        )
    own = _absolute(model, atol, where)
    return Control(tolerance, own, longest, None if max_attempts is None else int(max_attempts))


def _absolute(model: Model, atol: Any, where: str) -> tuple[tuple[str, float], ...]:
    if atol is None:
        return ()
    if not isinstance(atol, Mapping):
        raise errors.ParameterError(
            f"{where}: 'atol'", f"{atol!r:.60} does not say of which states", mend="atol={'v': 1e-3}, in mV"
        )
    found = []
    for name, value in sorted(atol.items()):
        if name not in model.states:
            raise errors.unknown(f"{where}: 'atol'", "state", str(name), model.states)
        number = labels.number(labels.plain(value, f"{where}: 'atol'"), model.states[name].unit, f"{where}: 'atol'")
        if not 0 < number < math.inf:
            raise errors.ParameterError(
                f"{where}: 'atol'",
                f"{value!r} is no tolerance of {name!r}",
                f"a number > 0 in {model.states[name].unit}",
            )
        found.append((str(name), number))
    return tuple(found)


def _size(model: Model, state: str) -> float:
    if state in model.gates:
        return 1.0
    unit = model.states[state].unit
    return _voltage(model) if unit == "mV" else SIZES.get(unit, 1.0)


def _voltage(model: Model) -> float:
    """The size of voltages: models in units of their own move by a few mV."""
    values = {name: param.value for name, param in model.params.items()} | model.start_values()
    level, rearm = (inlined(e, model.functions) for e in (model.threshold, model.rearm))
    fall = float(numpy_value(level, values)) - float(numpy_value(rearm, values))
    return min(VOLTAGE, SWING * fall) if fall > 0 else VOLTAGE
