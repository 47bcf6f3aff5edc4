"""Laws of the language: texts mean what Python means; models survive JSON; only errors of the house come out."""

import ast
import math
import string
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sneuron.errors import ExpressionError, SneuronError
from sneuron.lang import canon
from sneuron.lang.expr import FUNCTIONS, numpy_value, parse
from sneuron.lang.model import Model, load_model
from sneuron.lang.spec import Mount, Neuron, Param

NAMES = ["v", "x", "gNa"]
MEANINGS = {
    "exp": np.exp, "log": np.log, "sqrt": np.sqrt, "tanh": np.tanh, "sin": np.sin, "cos": np.cos, "abs": np.abs,
    "sign": np.sign, "floor": np.floor, "expm1": np.expm1, "log1p": np.log1p, "min": np.minimum, "max": np.maximum,
    "pow": np.power, "sigmoid": lambda x: 0.5 * (1 + np.tanh(0.5 * x)),
    "exprel": lambda x: np.expm1(x) / x if x != 0 else np.float64(1.0), "where": lambda c, a, b: a if c else b,
}  # fmt: skip

numbers = st.floats(1e-3, 1e3).map(lambda x: float(f"{x:.6g}"))
leaves = st.one_of(st.sampled_from(NAMES), numbers.map(repr), st.integers(0, 99).map(str))


def grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    one = sorted(FUNCTIONS - {"min", "max", "pow", "where"})
    compare = st.tuples(inner, st.sampled_from(["<", "<=", ">", ">="]), inner).map(" ".join)
    return st.one_of(
        st.tuples(inner, st.sampled_from(["+", "-", "*", "/"]), inner).map(lambda p: f"({p[0]}) {p[1]} ({p[2]})"),
        st.tuples(inner, st.sampled_from(["+", "-"]), inner).map(lambda p: f"{p[0]} {p[1]} ({p[2]})"),
        st.tuples(inner, st.integers(-4, 4)).map(lambda p: f"({p[0]})**{p[1]}"),
        inner.map(lambda t: f"-({t})"),
        st.tuples(st.sampled_from(one), inner).map(lambda p: f"{p[0]}({p[1]})"),
        st.tuples(st.sampled_from(["min", "max"]), inner, inner).map(lambda p: f"{p[0]}({p[1]}, {p[2]})"),
        st.tuples(compare, inner, inner).map(lambda p: f"where({p[0]}, {p[1]}, {p[2]})"),
    )


texts = st.recursive(leaves, grown, max_leaves=12)


@settings(max_examples=300, deadline=None)
@given(text=texts, v=st.floats(-100, 100), x=st.floats(-3, 3), g=st.floats(0, 200))
def test_texts_mean_what_python_means(text: str, v: float, x: float, g: float) -> None:
    values = {"v": np.float64(v), "x": np.float64(x), "gNa": np.float64(g)}
    expression, refusal = reading(text)
    if expression is None:
        assert any(w in refusal for w in ("division by zero", "not a finite number", "too deep", "powers of powers"))
        return
    with np.errstate(all="ignore"):
        expected = float(python_meaning(text, values))
    found = float(numpy_value(expression, values))
    assert same(found, expected), (text, found, expected)


def reading(text: str) -> tuple[Any, str]:
    """The expression, or None and why not."""
    try:
        return parse(text, NAMES, "law"), ""
    except ExpressionError as refusal:
        return None, str(refusal)


class Doubles(ast.NodeTransformer):
    """Every number becomes an IEEE double of NumPy."""

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        return ast.Call(ast.Name("double", ast.Load()), [node], [])


def python_meaning(text: str, values: dict[str, np.float64]) -> np.float64:
    """Python's own reading of a text that was made here."""
    tree = ast.fix_missing_locations(Doubles().visit(ast.parse(text, mode="eval")))
    code = compile(tree, "law", "eval")
    return eval(code, {"__builtins__": {}, "double": np.float64, **MEANINGS, **values})


def same(found: float, expected: float) -> bool:
    if math.isnan(found) or math.isnan(expected):
        return math.isnan(found) and math.isnan(expected)
    return found == expected or math.isclose(found, expected, rel_tol=1e-9, abs_tol=1e-12)


@settings(max_examples=400, deadline=None)
@given(text=st.text(alphabet=string.printable, max_size=60))
def test_any_text_is_read_or_refused_by_the_language(text: str) -> None:
    expression, refusal = reading(text)
    assert (expression is None) == refusal.startswith("law: ")
    assert reading(text + " $")[0] is None


@settings(max_examples=300, deadline=None)
@given(text=st.text(alphabet="vx10.*/+-()<,e ", max_size=40))
def test_nearly_right_texts_too(text: str) -> None:
    expression, refusal = reading(text)
    if expression is None:
        assert refusal.startswith("law: ")
    else:
        assert isinstance(float(numpy_value(expression, {"v": 1.5, "x": -2.0})), float)


finite = st.floats(allow_nan=False, allow_infinity=False)


@settings(max_examples=100, deadline=None)
@given(value=finite, low=st.just(-math.inf) | st.just(-1.7976931348623157e308), note=st.text(max_size=30))
def test_models_survive_json_bit_for_bit(value: float, low: float, note: str) -> None:
    spec = Neuron(
        "toy",
        "1",
        unit="pA",
        params={"p": Param(value, "mV", low, math.inf, "own choice", note)},
        note=note,
    )
    model = load_model(spec)
    again = Model.from_json(model.to_json())
    assert again.to_json() == model.to_json()
    assert again.hash == model.hash
    assert math.copysign(1, again.params["p"].value) == math.copysign(1, value)
    assert again.params["p"] == model.params["p"]


@settings(max_examples=60, deadline=None)
@given(g=st.floats(0, 10000), e=st.floats(-200, 200), name=st.from_regex(r"[a-zA-Z][a-z0-9_]{2,8}", fullmatch=True))
def test_mounting_keeps_the_current(g: float, e: float, name: str) -> None:
    model = load_model(Neuron("toy", "1", channels={name: Mount("leak", params={"g": g, "E": e})}))
    assert float(model.currents_at({"v": -50.0})[name]) == g * (-50.0 - e)


json_values = st.recursive(
    st.none() | st.booleans() | finite | st.integers(-(2**53), 2**53) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=20,
)


@settings(max_examples=200, deadline=None)
@given(thing=json_values)
def test_canonical_json_is_a_fixed_point(thing: object) -> None:
    text = canon.dumps(thing)
    assert canon.dumps(canon.loads(text, "law")) == text


@settings(max_examples=200, deadline=None)
@given(text=st.text(alphabet='{}[]":,0123456789.eE+-truefalsn \\u', max_size=60))
def test_any_json_text_is_read_or_refused(text: str) -> None:
    with pytest.raises(SneuronError):
        load_model("{" + text)
