"""Couplings: what neurons do to one another at all times; gap junctions, graded synapses, gates of senders."""

import re

import numpy as np
import pytest
import xarray as xr

import sneuron as sn
from sneuron.errors import DataError, ModelError, SneuronError
from sneuron.lang.kernel import compiled
from sneuron.lang.model import Model, load_model
from sneuron.lang.spec import Channel, Param

SEEN = ["v", "i_gap"]
SENT = ["v", "gaba.s", "i_gaba"]
GAPPED = load_model("passive", channels={"gap": "gap_junction"})
KINDS = {"gap": "gap_junction", "gaba": "gaba_a_graded", "exc": "exp_conductance"}
MIXED = load_model("wang_buzsaki", channels=KINDS)
BOTH = {"pre": ("synapse", [0, 1]), "post": ("synapse", [1, 0])}


def pair(model: Model, weight: float, delay: float = 0.0, **values: object) -> xr.Dataset:
    """Two cells, coupled both ways."""
    cells = sn.InitNeu({"model": model, **values})
    return sn.connect(cells, xr.Dataset({"weight": weight, "delay": delay}, BOTH))


def along(*values: float) -> xr.DataArray:
    return xr.DataArray(list(values), dims="neuron")


def test_two_passive_cells_meet_as_the_closed_form_says_with_the_first_order() -> None:
    """The mean decays with C/gL, the difference with C/(gL + 2 g)."""
    net = pair(GAPPED, 0.2, v=along(-50.0, -80.0), EL=-70.0)
    mean, apart = -70.0 + 5.0 * np.exp(-0.1 * 8.0), 30.0 * np.exp(-0.5 * 8.0)
    exact = np.array([mean + apart / 2, mean - apart / 2])
    off = [np.abs(sn.RunSim(net, 8.0, dt=dt, record=SEEN).v.isel(time=-1) - exact).max() for dt in (0.1, 0.05, 0.025)]
    assert off[2] < 0.01
    np.testing.assert_allclose(np.divide(off[:-1], off[1:]), 2.0, rtol=0.1)


def test_gap_junctions_move_charge_and_make_none() -> None:
    net = pair(GAPPED, 0.2, v=along(-50.0, -80.0))
    run = sn.RunSim(net, 5.0, record=SEEN)
    np.testing.assert_allclose(run.i_gap.sum("neuron"), 0.0, atol=1e-12)
    np.testing.assert_allclose(run.i_gap[0], 0.2 * (run.v[0] - run.v[1]), rtol=1e-9)


def test_equal_cells_stay_equal_and_do_as_one_alone() -> None:
    net = pair(MIXED, 0.1, I=along(1.0, 1.0), v=along(-64.0, -64.0)).assign(receptor="gap")
    run, alone = (sn.RunSim(n, 50.0, record=SENT) for n in (net, net.assign(weight=0.0)))
    np.testing.assert_array_equal(run.v[0], run.v[1])
    np.testing.assert_array_equal(run.spike_count, alone.spike_count)
    assert run.spike_count.values.tolist() == [3, 3]


