"""NMODL that cannot be taken, is hostile, or is no NMODL; channels as files; the command."""

import contextlib
import json
import time
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

import sneuron as sn
from sneuron.cli import main
from sneuron.lang.model import load_channel, load_model
from sneuron.lang.spec import Mount, Neuron, Param


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

SCHEME = """
STATE {{ C O I }}
BREAKPOINT {{ SOLVE kin METHOD sparse
 i = g*O*(v + 60) }}
KINETIC kin {{ rates(v)
 {steps}
 CONSERVE C + O + I = 1 }}
PROCEDURE rates(v (mV)) {{ a = 0.5*exp(v/k) b = 0.3*exp(-v/k) }}
"""


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
        (mod(WHOLE, params="c[300]"), "c[300]", "300 places"),
        (mod(WHOLE.replace("minf = 1/", "minf = c[0]/")), "c[0]", "no place 0"),
        (mod(WHOLE.replace("minf = 1/", "minf = c[2]/"), more="c[2]"), "c[2]", "no place 2"),
        (mod(WHOLE.replace("minf = 1/", "minf = c[k]/"), more="c[2]"), "c[k]", "known beforehand"),
        (mod(WHOLE.replace("minf = 1", "FROM j = 0 TO k { minf = j }\nminf = 1")), "FROM", "this loop"),
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


def test_a_file_of_neuron_is_imported_first() -> None:
    with pytest.raises(sn.SneuronError, match="import_nmodl"):
        load_model("hh", channels={"k": "kv.mod"})


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
    "copies": mod(WHOLE.replace("mtau = 2", "".join(f"a{n} = a{n - 1}*a{n - 1} + 1\n" for n in range(1, 1500))
                                + "mtau = 2"), more=" ".join(f"a{n}" for n in range(1500))),
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
    "nothing": mod(WHOLE.replace("/mtau", "/mtau*0")),
    "no exponential": mod(WHOLE.replace("minf = 1/", "minf = v/(0 - 0*exp(v))/")),
    "lone": mod(WHOLE.replace("minf = 1", "minf = \udc00")),
    "reactions": mod(SCHEME.format(steps="\n".join(f"~ C <-> O (a + {n}, b)" for n in range(2000)))),
    "title": "TITLE " + "x" * 200_000 + mod(WHOLE),
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_refused_or_harmless(name: str) -> None:
    started, said = time.process_time(), ""
    try:
        made = sn.import_nmodl(BOMBS[name])
        assert load_channel(sn.ExportJSON(made)) == made
    except sn.SneuronError as refused:
        said = str(refused)
    assert len(said) < 2000
    assert time.process_time() - started < 10


WORDS = [
    "v", "m", "i", "g", "k", "minf", "exp", "(", ")", "{", "}", "+", "-", "*", "/", "^", "=", "'", "~", "<->",
    "<<", ",", "1", "2.5", "if", "else", "LOCAL", "SOLVE", "s", "rates", "STATE", "NEURON", "KINETIC", "PROCEDURE",
    "INITIAL", "UNITS", "TABLE", "FROM", "VERBATIM", "ENDVERBATIM", "PARAMETER", "BREAKPOINT", "DERIVATIVE",
    "CONSERVE", "COMPARTMENT", "\n",
]  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(WORDS), max_size=40), st.integers(0, 100), st.booleans())
def test_any_words_make_a_channel_or_an_error_of_ours(words: list[str], at: int, replace: bool) -> None:
    lines = mod(WHOLE).split(" ")
    at = at % len(lines)
    lines[at : at + (3 if replace else 0)] = words
    with contextlib.suppress(sn.SneuronError):
        sn.import_nmodl(" ".join(lines))


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
