"""NMODL read into channels: what each part of it becomes, and where it cannot be taken."""

from pathlib import Path

import numpy as np
import pytest

import sneuron as sn
from sneuron.lang.expr import numpy_value
from sneuron.lang.model import Model, load_model
from sneuron.lang.nmodl.reading import read_nmodl
from sneuron.lang.spec import Channel, Gate, Mount, Neuron, Param, Transition


def mod(code: str, neuron: str = "SUFFIX x\nNONSPECIFIC_CURRENT i", params: str = "", more: str = "") -> str:
    """A mechanism with state m, current i, and what else is given."""
    return f"""
NEURON {{ {neuron}
 RANGE g }}
UNITS {{ (mV) = (millivolt) (mA) = (milliamp) }}
PARAMETER {{ g = 0.002 (S/cm2)
 k = 9 (mV)
 {params} }}
STATE {{ m }}
ASSIGNED {{ v (mV) i (mA/cm2) celsius (degC) minf mtau (ms) a (/ms) b (/ms) tadj {more} }}
{code}
"""


RATES = """PROCEDURE rates(v (mV)) { minf = 1/(1 + exp(-(v + 40)/k))
 mtau = 2 + exp(v/50)
 a = 0.3*exp(v/60)
 b = 0.7*exp(-v/50) }"""
GATED = """BREAKPOINT { SOLVE s METHOD cnexp
 i = g*m*(v + 60) }
DERIVATIVE s { rates(v)
 m' = (minf - m)/mtau }"""
START = "INITIAL { rates(v) m = minf }"
WHOLE = f"{START}\n{GATED}\n{RATES}"


def gate(derivative: str, **more: str) -> Channel:
    """The channel of a mechanism whose state moves so."""
    code = (
        f"BREAKPOINT {{ SOLVE s METHOD cnexp i = g*m*(v + 60) }} DERIVATIVE s {{ rates(v) m' = {derivative} }} {RATES}"
    )
    return sn.import_nmodl(mod(code, **more))


def held(channel: Channel, names: dict[str, str] | None = None) -> Model:
    params = {"C": Param(1.0, {"uA/cm2": "uF/cm2", "nA": "nF"}[channel.unit], source="own choice")}
    return load_model(Neuron("cell", "C", channel.unit, channels={"x": Mount(channel, names or {})}, params=params))


def expression(e: str, v: np.ndarray, more: str = "", params: str = "") -> tuple[Channel, np.ndarray]:
    """A channel whose current is 1 mA/cm2 times an expression, and that, in uA/cm2, over voltages."""
    text = mod(f"BREAKPOINT {{ i = {e} }} {more}", params=params).replace("STATE { m }", "")
    channel = sn.import_nmodl(text)
    return channel, np.asarray(held(channel).currents_at({"v": v})["x"]) * np.ones_like(v)


# what a mechanism becomes


def test_a_gated_channel() -> None:
    channel, notes = read_nmodl(mod(WHOLE))
    assert channel.gates == {"m": Gate(inf="minf", tau="mtau")} or channel.gates["m"].inf == "minf"
    assert channel.current == "g*m*(v + 60)"
    assert channel.functions["minf"] == "1/(1 + exp(-(v + 40)/k))"
    assert (channel.params["g"].value, channel.params["g"].unit) == (2.0, "mS/cm2")
    assert channel.params["k"].unit == "mV"
    assert (channel.name, channel.ion, channel.unit) == ("x", "", "uA/cm2")
    assert notes == ["g: 0.002 S/cm2 is 2 mS/cm2."]
    assert sn.import_nmodl(mod(WHOLE), name="other", source="own choice").name == "other"


@pytest.mark.parametrize(
    ("unit", "value"), [("S/cm2", 2.0), ("mho/cm2", 2.0), ("pS/um2", 2e-4), ("mS/cm2", 2e-3), ("uS/cm2", 2e-6)]
)
def test_conductances_are_kept_in_our_units_and_mean_what_they_meant(unit: str, value: float) -> None:
    channel = sn.import_nmodl(mod(WHOLE).replace("(S/cm2)", f"({unit})"))
    assert channel.params["g"].value == pytest.approx(value, rel=1e-15)
    assert channel.params["g"].unit == "mS/cm2"
    whole = held(channel).currents_at({"v": 10.0})["x"]
    assert float(whole) == pytest.approx(1000 * 0.002 * 70.0 / (1 + np.exp(-50 / 9)), rel=1e-13)


