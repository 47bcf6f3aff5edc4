"""Brunel's network in its four regimes, beside mean field; and mean field beside published values and Siegert's rate.

Published: Brunel 2000, doi:10.1023/A:1008925309027, model A. The rates below were also found by solving the same
equations with SciPy's quadrature.
"""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from click.testing import CliRunner

import sneuron as sn
from sneuron.analysis import meanfield
from sneuron.analysis.netstate import Regime
from sneuron.cli import main
from sneuron.errors import SneuronError
from sneuron.lang.netparams import changed
from sneuron.lang.network import load_network, text_of

WORKFLOW = Path(__file__).parents[2] / "workflows" / "brunel_phase_diagram.toml"
THEORY = [(6.0, 4.0, 55.84), (5.0, 2.0, 37.95), (4.5, 0.9, 6.517)]


@pytest.mark.parametrize(("g", "eta", "rate"), THEORY)
def test_rates_sustain_themselves(g: float, eta: float, rate: float) -> None:
    assert float(sn.mean_field(g, eta, stability=False).rate) == pytest.approx(rate, rel=1e-3)


def test_where_the_asynchronous_state_loses_stability() -> None:
    """Fast at strong input and inhibition (about 180 Hz), slow near the threshold (about 30 Hz), stable between."""
    found = sn.mean_field([4.5, 5.0, 6.0], [0.9, 2.0, 4.0])
    modes = found.unstable.values
    assert modes.tolist() == [[2, 0, 0], [0, 0, 0], [0, 0, 2]]
    assert float(found.frequency.sel(g=6.0, eta=4.0)) == pytest.approx(180, abs=10)
    assert float(found.frequency.sel(g=4.5, eta=0.9)) == pytest.approx(29, abs=3)
    assert float(sn.mean_field(3.0, 2.0).rate) == pytest.approx(327.0, abs=0.1)
    assert float(sn.mean_field(3.0, 2.0).unstable) > 0


def test_slow_responses_are_slopes_of_the_rate() -> None:
    neuron = meanfield._neuron(20.0, 2.0, 20.0, 10.0)
    mu, square = np.array([18.0, 22.0, 12.0]), np.array([4.0, 2.0, 9.0])
    rate = meanfield._siegert(mu, np.sqrt(square), neuron)
    mean, variance = meanfield._responses(mu, square, rate, np.array([[1e-3]]), neuron)
    step = 1e-4
    near = [meanfield._siegert(mu + s * step, np.sqrt(square), neuron) for s in (1, -1)]
    np.testing.assert_allclose(mean[0].real, (near[0] - near[1]) / (2 * step), rtol=0.015)
    near = [meanfield._siegert(mu, np.sqrt(square + s * step), neuron) for s in (1, -1)]
    np.testing.assert_allclose(variance[0].real, (near[0] - near[1]) / (2 * step), rtol=0.02)


@pytest.mark.parametrize(
    "wrong",
    [{"theta": 5.0}, {"J": 0.0}, {"tau": -1.0}, {"delay": -1.0}, {"g": np.nan}, {"g": -1.0}, {"eta": -1.0},
     {"eta": [1.0, np.inf]}, {"k": np.inf}, {"delay": np.inf}],
)  # fmt: skip
def test_mean_field_refuses(wrong: dict[str, float]) -> None:
    with pytest.raises(SneuronError):
        sn.mean_field(**{"g": 5.0, "eta": 2.0, **wrong})


@pytest.mark.parametrize(("mu", "sigma"), [(np.nan, 1.0), (25.0, 0.0), (25.0, [1.0, -1.0])])
def test_siegert_refuses(mu: float, sigma: float) -> None:
    with pytest.raises(SneuronError, match="above 0"):
        meanfield.siegert(mu, sigma)


def test_a_rate_without_an_end_is_no_number() -> None:
    found = sn.mean_field(2.0, 4.0, t_ref=0.0)
    assert all(np.isnan(found[name]) for name in found)


def test_mean_field_is_beside_the_networks_of_which_it_tells() -> None:
    """J, D and numbers of synapses are taken from the study; of other neurons or synapses it says nothing."""
    wires = {"ee.k": 40, "ei.k": 40, "ie.k": 20, "ii.k": 20}
    text = text_of(load_network("brunel"))

    def study(model: str = text, **fixed: float) -> xr.Dataset:
        axes = {"g": [2.0, 5.0], "eta": [2.0, 4.0], **fixed}
        return xr.Dataset(coords=axes, attrs={"model_name": "brunel", "model": model})

    expected = sn.mean_field([2.0, 5.0], [2.0, 4.0], J=0.5, k=40, gamma=0.5, delay=2.0)
    own = text_of(changed(load_network("brunel"), {**wires, "J": 0.5, "D": 2.0}))
    for one in (study(J=0.5, D=2.0, **wires), study(own)):
        found = meanfield.beside(one)
        assert found is not None
        xr.testing.assert_identical(found.reset_coords(drop=True), expected)
    for other in ({"e.Vth": 15.0}, {"ee.k": 40.0}, {"ie.weight": -1.0}, {"e.rate": 10.0}):
        assert meanfield.beside(study(**other)) is None, other
    assert meanfield.beside(study().assign_coords(J=("g", [0.1, 0.2]))) is None
    assert meanfield.beside(study().drop_vars("eta")) is None


