"""BuildNet: populations become neurons, projections become synapses; the same whatever else is built with them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import sneuron as sn
from sneuron.errors import SneuronError
from sneuron.lang.network import load_network

SMALL = {"e.size": 80, "i.size": 20, **{f"{a}{b}.p": 0.2 for a in "ei" for b in "ei"}}


def small(seed: Any = 0, **changes: Any) -> xr.Dataset:
    return sn.BuildNet("vogels_abbott_cuba", seed, {**SMALL, **changes})


def test_values_are_drawn_by_their_laws() -> None:
    net = sn.BuildNet("vogels_abbott_coba", seed=3)
    assert net.population.values.tolist() == ["e"] * 3200 + ["i"] * 800
    for name, mean, std in (("v", -65.0, 5.0), ("exc.g", 40.0, 15.0)):
        assert float(net[name].mean()) == pytest.approx(mean, abs=4 * std / np.sqrt(4000) + 0.01 * std)
        assert float(net[name].std()) == pytest.approx(std, rel=0.06)
    assert not np.array_equal(net.v.values[:800], net.v.values[3200:])
    assert net.Vth.ndim == 0


def test_a_network_is_the_same_whatever_is_built_with_it() -> None:
    alone = small(7)
    both = small([3, 7], **{"e.EL": [-49.0, -48.0]})
    assert both.EL.dims == ("e.EL", "neuron")
    np.testing.assert_array_equal(both.EL.values[1], [-48.0] * 80 + [-49.0] * 20)
    np.testing.assert_array_equal(both.v.isel(repeat=1), alone.v)
    run, one = sn.RunSim(both, 60.0), sn.RunSim(alone, 60.0)
    assert run.spike_count.dims == ("repeat", "e.EL", "neuron")
    np.testing.assert_array_equal(run.spike_count.isel({"repeat": 1, "e.EL": 0}), one.spike_count)
    np.testing.assert_array_equal(run.population, alone.population)


def test_sizes_may_differ() -> None:
    nets = small(2, **{"i.size": [10, 20]})
    run = sn.RunSim(nets, 60.0)
    assert run.spike_count.notnull().sum("neuron").values.tolist() == [90, 100]
    np.testing.assert_array_equal(run.spike_count.isel({"i.size": 1}), sn.RunSim(small(2), 60.0).spike_count)
    ten = sn.RunSim(small(2, **{"i.size": 10}), 60.0)
    np.testing.assert_array_equal(run.spike_count.isel({"i.size": 0})[:90], ten.spike_count)


def test_populations_differ_in_values_and_share_their_equations() -> None:
    table: dict[str, Any] = {
        "name": "mixed",
        "populations": {
            "rs": {"size": 5, "model": "brunel", "params": {"rate": 15.0}},
            "fs": {"size": 3, "model": "brunel", "params": {"C": 10.0, "v": 4.0}},
        },
        "projections": {"rf": {"pre": "rs", "post": "fs", "rule": "all_to_all", "weight": 0.5, "unit": "mV"}},
    }
    net = sn.BuildNet(table)
    np.testing.assert_array_equal(net.C, [20.0] * 5 + [10.0] * 3)
    np.testing.assert_array_equal(net.rate, [15.0] * 5 + [20.0] * 3)
    np.testing.assert_array_equal(net.v, [0.0] * 5 + [4.0] * 3)
    table["populations"]["fs"] = {"size": 3, "model": "vogels_abbott_cuba"}
    with pytest.raises(SneuronError, match="other equations"):
        sn.BuildNet(table)


def test_seeds_draw_other_spikes_from_outside() -> None:
    sizes = {"e.size": 40, "i.size": 10, **{f"{a}{b}.k": 5 for a in "ei" for b in "ei"}}
    nets = sn.BuildNet("brunel", [0, 1], {**sizes, **{f"{a}{b}.weight": 0.0 for a in "ei" for b in "ei"}})
    run = sn.RunSim(nets, 100.0)
    assert (run.spike_count.sum("neuron") > 100).all()
    assert not np.array_equal(run.spike_count[0], run.spike_count[1])
    np.testing.assert_array_equal(sn.RunSim(nets.isel(repeat=[1]), 100.0).spike_count[0], run.spike_count[1])


@pytest.mark.parametrize(
    ("changes", "text"),
    [({"x.size": 3}, "x"), ({"e.Vtt": 3.0}, "Vth"), ({"ee.delay": 0.25}, "dt"), ({"e.Vth": 1e9}, "Vth")],
)
def test_what_cannot_be_is_refused(changes: dict[str, Any], text: str) -> None:
    with pytest.raises(SneuronError, match=text):
        sn.RunSim(small(0, **changes), 1.0)


def test_what_is_made_for_neurons_takes_networks() -> None:
    """Stimuli and measures; results say which network they are of."""
    nets = small([1, 2])
    run = sn.RunSim(nets, 200.0)
    assert run.attrs["network_name"] == "vogels_abbott_cuba"
    assert load_network(run.attrs["network"]) == load_network("vogels_abbott_cuba")
    np.testing.assert_allclose(sn.FireRate(run), run.spike_count / 0.2, rtol=1e-12)
    kick = xr.DataArray(np.where(np.arange(100) == 4, 4000.0, 0.0), dims="neuron")
    pushed = sn.RunSim(sn.InjCur(nets, sn.step(kick, start=10.0, stop=11.0)), 20.0)
    when = pushed.event_time.values[pushed.event_neuron.values == 4]
    assert ((when > 10.0) & (when < 11.1)).sum() == 2
    with pytest.raises(SneuronError, match="Wiener"):
        sn.RunSim(sn.NoiseAdd(nets, "ou", std=20.0), 1.0, method="linear")


def test_a_network_is_kept_and_goes_on(tmp_path: Path) -> None:
    half = sn.RunSim(small(4), 50.0, return_state=True)[1]
    sn.SaveSim(half, tmp_path / "half.zarr")
    kept = sn.LoadSim(tmp_path / "half.zarr")
    np.testing.assert_array_equal(sn.RunSim(kept.load(), 50.0).event_time, sn.RunSim(half, 50.0).event_time)