@pytest.mark.parametrize(
    ("e", "value"),
    [
        ("-2^2", -4.0), ("2^3^2", 512.0), ("2^-1", 0.5), ("1/2", 0.5), ("6/2*3", 9.0), ("2 - 3 - 4", -5.0),
        ("1.e1", 10.0), ("-(-3)", 3.0), ("1e-3 (mV)*(5)", 5e-3), ("(2 < 3)*4", 4.0), ("!(2 < 3) + 1", 1.0),
        ("pow(2, 3)", 8.0),
        ("log10(1000)", 3.0), ("fabs(-2) + fmax(1, 2)", 4.0), ("cosh(1) - sinh(1)", np.exp(-1)), ("ceil(1.2)", 2.0),
        ("exprelr(0)", 1.0), ("tan(1)", np.tan(1.0)), ("(1 < 2 && 2 > 3 || 3 >= 3)*1", 1.0),
    ],
)  # fmt: skip
def test_expressions_mean_what_they_mean_in_nmodl(e: str, value: float) -> None:
    _, found = expression(e, np.array([0.0]))
    assert float(found[0]) == pytest.approx(1000 * value, rel=1e-14)


def test_functions_and_procedures_are_written_out() -> None:
    code = """
FUNCTION twice(x) { twice = 2*x }
FUNCTION outer(v, y) { LOCAL v1
 v1 = twice(v)
 if (v1 > y) { outer = v1 } else if (v1 < -y) { outer = twice(-v1) } else { outer = 0 } }
"""
    v = np.array([-30.0, -1.0, 2.0, 30.0])
    _, found = expression("outer(v, 10)", v, code)
    np.testing.assert_allclose(found, 1000 * np.array([120.0, 0.0, 0.0, 60.0]))


def test_an_argument_is_a_copy_and_a_local_is_local() -> None:
    code = "PROCEDURE p(v) { LOCAL k\n k = 5\n v = v + 1\n a = k }"
    _, found = expression("a + v*0", np.array([3.0]), code)
    assert float(found[0]) == 0.0  # p is never called
    channel = sn.import_nmodl(mod(f"BREAKPOINT {{ p(v) i = a*v*k }} {code}"))
    assert float(held(channel).currents_at({"v": 3.0})["x"]) == pytest.approx(1000 * 5 * 3 * 9)


@pytest.mark.parametrize(
    "place",
    [
        "INITIAL { rates(v) tadj = 3^((celsius - 24)/10) m = minf }",
        "PROCEDURE q10() { tadj = 3^((celsius - 24)/10) } INITIAL { q10() rates(v) m = minf }",
    ],
)
def test_what_only_initial_sets_from_parameters_is_a_function(place: str) -> None:
    channel = sn.import_nmodl(
        mod(f"{place} {GATED.replace('/mtau', '/mtau*tadj')} {RATES}", params="celsius = 34 (degC)")
    )
    assert channel.functions["tadj"] == "3**((celsius - 24)/10)"
    assert channel.gates["m"].tau in ("mtau/tadj", "1/(tadj/mtau)")
    assert channel.params["celsius"].value == 34.0


def test_what_only_initial_sets_from_the_voltage_stays() -> None:
    channel, notes = read_nmodl(
        mod("INITIAL { vh = v } BREAKPOINT { i = g*(v - vh) }", more="vh (mV)").replace("STATE { m }", "")
    )
    assert channel.equations == {"vh": "0"}
    assert channel.states["vh"].start == "v"
    assert any("keeps its start value" in n for n in notes)