def test_every_sum_is_that_of_the_matrix() -> None:
    """Currents of a random graph, with weights of its own, in two projections of which one has none."""
    weight = {"law": "uniform", "low": 0.0, "high": 0.1}
    graph = sn.ConnMat(90, "erdos_renyi", p=0.2, weight=weight, seed=3)
    matrix = np.zeros((90, 90))
    np.add.at(matrix, (graph.post.values, graph.pre.values), graph.weight.values)
    v = np.linspace(-80.0, -40.0, 90)
    net = sn.connect(sn.InitNeu({"model": GAPPED, "v": along(*v)}), graph.assign(delay=0.0))
    expected = (matrix * (v[:, None] - v[None, :])).sum(1)
    np.testing.assert_allclose(sn.SynCur(net).current.sel(receptor="gap"), expected, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(sn.SynCur(net).conductance.sel(receptor="gap"), matrix.sum(1), rtol=1e-12)
    run = sn.RunSim(net, 4.0, record=SEEN)
    np.testing.assert_allclose(run.i_gap.isel(time=0), expected, rtol=1e-10, atol=1e-12)
    end = sn.SynCur(sn.NetStep(net, n=40)).current.sel(receptor="gap")
    np.testing.assert_allclose(end, run.i_gap.isel(time=-1), rtol=1e-12)


@pytest.mark.parametrize("delay", [0.0, 0.1])
def test_steps_are_runs_and_company_changes_nothing(delay: float) -> None:
    net = pair(GAPPED, 0.2, delay, v=along(-50.0, -80.0))
    whole, parts = sn.NetStep(net, n=40), sn.NetStep(sn.NetStep(sn.NetStep(net, n=1), n=26), n=13)
    np.testing.assert_array_equal(whole.v, parts.v)
    many = net.assign(weight=xr.DataArray([0.1, 0.2, 0.3], dims="point"))
    np.testing.assert_array_equal(sn.NetStep(many, n=40).v.isel(point=1), whole.v)


def test_what_is_sent_may_take_its_time() -> None:
    """A cell at rest listens to another; it hears it three steps late, and from then on."""
    ends = {"pre": ("synapse", [0]), "post": ("synapse", [1])}
    cells = sn.InitNeu({"model": GAPPED, "v": along(-50.0, -65.0)})
    late = sn.RunSim(sn.connect(cells, xr.Dataset({"weight": 0.2, "delay": 0.3}, ends)), 2.0, record=SEEN)
    soon = sn.RunSim(sn.connect(cells, xr.Dataset({"weight": 0.2, "delay": 0.0}, ends)), 2.0, record=SEEN)
    assert (late.i_gap.values[1, :3] == 0.0).all()
    np.testing.assert_array_equal(late.i_gap[1, 3:-1], soon.i_gap[1, :-4])
    np.testing.assert_array_equal(late.v[1, 3:], soon.v[1, :-3])


def test_half_the_digits_are_near() -> None:
    net = pair(GAPPED, 0.2, v=along(-50.0, -80.0))
    single = sn.NetStep(net, n=40, dtype="float32").v
    np.testing.assert_allclose(single, sn.NetStep(net, n=40).v, rtol=1e-5)


def test_alone_a_neuron_has_the_parameters_own_values() -> None:
    """A conductance of 0.2 to neighbours that are held at -80 mV."""
    assert GAPPED.currents_at({"v": -70.0})["gap"] == 0.0
    assert GAPPED.currents_at({"v": -70.0, "gap.g": 0.2, "gap.pull": -16.0})["gap"] == pytest.approx(2.0)


def test_gates_of_senders_open_what_receivers_have() -> None:
    one = sn.connect(
        sn.InitNeu({"model": MIXED, "I": along(2.0, 0.0), "v": along(-64.0, -64.0)}),
        xr.Dataset(
            {"weight": 0.3, "delay": 0.0, "receptor": "gaba"}, {"pre": ("synapse", [0]), "post": ("synapse", [1])}
        ),
    )
    run = sn.RunSim(one, 50.0, record=SENT)
    assert run.spike_count.values.tolist() == [5, 0]
    np.testing.assert_allclose(run.i_gaba[1], 0.3 * run["gaba.s"][0] * (run.v[1] + 75.0), rtol=1e-9, atol=1e-12)
    assert (run.i_gaba[0] == 0.0).all()


def test_networks_without_couplings_have_the_kernel_that_they_had() -> None:
    for method in ("linear", "exp_euler"):
        text = compiled("brunel", method, varying=frozenset()).source.text
        assert not re.search("coupl|send|_ways", text)


def test_described_networks_may_be_coupled_at_once() -> None:
    wires = {"pre": "a", "post": "a", "rule": "all_to_all", "weight": 0.01, "unit": "mS/cm2", "receptor": "gap"}
    cells = {"a": {"size": 5, "model": GAPPED.spec}}
    net = sn.BuildNet({"name": "gaps", "populations": cells, "projections": {"aa": {**wires, "delay": 0}}}, dt=0.05)
    assert (net.delay == 0.0).all()
    with pytest.raises(ModelError, match="its delay is 0"):
        sn.BuildNet(
            {"name": "gaps", "populations": cells, "projections": {"aa": {**wires, "delay": 0, "receptor": ""}}}
        )
    assert sn.SynCur(net).conductance.values == pytest.approx(0.04)


WRONG = {
    "spikes, too": ({"receive": {"z": "w"}, "states": {}}, "state 'z'|unknown|not known"),
    "square": ({"couple": {"g": "w**2"}}, "not so many times w"),
    "no weight": ({"couple": {"g": "v"}}, "not so many times w"),
    "state": ({"couple": {"v": "w"}}, "parameter 'v'"),
    "a sum in it": ({"couple": {"g": "w*pull/v", "pull": "w*v"}}, "depends on gap.pull"),
    "units": ({"couple": {"g": "w*v", "pull": "w*v"}}, "weight would have the units"),
}


@pytest.mark.parametrize("change", WRONG)
def test_couplings_that_cannot_be_are_refused(change: str) -> None:
    parts, message = WRONG[change]
    held = {"g": Param(0.0, "mS/cm2", 0, 1, "own choice"), "pull": Param(0.0, "uA/cm2", -1e3, 1e3, "own choice")}
    fields = {"couple": {"g": "w", "pull": "w*v"}, **parts}
    with pytest.raises(SneuronError, match=message):
        load_model("passive", channels={"gap": Channel("odd", "g*v - pull", params=held, **fields)})


def test_networks_that_cannot_be_are_refused() -> None:
    with pytest.raises(ModelError, match="are coupled"):
        sn.NetStep(pair(GAPPED, 0.2, v=along(-50.0, -80.0)), method="linear")
    with pytest.raises(DataError, match="is no delay"):
        sn.NetStep(pair(GAPPED, 0.2, -0.1, v=along(-50.0, -80.0)))
    with pytest.raises(DataError, match="0 ms is no delay"):
        sn.NetStep(pair(MIXED, 0.2, I=along(2.0, 0.0), v=along(-64.0, -64.0)).assign(receptor="exc"))
    wires = {"pre": "a", "post": "a", "rule": "all_to_all", "receptor": "gap", "delay": 0, "unit": "mS/cm2"}
    wires |= {"weight": 0.01, "plasticity": "stdp"}
    cells = {"a": {"size": 5, "model": GAPPED.spec}}
    with pytest.raises(ModelError, match="a coupling cannot change"):
        sn.NetStep(sn.BuildNet({"name": "gaps", "populations": cells, "projections": {"aa": wires}}))
    with pytest.raises(DataError, match="says not which"):
        sn.NetStep(pair(MIXED, 0.2, I=along(2.0, 0.0), v=along(-64.0, -64.0)))
