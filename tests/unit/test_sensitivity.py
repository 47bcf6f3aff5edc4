"""Models of sensitivities are models: text, JSON, sweeps, single precision; and what they refuse."""

import numpy as np
import pytest
import sympy
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import sneuron as sn
from sneuron import errors
from sneuron.lang import expr
from sneuron.lang.expr import names_of, numpy_value, parse, symbol
from sneuron.lang.model import load_model, models
from sneuron.lang.spec import Channel, Mount, Neuron, Param, State, Transition
from sneuron.lang.written import fits, parted, written

OWN = "own choice"


@pytest.fixture(scope="module")
def sensitive() -> object:
    return sn.sensitivities("hh", ["gNa", "k.g"])


def test_it_is_a_model_like_any_other(sensitive) -> None:
    assert sn.load_model(sn.ExportJSON(sensitive)) == sensitive
    assert sn.load_model(sensitive.to_json()).hash == sensitive.hash
    assert sensitive == sn.sensitivities(sn.load_model("hh"), ["gNa", "gK", "gNa"])
    assert set(sensitive.states) == {*"vmhn", *(f"d{x}_d{p}" for x in "vmhn" for p in ("gNa", "gK"))}
    assert sensitive.params.keys() == sn.load_model("hh").params.keys()
    assert sensitive.states["dm_dgK"].unit == "1/(mS/cm2)"
    assert "dv_{dgNa}" in sensitive.latex().replace(r"\mathrm{dv}", "dv")


def test_it_is_swept_and_keeps_what_its_neuron_does(sensitive, tmp_path) -> None:
    ranges = {"gNa": [100.0, 120.0], "celsius": [6.3, 12.0]}
    ds = sn.ParamSweep(
        ranges, sensitive, duration=30, stimulus=10.0, outputs={"top": "dv_dgNa_max", "rate": sn.FireRate},
        record=["dv_dgK"], every=40, store=tmp_path / "s",
    )  # fmt: skip
    plain = sn.ParamSweep(ranges, "hh", duration=30, stimulus=10.0, store=tmp_path / "p")
    np.testing.assert_array_equal(ds.spike_count, plain.spike_count)
    assert ds.top.attrs["units"] == "mV/(mS/cm2)"
    assert ds.dv_dgK.dims == ("gNa", "celsius", "time")
    cell = sn.InitNeu({"model": sensitive, "gNa": 100.0, "celsius": 12.0, "I": 10.0})
    run = sn.RunSim(cell, 30, features=["dv_dgNa_max"])
    assert float(ds.top.sel(gNa=100.0, celsius=12.0)) == float(run.dv_dgNa_max)


def test_single_precision_is_near(sensitive) -> None:
    cell = sn.InitNeu({"model": sensitive, "I": 10.0})
    wide, narrow = (sn.RunSim(cell, 8.0, record=["dv_dgNa"], dtype=t).dv_dgNa for t in ("float64", "float32"))
    assert float(abs(wide - narrow).max()) < 1e-3 * float(abs(wide).max())


def test_a_singular_rate_is_exact_where_it_is_singular(sensitive) -> None:
    """alpha_m and alpha_n of Hodgkin & Huxley at -40 and -55 mV: d alpha/dv is half the slope there, and smooth."""
    functions, params = sensitive.functions, {n: p.value for n, p in sensitive.params.items()}
    for v, gate, slope in ((-40.0, "m", 0.05), (-55.0, "n", 0.005)):
        found = []
        for near in (-1e-3, -1e-9, 0.0, 1e-9, 1e-3):
            known = {**params, "v": v + near, gate: 0.0}
            for name, e in functions.items():
                if names_of(e) <= set(known):
                    known[name] = numpy_value(e, known)
            found.append(float(known[f"rate_of_{gate}_by_v"]))
        assert found[2] == pytest.approx(slope, rel=1e-14)
        assert found[1] == pytest.approx(found[2], rel=1e-9)
        assert found[0] == pytest.approx(found[4], rel=1e-3)


def test_a_reset_ends_it_and_says_so() -> None:
    """What jumps at a spike is not a number from there on: the neuron is diverged, never wrong."""
    model = sn.sensitivities("adex", ["a", "gL"])
    cell = sn.InitNeu({"model": model, "I": [300.0, 900.0]})
    run, after = sn.RunSim(cell, 100, record=["dv_da", "v"], return_state=True)
    assert run.status.values.tolist() == [int(sn.Status.OK), int(sn.Status.DIVERGED)]
    assert np.isnan(run.spike_count[1])
    first = sn.RunSim(sn.InitNeu({"model": "adex", "I": 900.0}), 100).spike_time[0].item()
    bad = np.isnan(run.dv_da[1])
    assert float(run.time[bad][0]) == pytest.approx(first, abs=0.1)
    assert np.isfinite(run.dv_da[0]).all()
    assert np.isnan(after.dv_da[1])
    assert sn.sensitivities("lif", ["gL"]).method == "exp_euler"