def test_arrays_and_loops_are_written_out() -> None:
    code = """
BREAKPOINT { SOLVE states
 i = g*m*h*(v + 60) }
PROCEDURE states() { LOCAL fac[2]
 FROM n = 0 TO 1 {
  tau[n] = 2 + 3*n
  inf[n] = steady(v, n)
  fac[n] = 1 - exp(-dt/tau[n]) }
 m = m + fac[0]*(inf[0] - m)
 h = h + fac[1]*(inf[1] - h) }
FUNCTION steady(v, n) {
 if (n == 0) { steady = 1/(1 + exp(-(v + 30)/k)) } else if (n == 1) { steady = 1/(1 + exp((v + 50)/k)) } }
"""
    text = mod(code, more="inf[2] tau[2]").replace("STATE { m }", "STATE { m h }")
    channel = sn.import_nmodl(text)
    gates = channel.gates
    assert [channel.functions[gates[x].tau] for x in "mh"] == ["2 + 3*0", "2 + 3"]
    steady = ["1/(1 + exp(-(v + 30)/k))", "1/(1 + exp((v + 50)/k))"]
    assert [channel.functions[gates[x].inf] for x in "mh"] == steady


# gates


@pytest.mark.parametrize(
    ("derivative", "rates"),
    [
        ("(minf - m)/mtau", ("minf", "mtau", "", "")),
        ("-(m - minf)/mtau", ("minf", "mtau", "", "")),
        ("(minf - m)*a", ("minf", "1/a", "", "")),
        ("2*(minf - m)/mtau", ("minf", "0.5*mtau", "", "")),
        ("a*(1 - m) - b*m", ("", "", "a", "b")),
        ("a*(1 - m) - m*b", ("", "", "a", "b")),
        ("-b*m + (1 - m)*a", ("", "", "a", "b")),
        ("3*(a*(1 - m) - b*m)", ("", "", "3*a", "3*b")),
    ],
)
def test_equations_that_are_gates(derivative: str, rates: tuple[str, ...]) -> None:
    found = gate(derivative).gates["m"]
    assert (found.inf, found.tau, found.alpha, found.beta) == rates


def test_a_gate_by_algebra() -> None:
    channel, v = gate("a - (a + b)*m"), np.array([-50.0, 20.0])
    a, b = 0.3 * np.exp(v / 60), 0.7 * np.exp(-v / 50)
    np.testing.assert_allclose(held(channel).start_values({"v": v})["x.m"], a / (a + b), rtol=1e-14)
    assert "m" in channel.gates


@pytest.mark.parametrize("derivative", ["(2*minf - m)/mtau", "minf*m*(1 - m)/mtau", "-m^2/mtau"])
def test_what_leaves_0_to_1_or_is_not_linear_is_a_state(derivative: str) -> None:
    channel = gate(derivative)
    assert (list(channel.gates), list(channel.states)) == ([], ["m"])
    assert channel.states["m"].start == "0"


def test_starts_that_are_not_steady_are_told() -> None:
    notes = read_nmodl(mod(WHOLE.replace("m = minf }", "m = 0.3 }", 1)))[1]
    assert "m starts at its steady state; in the file it starts at 0.3." in notes


def test_starts_of_states_are_kept() -> None:
    text = mod(WHOLE.replace("m = minf }", "m = minf/2 }", 1).replace("(minf - m)/mtau", "(3*minf - m)/mtau"))
    channel = sn.import_nmodl(text)
    start = held(channel).start_values({"v": -40.0})
    assert float(start["x.m"]) == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("step", "tau"),
    [("m = m + (1 - exp(-dt/mtau))*(minf - m)", "mtau"), ("m = m + mexp*(minf - m)", "mtau/tadj")],
)
def test_steps_written_by_hand_are_equations(step: str, tau: str) -> None:
    code = f"""
BREAKPOINT {{ SOLVE s
 i = g*m*(v + 60) }}
PROCEDURE s() {{ rates(v) tadj = 3^((celsius - 24)/10)
 mexp = 1 - exp(-dt*tadj/mtau)
 {step}
 VERBATIM
 return 0; /* nothing */
 ENDVERBATIM
}}
{START} {RATES}"""
    channel, notes = read_nmodl(mod(code, more="mexp"))
    assert channel.gates["m"] == Gate(inf="minf", tau=tau)
    assert any("written by hand" in n for n in notes)


def test_an_euler_step_written_by_hand_is_an_equation() -> None:
    code = (
        f"BREAKPOINT {{ SOLVE s i = g*m*(v + 60) }} PROCEDURE s() {{ rates(v) m = m + dt*(2*minf - m)/mtau }} {RATES}"
    )
    channel = sn.import_nmodl(mod(code))
    assert "m" in channel.equations


# singular rates

