"""NMODL read into channels: what each part of it becomes, and where it cannot be taken."""

import json
import time
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

import sneuron as sn
from sneuron.cli import main
from sneuron.lang.expr import numpy_value
from sneuron.lang.model import Model, load_channel, load_model
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
        ("-2^2", -4.0), ("2^3^2", 512.0), ("2^-1", 0.5), ("1/2", 0.5), ("6/2*3", 9.0), ("2 - 3 - 4", -5.0), ("1.e1", 10.0),
        ("-(-3)", 3.0), ("1e-3 (mV)*(5)", 5e-3), ("(2 < 3)*4", 4.0), ("!(2 < 3) + 1", 1.0), ("pow(2, 3)", 8.0),
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
     ("nao", "na", 140.0), ("ki", "k", 54.4), ("ko", "k", 2.5), ("cai", "ca", 5e-5), ("cao", "ca", 2.0), ("zzi", "zz", 1.0)],
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
    units = "F1 = (faraday) (coulomb) F2 = (faraday) (kilocoulombs) R1 = (k-mole) (joule/degC) F3 = (faraday) (10000 coulomb)"
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


# what cannot be taken


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        (mod(f"{WHOLE}\nNET_RECEIVE (w) {{ m = m + w }}"), "NET_RECEIVE", "synapses"),
        (mod(f"{WHOLE}\nVERBATIM\ndouble x;\nENDVERBATIM"), "VERBATIM", "C code"),
        (mod(WHOLE.replace("minf = 1", "VERBATIM\n x();\nENDVERBATIM\nminf = 1")), "VERBATIM", "C code"),
        (mod(WHOLE.replace("minf = 1/", "minf = nothing/")), "nothing/", "'nothing' is not declared"),
        (mod(WHOLE.replace("minf = 1/", "minf = mtua/")), "mtua/", "Did you mean 'mtau'?"),
        (mod(WHOLE.replace("exp(-", "expo(-")), "expo(", "function 'expo' is not known"),
        (mod(WHOLE.replace("exp(-", "exp(2, -")), "exp(2", "2 arguments, not 1"),
        (mod(WHOLE.replace("SOLVE s", "SOLVE states")), "SOLVE states", "there is no block 'states'"),
        (mod(WHOLE.replace("DERIVATIVE s {", "NONLINEAR s {")), "SOLVE s", "NONLINEAR blocks cannot be taken"),
        (mod(WHOLE.replace("m' =", "q' =")), "q' =", "'q' is no state"),
        (mod(WHOLE.replace("m' =", "m'' =")), "' = ", "only first derivatives"),
        (mod(WHOLE, params="c[3]"), "c[3]", "arrays"),
        (mod(WHOLE.replace("minf = 1/", "minf = c[0]/")), "[0]", "arrays"),
        (mod(WHOLE.replace("minf = 1", "FROM j = 0 TO 3 { minf = j }\nminf = 1")), "FROM", "loops"),
        (mod(WHOLE.replace("minf = 1", "WHILE (v < 3) { minf = 2 }\nminf = 1")), "WHILE", "loops"),
        (mod(WHOLE.replace("1/(1 +", "p/(1 +"), "SUFFIX x\nPOINTER p\nNONSPECIFIC_CURRENT i"), "p/(1", "pointer"),
        (mod(WHOLE, "POINT_PROCESS x\nELECTRODE_CURRENT i"), "ELECTRODE_CURRENT", "stimulus"),
        (mod(WHOLE, "ARTIFICIAL_CELL x"), "ARTIFICIAL_CELL", "no channel"),
        (mod(WHOLE, "SUFFIX x\nUSEION ca READ ca1"), "USEION", "'ca1' is no variable of the ion 'ca'"),
        (mod(WHOLE.replace("i = g", "tadj = tadj + 1\n i = g*tadj")), "tadj", "from one step to the next"),
        (mod(WHOLE.replace("mtau = 2", "mtau = rates(v) + 2")), "rates(v) + 2", "calls itself"),
        (mod(f"{WHOLE} FUNCTION_TABLE f(v)").replace("1/(1 +", "f(v)/(1 +"), "f(v)/", "FUNCTION_TABLE"),
        (mod(WHOLE.replace("(minf - m)", "(minf - m")), "}", "')' is wanted"),
        (mod(WHOLE + "}"), "}", "opens no block"),
        (mod(WHOLE).replace("STATE { m }", "STATE { m"), "{ v (mV)", "a name is wanted here"),
        (mod(WHOLE.replace("minf = 1", "minf = \u20ac 1")), "\u20ac", "has no place in NMODL"),
        (mod(WHOLE) + "COMMENT", "COMMENT", "never closed"),
        (mod(f"{WHOLE}\nINCLUDE \"other.inc\""), "INCLUDE", "is not read"),
        (mod(f"{WHOLE} BEFORE STEP {{ m = 1 }}"), "BEFORE", "BEFORE blocks"),
        (mod(WHOLE.replace(" m' =", " if (v > 0) { m' = 1 }\n q =")), "if (v > 0)", "only one branch gives m'"),
        (mod(WHOLE.replace("a = 0.3", "~ m <-> m (1)\n a = 0.3")), "~ m", "1 rates, not 2"),
        (mod(WHOLE, params="q = 1e400"), "1e400", "too large"),
    ],
)  # fmt: skip
def test_what_cannot_be_taken_is_shown_where_it_stands(text: str, place: str, words: str) -> None:
    with pytest.raises(sn.SneuronError) as refused:
        sn.import_nmodl(text)
    said = str(refused.value)
    assert words in said
    assert not isinstance(refused.value, sn.errors.ExpressionError)
    if place:
        first, line, caret = said.split("\n")[:3]
        name, row, column = first.split(": ")[0].split(":")
        assert name == "NMODL"
        source = text.split("\n")[int(row) - 1]
        assert source.rstrip() == line.rstrip()
        assert caret == " " * (int(column) - 1) + "^"
        assert source[int(column) - 1 :].startswith(place)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (mod(WHOLE.replace("i = g", "a = g")), "the current 'i' is never set"),
        (mod(WHOLE.replace("(v + 60)", "(v + t)")), "depends on time itself"),
        (mod(WHOLE.replace("(v + 60)", "(v + dt)")), "depends on the time step"),
        ("TITLE nothing { }", "no NEURON block"),
        (mod(WHOLE, "SUFFIX 2x"), "a name is wanted here, not '2'"),
    ],
)
def test_what_does_not_hold_together_is_refused(text: str, words: str) -> None:
    with pytest.raises(sn.SneuronError, match=words):
        sn.import_nmodl(text)