@pytest.mark.parametrize(
    ("model", "parameters", "kind", "says"),
    [
        ("hh", ["gNaa"], errors.UnknownNameError, "Did you mean 'gNa'"),
        ("hh", ["v"], errors.UnknownNameError, "parameter"),
        ("hh", [], errors.ParameterError, "no list of parameters"),
        ("hh", "gNa", errors.ParameterError, "no list of parameters"),
        ("hhh", ["gNa"], errors.UnknownNameError, "hh"),
        (
            Neuron("n", "C", currents={"l": "g*(v + dv_dg*b)"}, states={"dv_dg": State("mV", "1")}, source=OWN,
                   equations={"dv_dg": "-dv_dg/10"},
                   params={"C": Param(1.0, "uF/cm2"), "g": Param(0.1, "mS/cm2"), "b": Param(1.0, "1")}),
            ["g"], errors.ModelError, "'dv_dg' is taken",
        ),
        (
            Neuron("n", "C", source=OWN, params={"C": Param(1.0, "uF/cm2")}, channels={"x": Mount(Channel(
                "m", "g*O*v", transitions={"a": Transition("C", "O", "r", "0.1")}, source=OWN,
                params={"g": Param(0.1, "mS/cm2"), "r": Param(0.2, "1/ms")}))}),
            ["x.r"], errors.ModelError, "Markov scheme",
        ),
        (sn.NoiseAdd("passive", "ou"), ["ou.std"], errors.ModelError, "strength of noise 'ou.w' depends on 'ou.std'"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(model, parameters, kind, says) -> None:
    with pytest.raises(kind, match=says):
        sn.sensitivities(model, parameters)


# expressions written back


@pytest.mark.parametrize("name", models())
def test_everything_in_the_library_and_its_derivatives_can_be_written(name: str) -> None:
    model = load_model(name)
    texts = [*model.currents.values(), *model.equations.values(), *model.functions.values(), model.capacitance]
    texts += [*model.reset.values(), model.threshold, *model.start.values()]
    rng = np.random.default_rng(0)
    longer = {symbol(n): symbol(n.replace(".", "_")) for e in texts for n in names_of(e) if n.count(".") > 1}
    texts = [e.xreplace(longer) for e in texts]  # totals at another voltage have no spelling of their own
    for e in [*texts, *(sympy.diff(e, symbol("v")) for e in texts)]:
        if e.has(expr.phi):
            continue
        values = {n: rng.uniform(0.5, 2.0, 5) for n in names_of(e)}
        again = parse(written(e), names_of(e), name)
        np.testing.assert_allclose(numpy_value(again, values), numpy_value(e, values), rtol=1e-12)


leaves = st.sampled_from(["x", "y", "na.g", "2", "0.1", "1e-05", "3.5e+20", "pi"])


def grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    two = st.tuples(inner, inner)
    return st.one_of(
        two.map(lambda p: f"({p[0]} + {p[1]})"), two.map(lambda p: f"({p[0]} - {p[1]})"),
        inner.map(lambda e: f"exprel(-abs({e}))"), two.map(lambda p: f"({p[0]})*({p[1]})"),
        two.map(lambda p: f"({p[0]})/(1 + abs({p[1]}))"),
        inner.map(lambda e: f"-({e})"), inner.map(lambda e: f"({e})**2"), inner.map(lambda e: f"exp(-abs({e}))"),
        inner.map(lambda e: f"sqrt(abs({e}))"), inner.map(lambda e: f"(1 + abs({e}))**(-1.5)"),
        inner.map(lambda e: f"sigmoid(tanh({e}))"), two.map(lambda p: f"max({p[0]}, min({p[1]}, 1))"),
        st.tuples(inner, inner, inner).map(lambda p: f"where({p[0]} < {p[1]} or not {p[2]} >= 1, {p[2]}, {p[0]}/1e21)"),
    )  # fmt: skip


@given(st.recursive(leaves, grown, max_leaves=12))
@settings(max_examples=200)
def test_written_texts_read_back_to_the_same_values(text: str) -> None:
    names = ["x", "y", "na.g"]
    e = parse(text, names, "law")
    again = parse(written(e), names, "law")
    values = {"x": np.array([-1.5, 0.3, 2.0]), "y": np.array([0.7, -0.2, 1.0]), "na.g": np.array([120.0, 1.0, -3.0])}
    one, two = (np.broadcast_to(numpy_value(f, values), (3,)) for f in (e, again))
    np.testing.assert_allclose(one, two, rtol=1e-9, atol=1e-9 * float(np.abs(one).max()))


def test_large_expressions_are_parted() -> None:
    x = symbol("x")
    large = sympy.Add(*[sympy.exp(sympy.Float(k + 0.5) * x) / (k + 1 + x) for k in range(120)])
    deep = x
    for k in range(45):
        deep = sympy.tanh(sympy.Float(k + 1.5) * deep, evaluate=False)
    for e in (large, deep):
        assert not fits(written(e))
        made: dict[str, sympy.Expr] = {}

        def named(part: sympy.Expr, made: dict[str, sympy.Expr] = made) -> sympy.Symbol:
            made[f"part_{len(made)}"] = part
            return symbol(f"part_{len(made) - 1}")

        outer = parted(e, named)
        assert made
        known = {"x": np.array([0.1, 0.2])}
        for name, part in made.items():
            assert fits(written(part))
            known[name] = numpy_value(parse(written(part), list(known), name), known)
        found = numpy_value(parse(written(outer), list(known), "outer"), known)
        np.testing.assert_allclose(found, numpy_value(e, known), rtol=1e-12)


def test_what_the_language_has_no_word_for_is_said() -> None:
    with pytest.raises(errors.ExpressionError, match="no word for gamma"):
        written(sympy.gamma(symbol("x")))


def test_arrays_of_parameters_give_arrays_of_sensitivities(sensitive) -> None:
    pairs = xr.DataArray([80.0, 160.0], dims="cell")
    run = sn.RunSim(sn.InitNeu({"model": sensitive, "gNa": pairs, "I": [5.0, 10.0]}), 5.0, record=["dv_dgNa"])
    assert run.dv_dgNa.dims == ("cell", "I", "time")