V = np.array([-46.3, -40.0 - 1e-5, -40.0, -40.0 + 1e-5, -12.0, 25.0])


def naive(v: np.ndarray) -> np.ndarray:
    """0.1 (v + 40) / (1 - exp(-(v + 40)/10)), with its limit."""
    x = (v + 40.0) / 10.0
    return np.where(x == 0, 1.0, x / np.where(x == 0, 1.0, -np.expm1(-x)))


@pytest.mark.parametrize(
    ("e", "more"),
    [
        ("0.1*(v + 40)/(1 - exp(-(v + 40)/10))", ""),
        ("-0.1*(v + 40)/(exp(-(v + 40)/10) - 1)", ""),
        ("(0.1*v + 4)/(1 - exp(-(0.1*v + 4)))", ""),
        ("0.1*(-v - 40)/(exp((-v - 40)/10) - 1)", ""),
        ("0.1*(40 + v)/(-exp(-0.1*(v + 40)) + 1)", ""),
        ("0.1*(v - -40)/(1 - (exp(-(v - -40)/10)))", ""),
        ("(v + 40)/10*1/(1 - 1/exp((v + 40)/10))", ""),
        ("(v - th)/q/(1 - exp((th - v)/q))", ""),
        ("0.1*vtrap(-(v + 40), 10)",
         "FUNCTION vtrap(x, y) { if (fabs(x/y) < 1e-6) { vtrap = y*(1 - x/y/2) } else { vtrap = x/(exp(x/y) - 1) } }"),
        ("efun(-(v + 40)/10)",
         "FUNCTION efun(z) { if (fabs(z) > 1e-4) { efun = z/(exp(z) - 1) } else { efun = 1 - z/2 } }"),
        ("trap0(v, th, 0.1, q)",
         "FUNCTION trap0(v, th, a, q) { if (fabs((v - th)/q) > 1e-6) { trap0 = a*(v - th)/(1 - exp(-(v - th)/q)) }"
         " else { trap0 = a*q } }"),
        ("lin(v)", "FUNCTION lin(v) { if (v == -40) { lin = 1 } else { lin = 0.1*(v + 40)/(1 - exp(-(v + 40)/10)) } }"),
        ("aside(v)", "FUNCTION aside(v) { if (v == -40) { v = v + 0.0001 }"
         " aside = 0.1*(v + 40)/(1 - exp(-(v + 40)/10)) }"),
        ("bounded(v)", "FUNCTION Exp(x) { if (x < -100) { Exp = 0 } else { Exp = exp(x) } }"
         " FUNCTION bounded(v) { LOCAL x\n x = v + 40\n bounded = 0.1*x/(1 - Exp(-x/10)) }"),
        ("exprelr(-(v + 40)/10)", ""),
    ],
)  # fmt: skip
def test_removable_singularities_are_exact(e: str, more: str) -> None:
    channel, found = expression(e, V, more, params="th = -40 (mV)\n q = 10 (mV)")
    texts = [channel.current, *channel.functions.values()]
    assert any("exprel(" in t for t in texts)
    assert not any("where(" in t for t in texts)
    np.testing.assert_allclose(found, 1000 * naive(V), rtol=1e-12)


def test_the_flux_of_goldman_is_exact_at_zero() -> None:
    more = """
FUNCTION ghk(v (mV), ci (mM), co (mM)) { LOCAL z, eci, eco
 z = (1e-3)*2*96485*v/(8.3145*(celsius + 273.15))
 eco = co*efun(z)
 eci = ci*efun(-z)
 ghk = (.001)*2*96485*(eci - eco) }
FUNCTION efun(z) { if (fabs(z) < 1e-4) { efun = 1 - z/2 } else { efun = z/(exp(z) - 1) } }
"""
    _, found = expression("ghk(v, 1e-4, 2)", np.array([-1e-6, 0.0, 1e-6]), more)
    assert found[1] == pytest.approx(2 * 96485 * (1e-4 - 2), rel=1e-14)
    np.testing.assert_allclose(found, found[1], rtol=1e-7)


def test_a_test_whose_branches_differ_stays() -> None:
    more = "FUNCTION f(x) { if (fabs(x) < 1e-6) { f = 7 } else { f = x/(exp(x) - 1) } }"
    channel, found = expression("f(v)", np.array([0.0, 1.0]), more)
    assert found[0] == 7000.0
    assert any("where(" in t for t in (channel.current, *channel.functions.values()))


