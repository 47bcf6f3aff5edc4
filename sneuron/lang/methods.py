"""Integration methods as text of the model language.

A model does not know its method.  A method is a few lines of text over `x` (any
state), `dt`, the stage derivatives `k1, k2, ...`, the stage values `x1, x2, ...`
and `j1, j2, ...`: the coefficient of `x` in its own equation where that equation
is linear in `x`, and 0 where it is not.  Each declared order is measured by a test.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sneuron import errors

__all__ = ["METHODS", "Method", "method"]


@dataclass(frozen=True)
class Method:
    """An integrator as text.

    Parameters
    ----------
    name : str
    order : int
        Order of convergence, measured by the tests.
    stages : tuple of str
        Text of the state at each stage.
    times : tuple of float
        Stage times in units of dt (0, 0.5 or 1).
    update : str
        Text of the new state.
    gates : str
        Text of the new state for gates, when it differs.
    split : bool
        Whether voltage and gates advance one after the other from the currents of IonDyn
        (so that UpdGate and UpdVolt compose to the step).
    voltage_first : str
        Text that advances the voltage alone, before the other states see it; empty for methods
        in which every state advances from the same old values.
    overshoot : bool
        With `voltage_first`: whether the others see by how much a spike went beyond its threshold.
    exact : bool
        Threshold crossings are located inside the step in closed form (linear membranes only).
    stability : float
        Largest allowed dt times the fastest rate.
    source : str
    """

    name: str
    order: int
    stages: tuple[str, ...]
    times: tuple[float, ...]
    update: str
    gates: str = ""
    split: bool = False
    voltage_first: tuple[str, ...] = field(default=())
    overshoot: bool = False
    exact: bool = False
    stability: float = 2.0
    source: str = ""

    @property
    def implicit_schemes(self) -> bool:
        """Whether Markov schemes move implicitly under it: in steps of any length."""
        return self.split and "exprel" in (self.gates or self.update)


METHODS = {
    m.name: m
    for m in (
        Method("euler", 1, ("x",), (0.0,), "x + dt*k1", split=True, source="Euler 1768"),
        Method("heun", 2, ("x", "x + dt*k1"), (0.0, 1.0), "x + dt*(k1 + k2)/2", source="Heun 1900"),
        Method("midpoint", 2, ("x", "x + dt*k1/2"), (0.0, 0.5), "x + dt*k2", source="Runge 1895"),
        Method(
            "rk4",
            4,
            ("x", "x + dt*k1/2", "x + dt*k2/2", "x + dt*k3"),
            (0.0, 0.5, 0.5, 1.0),
            "x + dt*(k1 + 2*k2 + 2*k3 + k4)/6",
            stability=2.78,
            source="Kutta 1901",
        ),
        Method(
            "exp_euler",
            1,
            ("x",),
            (0.0,),
            "x + dt*k1*exprel(dt*j1)",
            split=True,
            voltage_first=("x + dt*k1*exprel(dt*j1)",),
            source="Hochbruck & Ostermann 2010, doi:10.1017/S0962492910000048; v before the gates as in "
            "Hines 1984, doi:10.1016/0020-7101(84)90008-4",
        ),
        Method(
            "exp_midpoint",
            2,
            ("x", "x + dt/2*k1*exprel(dt/2*j1)"),
            (0.0, 0.5),
            "x + dt*(k2 + j2*(x - x2))*exprel(dt*j2)",
            source="exponential midpoint; Hochbruck & Ostermann 2010, doi:10.1017/S0962492910000048",
        ),
        Method(
            "rush_larsen",
            1,
            ("x",),
            (0.0,),
            "x + dt*k1",
            gates="x + dt*k1*exprel(dt*j1)",
            split=True,
            voltage_first=("x + dt*k1",),
            source="Rush & Larsen 1978, doi:10.1109/TBME.1978.326270",
        ),
        Method(
            "exact",
            1,
            ("x",),
            (0.0,),
            "x + dt*k1*exprel(dt*j1)",
            split=True,
            exact=True,
            stability=float("inf"),
            source="Rotter & Diesmann 1999, doi:10.1007/s004220050570",
        ),
        Method(
            "izh2003",
            1,
            ("x",),
            (0.0,),
            "x + dt*k1",
            split=True,
            voltage_first=("x + dt/2*k1", "x + dt/2*k1"),
            overshoot=True,
            stability=float("inf"),
            source="Izhikevich 2003, doi:10.1109/TNN.2003.820440 (net.m)",
        ),
        Method(
            "izh2004",
            1,
            ("x",),
            (0.0,),
            "x + dt*k1",
            split=True,
            voltage_first=("x + dt*k1",),
            overshoot=True,
            source="Izhikevich 2004, doi:10.1109/TNN.2004.832719: semi-implicit Euler",
        ),
    )
}


def method(name: str) -> Method:
    """The method called `name`.

    Raises
    ------
    UnknownNameError
        When there is none.
    """
    if name not in METHODS:
        raise errors.unknown("method", "integration method", str(name), METHODS)
    return METHODS[name]
