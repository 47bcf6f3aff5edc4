"""Integration methods as text of the model language.

A model does not know its method.  A method is a few lines of text over `x` (any
state), `dt`, the stage derivatives `k1, k2, ...`, the stage values `x1, x2, ...`
and `j1, j2, ...`: the coefficient of `x` in its own equation where that equation
is linear in `x`, and 0 where it is not.  Each declared order is measured by a test.

A pair is a method that also says by how much its step is wrong (`error`) and where the
state was on the way (`dense`, the weight of each derivative at the part `s` of the
step); its last stage is the new state, so that the next step has its first derivative.
Pairs choose their own steps: see `sneuron.core.adapt`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sneuron import errors

__all__ = ["METHODS", "PAIRS", "SLOPE", "Method", "method"]

SLOPE = "k1"
"""The update of a method that gives derivatives in the place of new states: those of states that are held are 0."""


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
        Stage times in units of dt (0, 0.5 or 1; any of a pair).
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
    propagated : bool
        Whether all states are linear in one another and move together by the exponential of their matrix, exactly.
    stability : float
        Largest allowed dt times the fastest rate.
    error : str
        Of a pair: text of the error of the step over dt, as seen by the order below.
    dense : tuple of str
        Of a pair: the weight of each derivative at the part `s` of the step.
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
    propagated: bool = False
    stability: float = 2.0
    error: str = ""
    dense: tuple[str, ...] = field(default=())
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
            "linear",
            1,
            ("x",),
            (0.0,),
            "x + dt*k1*exprel(dt*j1)",
            propagated=True,
            stability=float("inf"),
            source="Rotter & Diesmann 1999, doi:10.1007/s004220050570; crossings are seen at the end of steps",
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


PAIRS = {
    m.name: m
    for m in (
        Method(
            "tsit5",
            5,
            (
                "x",
                "x + dt*(0.161*k1)",
                "x + dt*(-0.008480655492356989*k1 + 0.335480655492357*k2)",
                "x + dt*(2.8971530571054935*k1 - 6.359448489975075*k2 + 4.3622954328695815*k3)",
                "x + dt*(5.325864828439257*k1 - 11.748883564062828*k2 + 7.4955393428898365*k3"
                " - 0.09249506636175525*k4)",
                "x + dt*(5.86145544294642*k1 - 12.92096931784711*k2 + 8.159367898576159*k3 - 0.071584973281401*k4"
                " - 0.028269050394068383*k5)",
                "x + dt*(0.09646076681806523*k1 + 0.01*k2 + 0.4798896504144996*k3 + 1.379008574103742*k4"
                " - 3.290069515436081*k5 + 2.324710524099774*k6)",
            ),
            (0.0, 0.161, 0.327, 0.9, 0.9800255409045097, 1.0, 1.0),
            "x + dt*(0.09646076681806523*k1 + 0.01*k2 + 0.4798896504144996*k3 + 1.379008574103742*k4"
            " - 3.290069515436081*k5 + 2.324710524099774*k6)",
            stability=float("inf"),
            error="-0.00178001105222577714*k1 - 0.0008164344596567469*k2 + 0.007880878010261995*k3"
            " - 0.1447110071732629*k4 + 0.5823571654525552*k5 - 0.45808210592918697*k6 + 0.015151515151515152*k7",
            dense=(
                "-1.0530884977290216*s*(s - 1.3299890189751412)*(s**2 - 1.4364028541716351*s + 0.7139816917074209)",
                "0.1017*s**2*(s**2 - 2.1966568338249754*s + 1.2949852507374631)",
                "2.490627285651252793*s**2*(s**2 - 2.38535645472061657*s + 1.57803468208092486)",
                "-16.54810288924490272*s**2*(s - 1.21712927295533244)*(s - 0.61620406037800089)",
                "47.37952196281928122*s**2*(s - 1.203071208372362603)*(s - 0.658047292653547382)",
                "-34.87065786149660974*s**2*(s - 1.2)*(s - 0.666666666666666667)",
                "2.5*s**2*(s - 1)*(s - 0.6)",
            ),
            source="Tsitouras 2011, doi:10.1016/j.camwa.2011.06.002: 5(4), with its interpolant",
        ),
        Method(
            "bs32",
            3,
            (
                "x",
                "x + dt*(0.5*k1)",
                "x + dt*(0.75*k2)",
                "x + dt*(0.2222222222222222*k1 + 0.3333333333333333*k2 + 0.4444444444444444*k3)",
            ),
            (0.0, 0.5, 0.75, 1.0),
            "x + dt*(0.2222222222222222*k1 + 0.3333333333333333*k2 + 0.4444444444444444*k3)",
            stability=float("inf"),
            error="-0.06944444444444445*k1 + 0.08333333333333333*k2 + 0.1111111111111111*k3 - 0.125*k4",
            dense=(
                "s - 1.3333333333333333*s**2 + 0.5555555555555556*s**3",
                "s**2 - 0.6666666666666666*s**3",
                "1.3333333333333333*s**2 - 0.8888888888888888*s**3",
                "s**3 - s**2",
            ),
            source="Bogacki & Shampine 1989, doi:10.1016/0893-9659(89)90079-7: 3(2); cubic through both ends",
        ),
    )
}
"""Methods that choose their own steps."""


def method(name: str) -> Method:
    """The method called `name`.

    Raises
    ------
    UnknownNameError
        When there is none.
    """
    known = METHODS | PAIRS
    if name not in known:
        raise errors.unknown("method", "integration method", str(name), known)
    return known[name]