def test_a_pole_is_told() -> None:
    channel, notes = read_nmodl(mod("BREAKPOINT { i = g*(v + 60)/(1 - exp(v/k)) }").replace("STATE { m }", ""))
    assert "1 - exp(v/k)" in channel.current
    assert any("could not be made exact" in n for n in notes)


# kinetic schemes

SCHEME = """
STATE {{ C O I }}
BREAKPOINT {{ SOLVE kin METHOD sparse
 i = g*O*(v + 60) }}
KINETIC kin {{ rates(v)
 {steps}
 CONSERVE C + O + I = 1 }}
PROCEDURE rates(v (mV)) {{ a = 0.5*exp(v/k) b = 0.3*exp(-v/k) }}
"""


def scheme(steps: str) -> Channel:
    return sn.import_nmodl(mod(SCHEME.format(steps=steps)).replace("STATE { m }", ""))


def test_a_scheme_of_single_molecules_is_a_markov_scheme() -> None:
    channel = scheme("~ C <-> O (a, b)\n ~ O <-> I (0.4 (/ms), 0.01 (/ms))\n ~ C -> I (0.1)\n ~ I -> C (0.2)")
    assert channel.transitions == {
        "C_O": Transition("C", "O", "a", "b"),
        "O_I": Transition("O", "I", "0.4", "0.01"),
        "C_I": Transition("C", "I", "0.1", "0.2"),
    }


def test_ways_that_are_given_twice_are_added() -> None:
    channel = scheme("~ C <-> O (a, b)\n ~ O <-> C (1, 2)\n ~ O <-> I (0.4, 0.1)")
    assert channel.transitions["C_O"] == Transition("C", "O", "a + 2", "b + 1")


def test_a_molecule_that_is_no_state_is_a_factor() -> None:
    channel = scheme("~ C + k <-> O (a, b)\n ~ O <-> I (0.4, 0.1)")
    assert channel.transitions["C_O"].forward == "a*k"


def test_other_reactions_are_mass_action() -> None:
    channel = scheme("COMPARTMENT 2 {C O I}\n ~ 2 C <-> O (a, b)\n ~ I << (0.5)")
    v = np.float64(-20.0)
    model = held(channel)
    known = {n: p.value for n, p in model.params.items()} | {"v": v, "x.C": 0.3, "x.O": 0.2, "x.I": 0.0}
    known |= {"x.a": 0.5 * np.exp(v / 9), "x.b": 0.3 * np.exp(-v / 9)}
    flux = known["x.a"] * 0.09 - known["x.b"] * 0.2
    slopes = {x: float(numpy_value(model.equations[f"x.{x}"], known)) for x in "COI"}
    assert slopes == pytest.approx({"C": -flux, "O": flux / 2, "I": 0.25}, rel=1e-13)


def test_a_scheme_with_a_dead_end_has_no_steady_state_and_is_equations() -> None:
    channel = scheme("~ C <-> O (a, b)\n ~ O -> I (0.4)")
    assert (list(channel.transitions), sorted(channel.equations)) == ([], ["C", "I", "O"])


def test_fluxes_of_the_last_reaction_have_names() -> None:
    text = mod(SCHEME.format(steps="~ C <-> O (a, b)\n ip = f_flux - b_flux\n ~ O <-> I (0.4, 0.1)"), more="ip")
    channel = sn.import_nmodl(text.replace("STATE { m }", "").replace("i = g*O", "i = ip + g*O"))
    assert (channel.current, channel.functions["ip"]) == ("1000*ip + g*O*(v + 60)", "a*C - b*O")


# ions

