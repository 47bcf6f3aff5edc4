"""Networks: the spikes that numpy makes step by step, delays to the step, the same bits however a run is cut."""

from typing import Any

import numpy as np
import pytest
import xarray as xr

import sneuron as sn
from sneuron.core.network import NetSession, connect
from sneuron.errors import SneuronError
from sneuron.lang.model import load_model
from sneuron.lang.spec import Mount, Neuron, Param, State, Threshold

N, DT = 70, 0.1
CUBA = load_model("vogels_abbott_cuba")
P = {name: param.value for name, param in CUBA.params.items()}


def graph(seed: int, many: int = 900, delays: tuple[float, float] = (0.3, 2.1)) -> xr.Dataset:
    """Synapses with weights and delays of their own, in two projections."""
    rng = np.random.default_rng(seed)
    ends = np.sort(rng.integers(0, N, many // 3)), np.sort(rng.integers(0, N, many - many // 3))
    pre = np.concatenate(ends).astype(np.int32)
    weight = np.concatenate([rng.uniform(20.0, 90.0, many // 3), rng.uniform(-40.0, 0.0, many - many // 3)])
    delay = np.round(rng.uniform(*delays, many) / DT) * DT
    return xr.Dataset(
        {
            "weight": ("synapse", weight),
            "delay": ("synapse", delay, {"units": "ms"}),
            "receptor": ("projection", ["exc", "inh"]),
            "synapse_count": ("projection", [many // 3, many - many // 3]),
        },
        coords={"pre": ("synapse", pre), "post": ("synapse", rng.integers(0, N, many).astype(np.int32))},
    )


def cells(seed: int = 0, **more: Any) -> xr.Dataset:
    """Neurons that start anywhere between reset and threshold."""
    v = xr.DataArray(np.random.default_rng(seed).uniform(-60.0, -50.0, N), dims="neuron")
    return sn.InitNeu({"model": CUBA, "v": v, **more})


def network(seed: int = 0, **more: Any) -> xr.Dataset:
    return connect(cells(seed, **more), graph(seed))


def by_hand(net: xr.Dataset, steps: int) -> tuple[list[tuple[int, int]], np.ndarray]:
    """The network in plain numpy: (step, neuron) of all spikes, and v at the end."""
    v = net.v.values.copy()
    s = {"exc": np.zeros(N), "inh": np.zeros(N)}
    taus, tau = {"exc": P["exc.tau"], "inh": P["inh.tau"]}, P["C"] / P["gL"]
    decay = np.exp(-DT / tau)
    into = {r: (np.exp(-DT / t) - decay) * t * tau / (t - tau) / P["C"] for r, t in taus.items()}
    names = np.repeat(net.receptor.values, net.synapse_count.values)
    coming = {r: np.zeros((steps + 100, N)) for r in taus}
    waits, spikes = np.zeros(N), []
    late = np.rint(net.delay.values / DT).astype(int)
    for k in range(steps):
        free = P["EL"] + (v - P["EL"]) * decay + sum(into[r] * s[r] for r in s)
        v = np.where(waits > 0, v, free)
        for r, t in taus.items():
            s[r] = s[r] * np.exp(-DT / t) + coming[r][k]
        waits = np.maximum(waits - 1, 0)
        for i in np.flatnonzero(v >= P["Vth"]):
            spikes.append((k, int(i)))
            v[i], waits[i] = P["Vr"], np.floor(P["t_ref"] / DT + 0.5)
            for j in np.flatnonzero(net.pre.values == i):
                coming[names[j]][k + late[j], net.post.values[j]] += net.weight.values[j]
    return spikes, v


def spikes_of(run: xr.Dataset) -> list[tuple[int, int]]:
    """(step, neuron) of all spikes of one network."""
    found = zip(np.floor(run.event_time.values / DT - 1e-9).astype(int), run.event_neuron.values, strict=True)
    return sorted((int(k), int(i)) for k, i in found if i >= 0)


def same(one: xr.Dataset, other: xr.Dataset) -> None:
    for name in one.data_vars:
        np.testing.assert_array_equal(one[name].values, other[name].values, err_msg=str(name))


def test_a_network_is_what_numpy_makes_of_it_step_by_step() -> None:
    net = network()
    run, ended = sn.RunSim(net, 100.0, return_state=True)
    spikes, v = by_hand(net, 1000)
    assert len(spikes) > 80
    assert spikes_of(run) == spikes
    np.testing.assert_allclose(ended.v.values, v, rtol=1e-9)
    np.testing.assert_array_equal(run.spike_count, np.bincount([i for _, i in spikes], minlength=N))
    assert (np.diff(run.event_time.values) >= 0).all()


@pytest.mark.parametrize("delay", [0.1, 0.7, 12.8])
def test_a_spike_arrives_its_delay_later_to_the_step(delay: float) -> None:
    ends = {"pre": ("synapse", [3]), "post": ("synapse", [5])}
    pair = connect(cells(), xr.Dataset({"weight": 2.0, "delay": delay, "receptor": "exc"}, ends))
    sent = sn.SynDel(pair.assign(EL=-60.0), np.arange(N) == 3)
    g = sn.RunSim(sent, 20.0, record=["exc.s"], record_at=[5])["exc.s"].values[0]
    at = round(delay / DT)
    expected = np.where(np.arange(201) < at, 0.0, 2.0 * np.exp(-(np.arange(201) - at) * DT / P["exc.tau"]))
    np.testing.assert_allclose(g, expected, rtol=1e-12)


def test_what_is_sent_is_delivered() -> None:
    net = network(3)
    flags = np.random.default_rng(1).random(N) < 0.3
    pending = sn.SynDel(net, flags).pending
    names = np.repeat(net.receptor.values, net.synapse_count.values)
    for port in ("exc", "inh"):
        sent = net.weight.values[(names == port) & flags[net.pre.values]].sum()
        assert float(pending.sel(port=port).sum()) == pytest.approx(sent, rel=1e-12)


def test_a_step_is_neurons_and_then_delivery() -> None:
    net = sn.NetStep(network(), n=130)
    while not bool(net.spike.any()):
        net = sn.NetStep(net)
    before = sn.NetStep(network(), n=int(net.attrs["step"]) - 1)
    left = before.pending.shift(slot=-1, fill_value=0.0)
    again = sn.SynDel(net.assign(pending=left))
    np.testing.assert_array_equal(again.pending.values, net.pending.values)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_steps_are_a_run_and_parts_are_a_whole(dtype: str) -> None:
    net = network(1)
    run, ended = sn.RunSim(net, 30.0, dtype=dtype, return_state=True)
    assert run.spike_count.sum() > 20
    state = net
    for _ in range(300):
        state = sn.NetStep(state, dtype=dtype)
    same(ended, state)
    one, middle = sn.RunSim(net, 13.7, dtype=dtype, return_state=True)
    two, last = sn.RunSim(middle, 16.3, dtype=dtype, return_state=True)
    same(ended, last)
    both = np.concatenate([one.event_time.values, two.event_time.values])
    np.testing.assert_array_equal(np.sort(both), np.sort(run.event_time.values))


def test_a_network_does_not_feel_its_company() -> None:
    """Graphs, delays, weights and parameters of their own: together and alone the same bits."""
    graphs = [graph(k, delays=(0.3 + 0.4 * k, 2.0 + k)) for k in range(3)]
    whole = xr.concat(graphs, "k", data_vars="all", coords=["pre", "post"]).assign_coords(k=[0, 1, 2])
    whole = whole.assign(receptor=graphs[0].receptor, synapse_count=graphs[0].synapse_count)
    rest = xr.DataArray([-49.0, -48.0, -48.5], dims="k")
    run, ended = sn.RunSim(connect(cells(EL=rest), whole), 40.0, return_state=True)
    assert run.spike_count.dims == ("k", "neuron")
    assert (run.spike_count.sum("neuron") > 10).all()
    for k in (2, 0):
        alone, end = sn.RunSim(connect(cells(EL=float(rest[k])), graphs[k]), 40.0, return_state=True)
        many = alone.sizes["event"]
        np.testing.assert_array_equal(run.event_time.values[k, :many], alone.event_time)
        np.testing.assert_array_equal(run.event_neuron.values[k, :many], alone.event_neuron)
        assert np.isnan(run.event_time.values[k, many:]).all()
        np.testing.assert_array_equal(ended.v.isel(k=k), end.v)


def test_many_points_share_one_graph() -> None:
    """Weights that differ by point and projection, on the synapses of one graph."""
    one = graph(2).assign(weight=("projection", [60.0, -20.0]), delay=((), 0.5, {"units": "ms"}))
    scale = xr.DataArray([0.5, 1.0, 1.5], dims="scale", coords={"scale": [0.5, 1.0, 1.5]})
    run = sn.RunSim(connect(cells(), one.assign(weight=scale * one.weight)), 40.0)
    assert run.spike_count.dims == ("scale", "neuron")
    for k in range(3):
        alone = sn.RunSim(connect(cells(), one.assign(weight=one.weight * float(scale[k]))), 40.0)
        np.testing.assert_array_equal(run.spike_count.isel(scale=k), alone.spike_count)


def test_the_order_of_synapses_and_how_values_are_given_change_nothing() -> None:
    net = network(4)
    plain = sn.RunSim(net, 40.0)
    mixed = net.isel(synapse=np.concatenate([np.argsort(net.post.values[:300], kind="stable"), np.arange(300, 900)]))
    np.testing.assert_allclose(sn.RunSim(mixed, 40.0).event_time, plain.event_time, atol=1e-6)
    spelt = net.assign(Vth=xr.full_like(net.v, P["Vth"]), C=xr.full_like(net.v, P["C"]))
    np.testing.assert_array_equal(sn.RunSim(spelt, 40.0).event_time, plain.event_time)


def test_networks_of_different_sizes_have_room_for_the_largest() -> None:
    small = graph(5)
    small = small.assign_coords(pre=small.pre % 40, post=small.post % 40).sortby("pre")
    small = small.assign(synapse_count=("projection", [300, 600]))
    net = connect(cells(), small).assign(exists=("neuron", np.arange(N) < 40))
    run = sn.RunSim(net, 40.0)
    assert np.isnan(run.spike_count.values[40:]).all()
    assert (run.event_neuron < 40).all()
    assert run.spike_count.values[:40].sum() == run.sizes["event"] > 0


def test_chosen_neurons_are_recorded_as_all_are() -> None:
    net = network(6)
    whole = sn.RunSim(net, 20.0, record=["v", "exc.s", "i_exc"], every=3)
    some = sn.RunSim(net, 20.0, record=["v", "exc.s", "i_exc"], record_at=[40, 2], every=3)
    assert some.v.dims == ("trace", "time")
    for name in ("v", "exc.s", "i_exc"):
        np.testing.assert_array_equal(some[name], whole[name].isel(neuron=[40, 2]))
    np.testing.assert_array_equal(whole["i_exc"], -whole["exc.s"])
    np.testing.assert_array_equal(sn.SynCur(net).current.sel(receptor="exc"), -net["exc.s"] * xr.ones_like(net.v))


def test_a_network_that_runs_away_is_flagged_and_stopped() -> None:
    wild = graph(0).assign(weight=("projection", [4000.0, 0.0]), delay=((), 0.1, {"units": "ms"}))
    still = wild.assign(weight=wild.weight * 0.0)
    both = xr.concat([wild, still], "k", data_vars=["weight"])
    run = sn.RunSim(connect(cells(t_ref=0.0), both), 200.0)
    assert run.status.values.tolist() == [int(sn.Status.OVERFLOW), int(sn.Status.OK)]
    assert np.isnan(run.spike_count.values[0]).all()
    assert 0 < float(run.first_bad_time[0]) < 50
    assert np.isnan(run.event_time.values[0]).all()
    np.testing.assert_array_equal(run.spike_count[1], sn.RunSim(connect(cells(t_ref=0.0), still), 200.0).spike_count)


DRIVEN = Neuron(
    name="driven",
    capacitance="C",
    unit="pA",
    currents={"leak": "0.0*v*C/tau"},
    channels={"syn": Mount("delta")},
    params={
        "C": Param(1.0, "pF", 0.1, 10.0, "own choice", "capacitance"),
        "tau": Param(1.0, "ms", 0.1, 10.0, "own choice", "time constant"),
        "rate": Param(1.0, "1/ms", 0.0, 1e4, "own choice", "rate of what comes from outside"),
    },
    voltage=State("mV", "0", -1e6, 1e6),
    threshold=Threshold("9000", "8000"),
    method="linear",
    dt=0.1,
    source="own choice",
)


def test_a_network_with_a_neuron_that_fails_is_void_and_stops() -> None:
    ends = {"pre": ("synapse", [0]), "post": ("synapse", [1])}
    cells = sn.InitNeu({"model": DRIVEN, "v": xr.DataArray([0.0, 0.0, 0.0], dims="neuron")})
    weight = xr.DataArray([1.0, -2e6], dims="k")
    sent = sn.SynDel(connect(cells, xr.Dataset({"weight": weight, "delay": 0.5}, ends)), [True, False, False])
    run, ended = sn.RunSim(sent, 2.0, record=["v"], return_state=True)
    assert run.status.values.tolist() == [int(sn.Status.OK), int(sn.Status.OUT_OF_RANGE)]
    assert float(run.first_bad_time[1]) == pytest.approx(0.5)
    np.testing.assert_array_equal(run.v.values[0, 1], np.where(np.arange(21) >= 5, 1.0, 0.0))
    assert np.isnan(run.v.values[1, :, 6:]).all()
    assert np.isnan(ended.v.values[1]).all()
    assert np.isnan(run.spike_count.values[1]).all()


def test_a_state_that_is_no_number_after_the_last_step_has_a_time() -> None:
    ends = {"pre": ("synapse", [0, 0]), "post": ("synapse", [1, 1])}
    cells = sn.InitNeu({"model": "vogels_abbott_coba", "v": xr.DataArray([-60.0, -60.0], dims="neuron")})
    net = connect(cells, xr.Dataset({"weight": 1.5e308, "delay": 0.2, "receptor": "exc"}, ends))
    run = sn.RunSim(sn.SynDel(net, [True, False]), 0.2)
    assert (int(run.status), float(run.first_bad_time)) == (int(sn.Status.DIVERGED), 0.2)


def test_synapses_that_only_fill_a_row_do_not_shorten_epochs() -> None:
    short = graph(2, 600, (0.5, 2.1)).reset_coords()
    fill = {"pre": -1, "post": -1, "weight": np.nan, "delay": np.nan}
    padded = {n: short[n].pad(synapse=(0, 300), constant_values=v).astype(short[n].dtype) for n, v in fill.items()}
    rows = [graph(1, 900, (0.5, 2.1)).reset_coords(), short.drop_dims("synapse").assign(padded)]
    both = xr.concat(rows, "k", data_vars=["pre", "post", "weight", "delay", "synapse_count"])
    net = connect(cells(), both)
    assert NetSession(net, "RunSim").wiring.epochs.tolist() == [5, 5]


@pytest.mark.parametrize("spikes", [[True], [1] * N, True, [[True] * N]])
def test_only_truths_of_all_neurons_say_who_spikes(spikes: Any) -> None:
    if spikes is True:
        assert sn.SynDel(network(), spikes).pending.any()
    else:
        with pytest.raises(SneuronError, match="says not who spikes"):
            sn.SynDel(network(), spikes)


@pytest.mark.parametrize("mean", [0.02, 2.0, 16.0, 43.0])
def test_spikes_from_outside_are_a_poisson_process(mean: float) -> None:
    from sneuron.lang.spec import Drive

    model = load_model(Neuron(**{**vars(DRIVEN), "drives": {"ext": Drive("syn", "rate", "1")}}))
    many, steps = 400, 100
    state = sn.InitNeu({"model": model, "rate": xr.DataArray(np.full(many, mean * 10.0), dims="neuron")})
    v = sn.RunSim(state, steps * DT, record=["v"]).v.values
    counts = np.diff(v, axis=1)
    assert (counts == np.rint(counts)).all()
    total = counts.size
    assert abs(counts.mean() - mean) < 4 * np.sqrt(mean / total)
    assert abs(counts.var() - mean) < 5 * np.sqrt((mean + 2 * mean**2) / total)
    assert abs(np.corrcoef(counts[:, :-1].ravel(), counts[:, 1:].ravel())[0, 1]) < 4 / np.sqrt(total)
    few = sn.RunSim(state.isel(neuron=slice(0, 5)).assign(rate=("neuron", np.full(5, mean * 10.0))), 2.0, record=["v"])
    np.testing.assert_array_equal(few.v, v[:5, :21])


def bad(**changes: Any) -> xr.Dataset:
    return network().assign(**changes)


REFUSED = {
    "a sender that is not there": (lambda: bad(pre=("synapse", np.full(900, N))), "there is no neuron 70 among 70"),
    "a target below 0": (lambda: bad(post=("synapse", np.full(900, -2))), "no neuron -2"),
    "a delay of 0": (lambda: bad(delay=0.0), "no delay"),
    "a negative delay": (lambda: bad(delay=-1.0), "no delay"),
    "a delay that is no number": (lambda: bad(delay=np.nan), "no delay"),
    "a delay off the grid": (lambda: bad(delay=0.25), "no multiple of dt"),
    "a weight that is no number": (lambda: bad(weight=np.inf), "finite"),
    "an unknown receptor": (lambda: bad(receptor=("projection", ["exc", "inhib"])), "inh"),
    "projections that do not add up": (lambda: bad(synapse_count=("projection", [1, 2])), "of 900 synapses"),
    "a weight in another unit": (lambda: bad(weight=xr.DataArray(1.0, attrs={"units": "nS"})), "nS"),
    "no delay at all": (lambda: network().drop_vars("delay"), "lacks 'delay'"),
    "a receptor for each synapse": (lambda: bad(receptor=("synapse", ["exc"] * 900)), "synapse"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_is_refused(case: str) -> None:
    make, text = REFUSED[case]
    with pytest.raises(SneuronError, match=text):
        sn.RunSim(make(), 1.0)


def test_functions_of_neurons_send_networks_elsewhere() -> None:
    net = network()
    with pytest.raises(SneuronError, match="together"):
        sn.RunSim(net, 1.0, method="tsit5")
    with pytest.raises(SneuronError, match="NetStep"):
        sn.UpdVolt(net)
    with pytest.raises(SneuronError, match="no synapses"):
        sn.NetStep(cells())
    same(sn.StepSim(net, n=3), sn.NetStep(net, n=3))
    on_its_way = sn.SynDel(net, np.ones(N, bool))
    with pytest.raises(SneuronError, match="on their way"):
        sn.NetStep(sn.NetStep(on_its_way), dt=0.05)
