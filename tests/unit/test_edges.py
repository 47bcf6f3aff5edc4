"""The next edge of a stimulus: found in closed form, by no step missed."""

import json
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st

from sneuron import errors
from sneuron.lang.edges import edges, frozen
from sneuron.lang.expr import numpy_value
from sneuron.lang.model import load_stimulus, stimuli
from sneuron.lang.program import Assignments, Wave, wave


@cache
def closed(waves: tuple[Wave, ...]) -> tuple[Assignments, list[sp.Expr]]:
    return edges(waves)


def next_edge(waves: tuple[Wave, ...], values: dict[str, float], t: float) -> float:
    """The first edge after a time, as the kernel finds it."""
    counts, times = closed(waves)
    known = values | {"_ahead": t + 2.0**-40 * max(1.0, abs(t))}
    for name, expression in counts:
        known[name] = numpy_value(expression, known)
    after = [float(numpy_value(x, known)) for x in times]
    return min((x for x in after if x > known["_ahead"]), default=np.inf)


def all_edges(waves: tuple[Wave, ...], values: dict[str, float], stop: float) -> list[float]:
    found, t = [], 0.0
    while (t := next_edge(waves, values, t)) < stop:
        found.append(t)
    return found


def test_a_step_has_two_edges() -> None:
    values = {"step.amplitude": 3.0, "step.start": 50.0, "step.stop": 450.0}
    assert all_edges((wave("step", "step"),), values, 1000.0) == [50.0, 450.0]


def test_edges_of_several_stimuli_are_those_of_each() -> None:
    values = {"step.amplitude": 3.0, "step.start": 50.0, "step.stop": np.inf, "ramp.start": 20.0, "ramp.stop": 80.0}
    assert all_edges((wave("step", "step"), wave("ramp", "ramp")), values, 100.0) == [20.0, 50.0, 80.0]


@given(
    start=st.floats(0.0, 50.0),
    period=st.floats(1.0, 30.0),
    part=st.floats(0.01, 0.99),
    count=st.one_of(st.integers(0, 12).map(float), st.just(np.inf)),
)
def test_every_edge_of_pulses_is_found(start: float, period: float, part: float, count: float) -> None:
    width = part * period
    values = {"start": start, "period": period, "width": width, "count": count}
    named = {f"pulses.{k}": v for k, v in values.items()}
    found = np.array([0.0, *all_edges((wave("pulses", "pulses"),), named, 100.0), 100.0])
    middle = 0.5 * (found[1:] + found[:-1])
    pulse = np.floor((middle - start) / period)
    expected = (middle >= start) & (pulse < count) & (middle - start - pulse * period < width)
    inside = [np.linspace(a, b, 7)[1:-1] for a, b in pairwise(found)]
    shape = load_stimulus("pulses")
    for times, on in zip(inside, expected, strict=True):
        if times[-1] - times[0] > 1e-9:
            assert (shape.at(times, values | {"amplitude": 1.0}) == on).all()


@pytest.mark.parametrize("name", [n for n in stimuli if not stimuli[n].played])
def test_between_edges_a_frozen_stimulus_is_the_stimulus(name: str) -> None:
    params = {k: p.value for k, p in load_stimulus(name).params.items()}
    params |= {"start": 10.0, "stop": 60.0, "amplitude": 2.0, "width": 3.0, "period": 9.0, "count": 4.0}
    params |= {"first": 1.0, "last": 5.0, "freq": 30.0, "freq_first": 5.0, "freq_last": 60.0, "offset": 0.5}
    own = {k: v for k, v in params.items() if k in load_stimulus(name).params}
    found = [0.0, *all_edges((wave(name, name),), {f"{name}.{k}": v for k, v in own.items()}, 100.0), 100.0]
    current = frozen(wave(name, name)).current
    for a, b in pairwise(found):
        t = np.linspace(a, b, 23)[1:-1]
        still = numpy_value(current, own | {"t": t, "_mid": 0.5 * (a + b)})
        np.testing.assert_allclose(still, load_stimulus(name).at(t, own), rtol=1e-12, atol=1e-12)


def test_a_stimulus_whose_jumps_have_no_closed_form_is_refused() -> None:
    params = {"speed": {"value": 1.0, "unit": "1/ms"}, "amplitude": {"value": 1.0, "unit": ""}}
    current = "where(sin(speed*t) > 0.5, amplitude, 0)"
    spec = {"name": "blinking", "current": current, "params": params, "source": "own choice"}
    with pytest.raises(errors.ModelError, match="no closed form"):
        edges([wave("blinking", json.dumps(spec))])