@pytest.fixture(scope="module")
def four() -> xr.Dataset:
    """Networks of 5000 neurons in three regimes, of two graphs each."""
    ranges = {"e.size": 4000, "i.size": 1000, "g": [6.0, 5.0, 4.5], "eta": sn.zipped("g", [4.0, 2.0, 0.9])}
    outputs = {"net": sn.NetState, "rate": sn.FireRate}
    found = sn.ParamSweep(
        ranges, network="brunel", duration=400, settle=100, repeats=2, seed=1, outputs=outputs, scheduler="inline"
    )
    return found.load()


def test_rates_are_those_of_mean_field(four: xr.Dataset) -> None:
    """Within 10 % where the state is asynchronous, 20 % where it oscillates, which mean field of rates leaves out.

    Brunel's own simulations: 60.7, 37.7 and 5.5 Hz.
    """
    for (g, _, rate), bound in zip(THEORY, (0.2, 0.1, 0.3), strict=True):
        np.testing.assert_allclose(four.net_rate.sel(g=g), rate, rtol=bound)
    both = four.rate.sel(g=5.0)
    np.testing.assert_allclose(both.sel(population="e"), both.sel(population="i"), rtol=0.03)


def test_the_states_are_told(four: xr.Dataset) -> None:
    fast, asynchronous, slow = (four.sel(g=g) for g in (6.0, 5.0, 4.5))
    assert (fast.net_state == Regime.SI_FAST).all()
    assert (asynchronous.net_state == Regime.AI).all()
    assert (slow.net_state == Regime.SI_SLOW).all()
    np.testing.assert_allclose(fast.net_frequency, 175.0, atol=15)
    np.testing.assert_allclose(slow.net_frequency, 25.0, atol=10)


def test_neurons_are_clocks_when_excitation_wins() -> None:
    small = {"e.size": 400, "i.size": 100, "ee.k": 40, "ei.k": 40, "ie.k": 10, "ii.k": 10, "J": 0.5}
    ranges = {**small, "g": 2.0, "eta": 2.0}
    found = sn.ParamSweep(ranges, network="brunel", duration=250, outputs={"net": sn.NetState}, scheduler="inline")
    assert found.net_state in (Regime.SR, Regime.AR), "with few synapses each has a rhythm of its own"
    theory = sn.mean_field(2.0, 2.0, J=0.5, k=40, stability=False)
    assert float(found.net_rate) == pytest.approx(float(theory.rate), rel=0.05)
    assert float(found.net_cv) < 0.2


def test_a_small_version_of_the_workflow(tmp_path: Path) -> None:
    text = WORKFLOW.read_text(encoding="utf8")
    for old, new in (
        ('"e.size" = 5000', '"e.size" = 400\n"ee.k" = 40\n"ei.k" = 40\n"ie.k" = 10\n"ii.k" = 10\nJ = 0.5'),
        ('"i.size" = 1250', '"i.size" = 100'),
        ("n = 21", "n = 3"),
        ("[0.5, 0.7, 0.8, 0.9, 0.95, 1.0, 1.1, 1.25, 1.5, 1.75, 2.0, 2.25, 2.5, 2.75, 3.0, 3.5, 4.0]", "[0.5, 2.0]"),
        ('"1 s"', '"250 ms"'),
    ):
        assert old in text
        text = text.replace(old, new)
    (tmp_path / "small.toml").write_text(text, encoding="utf8")
    told = CliRunner().invoke(main, ["run", str(tmp_path / "small.toml"), "--scheduler", "inline"])
    assert told.exit_code == 0, told.output
    assert "quiet" in told.output
    assert (tmp_path / "results" / "brunel_phase_diagram.png").stat().st_size > 20_000
    wrong = text.replace('output = "net"', 'output = "rate"')
    (tmp_path / "wrong.toml").write_text(wrong, encoding="utf8")
    refused = CliRunner().invoke(main, ["run", str(tmp_path / "wrong.toml")])
    assert refused.exit_code != 0
    assert "NetState" in refused.output