POOL = """
NEURON { SUFFIX cad
 USEION ca READ ica WRITE cai
 RANGE depth }
UNITS { (mM) = (milli/liter) (um) = (micron) (mA) = (milliamp) FARADAY = (faraday) (coulomb) }
PARAMETER { depth = 0.1 (um) tau = 80 (ms) rest = 1e-4 (mM) }
ASSIGNED { ica (mA/cm2) }
STATE { ca (mM) }
INITIAL { ca = rest
 cai = ca }
BREAKPOINT { SOLVE s METHOD cnexp }
DERIVATIVE s { ca' = -(10000)*ica/(2*FARADAY*depth) + (rest - ca)/tau
 cai = ca }
"""
CHANNEL = """
NEURON { SUFFIX cach
 USEION ca READ cai, cao, eca WRITE ica }
UNITS { (mV) = (millivolt) (mA) = (milliamp) (mM) = (milli/liter) }
PARAMETER { g = 0.001 (mho/cm2) }
ASSIGNED { v (mV) ica (mA/cm2) eca (mV) cai (mM) cao (mM) }
BREAKPOINT { ica = g*(v - eca)/(1 + cai/0.001(mM)) }
"""


def test_pools_and_channels_are_bound_by_their_concentration() -> None:
    pool, channel = sn.import_nmodl(POOL), sn.import_nmodl(CHANNEL)
    assert (pool.current, list(pool.states), pool.states["cai"].start) == ("", ["cai"], "rest")
    assert pool.states["cai"].low == 0.0
    assert "ion.ca" in pool.equations["cai"]
    assert channel.ion == "ca"
    params = {"C": Param(1.0, "uF/cm2", source="own choice")}
    cell = Neuron("c", "C", channels={"ca": Mount(channel, {"cai": "p.cai"}), "p": Mount(pool)}, params=params)
    model = load_model(cell)
    assert "ca.cai" not in model.params
    known = {"v": 0.0, "p.cai": 1e-3}
    current = float(model.currents_at(known)["ca"])
    assert current == pytest.approx(-127.58951061761749 / 2, rel=1e-14)  # uA/cm2
    values = {n: p.value for n, p in model.params.items()} | known | {"current.ca": current, "ion.ca": current}
    inflow = -1e4 * current * 1e-3 / (2 * 96485.33212331 * 0.1)
    assert float(numpy_value(model.equations["p.cai"], values)) == pytest.approx(inflow + (1e-4 - 1e-3) / 80, rel=1e-12)


@pytest.mark.parametrize(
    ("name", "ion", "value"),
    [("ena", "na", 50.0), ("ek", "k", -77.0), ("eca", "ca", 132.4579341637009), ("ecl", "cl", 0.0), ("nai", "na", 10.0),
     ("nao", "na", 140.0), ("ki", "k", 54.4), ("ko", "k", 2.5), ("cai", "ca", 5e-5), ("cao", "ca", 2.0),
     ("zzi", "zz", 1.0)],
)  # fmt: skip
def test_ions_start_as_in_neuron(name: str, ion: str, value: float) -> None:
    """Defaults of NEURON 9.0.2, read from it."""
    neuron = f"SUFFIX x\nUSEION {ion} READ {name} WRITE i{ion}"
    text = mod(f"BREAKPOINT {{ i{ion} = g*(v - 1.0*{name}) }}", neuron, more=f"i{ion} (mA/cm2)")
    channel = sn.import_nmodl(text.replace("STATE { m }", ""))
    assert channel.params[name].value == value
    assert channel.ion == ion


def test_what_the_file_says_of_an_ion_is_kept_and_told() -> None:
    text = mod("BREAKPOINT { ik = g*(v - ek) }", "SUFFIX x\nUSEION k READ ek WRITE ik", "ek = -90 (mV)", "ik (mA/cm2)")
    channel, notes = read_nmodl(text.replace("STATE { m }", ""))
    assert channel.params["ek"].value == -90.0
    assert "ek is -90 as the file says; NEURON itself starts it at -77." in notes


def test_several_currents_are_added_or_one_is_taken() -> None:
    neuron = "SUFFIX x\nUSEION na READ ena WRITE ina\nUSEION k READ ek WRITE ik"
    code = "BREAKPOINT { ina = g*(v - ena)\n ik = 3*g*(v - ek) }"
    text = mod(code, neuron, more="ina (mA/cm2) ik (mA/cm2) ena (mV) ek (mV)").replace("STATE { m }", "")
    channel, notes = read_nmodl(text)
    assert channel.ion == ""
    assert "The current is the sum of ina, ik." in notes
    for one in ("ik", "k"):
        only = sn.import_nmodl(text, current=one)
        assert (only.ion, only.current, list(only.params)) == ("k", "3*g*(v - ek)", ["ek", "g"])
    with pytest.raises(sn.SneuronError, match="current 'ica' is not known"):
        sn.import_nmodl(text, current="ica")