def test_a_name_that_is_none_and_a_file_that_is_none_are_refused(tmp_path: Path) -> None:
    with pytest.raises(sn.SneuronError, match="no name"):
        sn.import_nmodl(mod(WHOLE), name="two words")
    for what in (tmp_path, tmp_path / "none.mod", "none.mod", "\0"):
        with pytest.raises(sn.SneuronError, match="cannot be read"):
            sn.import_nmodl(what)
    (tmp_path / "long.mod").write_text("x" * 400_000)
    with pytest.raises(sn.SneuronError, match="too long"):
        sn.import_nmodl(tmp_path / "long.mod")


# files and texts of channels


def test_a_channel_is_a_file(tmp_path: Path) -> None:
    channel = sn.import_nmodl(POOL)
    file = tmp_path / "pool.json"
    text = sn.ExportJSON(channel, file)
    assert load_channel(text) == load_channel(file) == load_channel(str(file)) == channel
    assert load_channel(channel) is channel
    for what in (str(file), file, text, channel, Mount(str(file)), Mount(text)):
        model = load_model("hh", channels={"pool": what})
        assert "pool.cai" in model.states
    params = {"C": Param(1.0, "uF/cm2", source="own choice")}
    cell = Neuron("c", "C", channels={"leak": Mount("leak"), "p": Mount(str(file))}, params=params)
    assert load_model(load_model(cell).to_json()) == load_model(cell)


def test_a_model_from_outside_names_no_files(tmp_path: Path) -> None:
    file = tmp_path / "pool.json"
    sn.ExportJSON(sn.import_nmodl(POOL), file)
    params = {"C": {"value": 1.0, "unit": "uF/cm2", "source": "own choice"}}
    outside = {"name": "c", "capacitance": "C", "channels": {"p": {"channel": str(file)}}, "params": params}
    for what in (outside, json.dumps(outside)):
        with pytest.raises(sn.SneuronError, match="is not known"):
            load_model(what)


@pytest.mark.parametrize(
    "text", ['{"schema": "sneuron-channel/2", "channel": {}}', '{"channel": {"nam": 1}}', "{", "[]{"]
)
def test_a_text_that_is_no_channel_is_refused(text: str) -> None:
    with pytest.raises(sn.SneuronError):
        load_channel(text)


# texts of strangers