def test_a_point_process_is_in_nanoampere() -> None:
    text = mod(WHOLE, "POINT_PROCESS x\nNONSPECIFIC_CURRENT i").replace("(S/cm2)", "(uS)").replace("(mA/cm2)", "(nA)")
    channel = sn.import_nmodl(text)
    assert (channel.unit, channel.params["g"].unit, channel.params["g"].value) == ("nA", "uS", 0.002)


# units


def test_a_unit_that_is_not_written_is_found() -> None:
    code = WHOLE.replace("/k))", "/q))")
    channel, notes = read_nmodl(mod(code, params="q = 7"))
    assert channel.params["q"].unit == "mV"
    assert "q: its unit is not written; mV is the one that fits." in notes


def test_units_that_do_not_fit_are_left_open_and_told() -> None:
    code = WHOLE.replace("/k))", "/q))")
    channel, notes = read_nmodl(mod(code, params="q = 7 (ms)"))
    assert channel.params["q"].unit == "ms"
    assert "Units do not fit in minf; numbers are taken as they are there, as NEURON does." in notes
    assert float(held(channel).start_values({"v": -33.0})["x.m"]) == pytest.approx(1 / (1 + np.exp(-1)), rel=1e-15)


def test_constants_of_nature_are_those_of_neuron() -> None:
    """NEURON 9.0.2 prints these."""
    units = "F1 = (faraday) (coulomb) F2 = (faraday) (kilocoulombs)"
    units += " R1 = (k-mole) (joule/degC) F3 = (faraday) (10000 coulomb)"
    text = mod("BREAKPOINT { i = F1 + F2 + R1 + F3 }").replace(
        "UNITS {", f"UNITS {{ {units} R2 = (mole k) (mV-coulomb/degC)"
    )
    found = held(sn.import_nmodl(text.replace("STATE { m }", ""))).currents_at({"v": 0.0})["x"]
    assert float(found) == pytest.approx(
        1e3 * (96485.33212331001 + 96.48533212331002 + 8.31446261815324 + 9.648533212331001)
    )


def test_names_of_the_language_are_changed_and_told() -> None:
    channel, notes = read_nmodl(mod(WHOLE.replace("/k))", "/lambda))"), params="lambda = 9 (mV)"))
    assert "lambda_" in channel.params
    assert "lambda is called lambda_." in notes


def test_comments_are_meanings_and_bounds_are_bounds() -> None:
    text = mod(WHOLE).replace("g = 0.002 (S/cm2)", "g = 0.002 (S/cm2) <0, 1> : of all channels")
    param = sn.import_nmodl(text).params["g"]
    assert (param.note, param.low, param.high) == ("of all channels", 0.0, 1000.0)


def test_tables_are_left_out() -> None:
    code = WHOLE.replace("{ minf =", "{ TABLE minf, mtau DEPEND k FROM -100 TO 100 WITH 200\n minf =")
    channel, notes = read_nmodl(mod(code))
    assert channel.functions == sn.import_nmodl(mod(WHOLE)).functions
    assert any("TABLE is ignored" in n for n in notes)


def test_files_beside_are_included(tmp_path: Path) -> None:
    file = tmp_path / "a.mod"
    file.write_text(mod(f'{START} {GATED}\nINCLUDE "rates.inc"\nBROKEN'))
    with pytest.raises(sn.SneuronError, match="this file is not read"):
        sn.import_nmodl(Path(str(file)).read_text().replace("BROKEN", ""))
    (tmp_path / "rates.inc").write_text(f"{RATES}\n")
    with pytest.raises(sn.SneuronError) as refused:
        sn.import_nmodl(file)
    line = file.read_text().split("\n").index("BROKEN") + 1
    assert str(refused.value).startswith(f"a.mod:{line}:1: ")
    file.write_text(file.read_text().replace("BROKEN", ""))
    assert sn.import_nmodl(file).functions == sn.import_nmodl(mod(WHOLE)).functions
    (tmp_path / "rates.inc").write_text("PROCEDURE rates(v) {\n minf = what }")
    with pytest.raises(sn.SneuronError, match=r"rates\.inc:2:9: 'what' is not declared"):
        sn.import_nmodl(file)