BOMBS = {
    "brackets": mod(WHOLE.replace("minf = 1", f"minf = {'(' * 5000}1{')' * 5000}")),
    "minus": mod(WHOLE.replace("minf = 1", f"minf = {'-' * 5000}1")),
    "not": mod(WHOLE.replace("minf = 1", f"minf = {'!' * 5000}1")),
    "powers": mod(WHOLE.replace("minf = 1", f"minf = {'2^' * 200}1")),
    "tower": mod(WHOLE.replace("minf = 1/", "minf = 9^9^9^9^9/")),
    "sum": mod(WHOLE.replace("minf = 1/", f"minf = {'v + ' * 5000}1/")),
    "sum of 90": mod(WHOLE.replace("minf = 1/", f"minf = {'v - -1 + ' * 45}1/")),
    "blocks": mod(f"PROCEDURE p() {'{' * 3000}{'}' * 3000} {WHOLE}"),
    "ifs": mod(WHOLE.replace("mtau = 2", "if (v > 1) { mtau = 1 } else " * 500 + "{ mtau = 2 }\n mtau = 2")),
    "calls": mod(WHOLE + "".join(f"FUNCTION f{n}(x) {{ f{n} = f{n + 1}(x) + f{n + 1}(2*x) }}\n" for n in range(18))
                 + "FUNCTION f18(x) { f18 = x }").replace("1/(1 +", "f0(v)/(1 +"),
    "copies": mod(WHOLE.replace("mtau = 2", "".join(f"a{n} = a{n - 1}*a{n - 1} + 1\n" for n in range(1, 1500)) + "mtau = 2"),
                  more=" ".join(f"a{n}" for n in range(1500))),
    "many": mod(WHOLE, params="\n".join(f"p{n} = {n}" for n in range(20000))),
    "singular": mod(WHOLE.replace("minf = 1/", "minf = " + "(v+1)/(1-exp((v+1)/" * 12 + "2" + "))" * 12 + "/")),
    "products": mod(WHOLE.replace("minf = 1/", f"minf = {'(v + k)*' * 60}1/(1 - exp({'*'.join(['(v - k)'] * 60)}))/")),
    "number": mod(WHOLE.replace("minf = 1/", f"minf = {'9' * 5000}/")),
    "exponent": mod(WHOLE.replace("minf = 1/", "minf = 1e99999999999/")),
    "name": mod(WHOLE.replace("minf", "m" * 5000)),
    "unit": mod(WHOLE, params=f"q = 1 ({'mV ' * 5000})"),
    "unit power": mod(WHOLE.replace("/k))", "/q))"), params="q = 1 (mV999999999)"),
    "aliases": mod(WHOLE, params="q = 1 (ua)").replace("UNITS {", "UNITS { (ua) = (ub ub) (ub) = (ua ua) "),
    "nul": mod(WHOLE) + "\0" * 100,
    "lone": mod(WHOLE.replace("minf = 1", "minf = \udc00")),
    "reactions": mod(SCHEME.format(steps="\n".join(f"~ C <-> O (a + {n}, b)" for n in range(2000)))),
    "title": "TITLE " + "x" * 200_000 + mod(WHOLE),
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_refused_or_harmless(name: str) -> None:
    started = time.process_time()
    try:
        made = sn.import_nmodl(BOMBS[name])
        assert load_channel(sn.ExportJSON(made)) == made
    except sn.SneuronError as refused:
        assert len(str(refused)) < 2000
    assert time.process_time() - started < 10


WORDS = [
    "v", "m", "i", "g", "k", "minf", "exp", "(", ")", "{", "}", "+", "-", "*", "/", "^", "=", "'", "~", "<->", "<<", ",", "1",
    "2.5", "if", "else", "LOCAL", "SOLVE", "s", "rates", "STATE", "NEURON", "KINETIC", "PROCEDURE", "INITIAL", "UNITS",
    "TABLE", "FROM", "VERBATIM", "ENDVERBATIM", "\n", "PARAMETER", "BREAKPOINT", "DERIVATIVE", "CONSERVE", "COMPARTMENT",
]  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(WORDS), max_size=40), st.integers(0, 100), st.booleans())
def test_any_words_make_a_channel_or_an_error_of_ours(words: list[str], at: int, replace: bool) -> None:
    lines = mod(WHOLE).split(" ")
    at = at % len(lines)
    lines[at : at + (3 if replace else 0)] = words
    try:
        sn.import_nmodl(" ".join(lines))
    except sn.SneuronError:
        pass


# the command line


def test_import_prints_what_it_became_and_writes_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("x.mod").write_text(mod(WHOLE))
    done = CliRunner().invoke(main, ["models", "import", "x.mod", "--source", "own choice"])
    assert done.exit_code == 0, done.output
    assert "I = g*m*(v + 60)  [uA/cm2]" in done.output
    assert "note: g: 0.002 S/cm2 is 2 mS/cm2." in done.output
    channel = load_channel("x.json")
    assert channel.source == "own choice"
    assert channel == sn.import_nmodl("x.mod", source="own choice")
    held = CliRunner().invoke(main, ["models", "import", "x.mod", "--name", "y", "-o", "z.json", "--json"]).output
    assert load_channel(held).name == load_channel("z.json").name == "y"


def test_import_says_what_it_cannot_take(tmp_path: Path) -> None:
    file = tmp_path / "syn.mod"
    file.write_text(mod(f"{WHOLE}\nNET_RECEIVE (w) {{ }}"))
    done = CliRunner().invoke(main, ["models", "import", str(file)])
    assert done.exit_code == 1
    assert "syn.mod:" in done.output
    assert "synapses" in done.output
    assert list(tmp_path.iterdir()) == [file]
