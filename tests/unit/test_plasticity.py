"""Synapses that change: against sums over all spikes, in any cut, in any company; and what is refused."""

from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import example, given, settings
from hypothesis import strategies as st

import sneuron as sn
from sneuron.core.network import connect
from sneuron.core.plastic import LEAST_PAST
from sneuron.errors import SneuronError
from sneuron.lang.plasticity import Rule, load_plasticity, plasticities
from sneuron.lang.spec import Param
from sneuron.lang.spec_plasticity import Decay, Plasticity

N, DT, MANY, FEW = 20, 0.125, 120, 8
OTHERS = ["quantal", "stdp_restricted"]
SCALES = ("w_max", "w_scale")
GIVEN: dict[str, dict[str, Any]] = {
    "e": {"rule": "stdp", "w_max": 100.0, "A_plus": 0.05, "A_minus": 0.06},
    "i": {"rule": "inhibitory", "w_max": 90.0, "w_scale": 80.0, "eta": 0.1},
}
GIVEN |= {n: {"rule": n, **{p: 60.0 for p in SCALES if p in load_plasticity(n).params}} for n in OTHERS}


def graph(seed: int = 0) -> xr.Dataset:
    """A projection for each rule, weights and delays of their own, not sorted."""
    rng = np.random.default_rng(seed)
    sizes = [MANY // 2, MANY // 2, *[FEW] * len(OTHERS)]
    total = sum(sizes)
    weight = np.concatenate([rng.uniform(20.0, 90.0, MANY // 2), rng.uniform(-40.0, 0.0, MANY // 2)])
    weight = np.append(weight, rng.uniform(10.0, 50.0, total - MANY))
    ends = {"pre": rng.integers(0, N, total), "post": rng.integers(0, N, total)}
    return xr.Dataset(
        {
            "weight": ("synapse", weight),
            "delay": ("synapse", np.round(rng.uniform(0.3, 3.0, total) / DT) * DT),
            "receptor": ("projection", ["exc", "inh", *["exc"] * len(OTHERS)]),
            "synapse_count": ("projection", sizes),
        },
        {n: ("synapse", e.astype(np.int32)) for n, e in ends.items()} | {"projection": list(GIVEN)},
    )


def network(seed: int = 0, rules: Any = None, **more: Any) -> xr.Dataset:
    rng = np.random.default_rng(seed)
    v = xr.DataArray(rng.uniform(-60.0, -50.0, N), dims="neuron")
    cells = sn.InitNeu({"model": "vogels_abbott_cuba", "v": v, "EL": -42.0, "t_ref": 2.0, **more})
    return connect(cells, graph(seed), GIVEN if rules is None else rules).assign_attrs(dt=DT)


@pytest.fixture(scope="module")
def ran() -> tuple[xr.Dataset, xr.Dataset]:
    run, ended = sn.RunSim(network(), 800.0, return_state=True)
    return run, ended


def steps_of(run: xr.Dataset, neuron: int) -> np.ndarray:
    """The steps at whose ends a neuron spiked."""
    times = run.event_time.values[run.event_neuron.values == neuron]
    return np.floor(times / DT - 1e-9).astype(int) + 1


def by_hand(pre: np.ndarray, post: np.ndarray, late: int, w: float, rule: str, p: dict[str, float]) -> float:
    """A weight after all events of a synapse, its traces as sums over all spikes before."""

    def trace(spikes: np.ndarray, now: int, tau: float) -> float:
        return float(np.exp(-(now - spikes[spikes < now]) * DT / tau).sum())

    behind = post + late
    for now, sent in sorted([(t, 1) for t in pre] + [(t, 0) for t in behind]):
        x, y = (trace(s, now, p[t]) for s, t in ((pre, "tau_plus"), (behind, "tau_minus")))
        if rule == "stdp":
            w += -p["A_minus"] * p["w_max"] * y if sent else p["A_plus"] * p["w_max"] * x
        else:
            w += p["eta"] * p["w_scale"] * (y - 2 * p["rate"] * p["tau_plus"] if sent else x)
        w = min(max(w, 0.0), p["w_max"])
    return w


def test_weights_are_those_of_sums_over_all_spikes(ran: tuple[xr.Dataset, xr.Dataset]) -> None:
    run, ended = ran
    net, end = network(), 6400
    assert run.spike_count.max() > 40
    known = {n: p.value for n, p in load_plasticity("stdp").params.items()} | GIVEN["e"]
    other = {n: p.value for n, p in load_plasticity("inhibitory").params.items()} | GIVEN["i"]
    other |= {"tau_plus": other["tau"], "tau_minus": other["tau"]}
    moved = 0
    for k in range(MANY):
        late = round(float(net.delay[k]) / DT)
        pre, post = (steps_of(run, int(net[n][k])) for n in ("pre", "post"))
        rule, values = ("stdp", known) if k < MANY // 2 else ("inhibitory", other)
        w = by_hand(pre, post[post + late <= end], late, abs(float(net.weight[k])), rule, values)
        sign = 1.0 if k < MANY // 2 else -1.0
        assert float(ended.weight[k]) == pytest.approx(sign * w, rel=1e-9, abs=1e-9), k
        moved += abs(w - abs(float(net.weight[k]))) > 1e-3
    assert moved > MANY // 2


@pytest.mark.parametrize("name", ["stdp", "inhibitory", *OTHERS])
def test_a_synapse_in_a_network_is_one_alone(ran: tuple[xr.Dataset, xr.Dataset], name: str) -> None:
    run, ended = ran
    net, place = network(), list(GIVEN).index({"stdp": "e", "inhibitory": "i"}.get(name, name))
    values = list(GIVEN.values())[place]
    start = int(net.synapse_count[:place].sum())
    for k in range(start, start + FEW):
        pre, post = (steps_of(run, int(net[n][k])) * DT for n in ("pre", "post"))
        late, weight = float(net.delay[k]), abs(float(net.weight[k]))
        post = post[post + late < 800.0 + DT / 2]
        if load_plasticity(name).learns:
            alone = sn.StdpUpd(pre, post, weight=weight, dendritic=late, **values).weight.item()
            assert abs(float(ended.weight[k])) == pytest.approx(alone, rel=1e-9, abs=1e-9)
        elif pre.size:
            last = sn.NtRelease(pre, **values).isel(spike=-1)
            assert float(ended["synapse.f"][k]) == pytest.approx(float(last.u), rel=1e-9)


def same(one: xr.Dataset, other: xr.Dataset) -> None:
    for name in one.data_vars:
        np.testing.assert_array_equal(one[name].values, other[name].values, err_msg=str(name))


def test_parts_are_a_whole_and_steps_are_a_run() -> None:
    _, ended = sn.RunSim(network(), 60.0, return_state=True)
    _, middle = sn.RunSim(network(), 23.75, return_state=True)
    same(ended, sn.RunSim(middle, 36.25, return_state=True)[1])
    state = network()
    for _ in range(60):
        state = sn.NetStep(state)
    same(sn.NetStep(network(), n=60), state)


@given(cuts=st.lists(st.integers(1, 479), min_size=1, max_size=3, unique=True), every=st.sampled_from([7, 64, None]))
@example(cuts=[357], every=7)  # a spike that counted at the cut does not at the end
@settings(max_examples=6, deadline=None)
def test_no_cut_and_no_snapshot_changes_a_bit(cuts: list[int], every: int | None) -> None:
    state, before = network(), 0
    for cut in (*sorted(cuts), 480):
        often = None if every is None else every * DT
        _, state = sn.RunSim(state, (cut - before) * DT, weights_every=often, return_state=True)
        before = cut
    same(sn.RunSim(network(), 60.0, return_state=True)[1], state)


def test_snapshots_come_in_time_while_samples_are_played(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs with a recording go piece by piece; snapshots know nothing of that."""
    held = xr.DataArray(np.full(500, 1.0), dims="time", coords={"time": DT * np.arange(500)}, attrs={"units": "pA"})
    net = sn.InjCur(network(), held)
    whole = sn.RunSim(net, 50.0, weights_every=7 * DT)
    monkeypatch.setattr("sneuron.core.session.PLAYED_AT_ONCE", 100)
    parts = sn.RunSim(net, 50.0, weights_every=7 * DT)
    np.testing.assert_allclose(parts.snapshot, np.arange(0.0, 50.0, 7 * DT), rtol=1e-12)
    same(whole, parts)


def test_more_spikes_of_the_past_may_be_kept_than_a_run_would_make(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spikes that neurons without a refractory time sent still count when they have one."""
    net = network(t_ref=0.0, I=1300.0)
    ended = sn.RunSim(net.assign(delay=xr.full_like(net.delay, 50.0)), 60.0, return_state=True)[1]
    assert ended.sizes["past"] > LEAST_PAST
    later = sn.RunSim(ended.assign(t_ref=5.0), 60.0, return_state=True)[1]
    monkeypatch.setattr("sneuron.core.plastic.LEAST_PAST", 256)
    same(later, sn.RunSim(ended.assign(t_ref=5.0), 60.0, return_state=True)[1])


def test_company_changes_nothing() -> None:
    values = xr.DataArray([0.01, 0.05, 0.09], dims="k")
    run, ended = sn.RunSim(network(rules=GIVEN | {"e": GIVEN["e"] | {"A_plus": values}}), 80.0, return_state=True)
    assert ended.weight.dims == ("k", "synapse")
    for k, value in enumerate(values.values):
        alone, end = sn.RunSim(network(rules=GIVEN | {"e": GIVEN["e"] | {"A_plus": value}}), 80.0, return_state=True)
        np.testing.assert_array_equal(ended.weight[k], end.weight)
        np.testing.assert_array_equal(run.spike_count[k], alone.spike_count)
    assert not np.array_equal(ended.weight[0], ended.weight[2])


def test_a_rule_that_does_nothing_changes_no_spike() -> None:
    names = {"A_plus", "A_minus", "eta", "A2_plus", "A3_plus", "A2_minus", "A3_minus"}
    still = {n: t | dict.fromkeys(names & set(load_plasticity(t["rule"]).params), 0.0) for n, t in GIVEN.items()}
    net = network(rules=still)
    learns = np.repeat([load_plasticity(t["rule"]).learns for t in GIVEN.values()], net.synapse_count)
    net = net.assign(weight=net.weight.where(learns, 0.0))
    run, ended = sn.RunSim(net, 100.0, return_state=True)
    plain = sn.RunSim(net.drop_vars([n for n in net.variables if str(n).startswith("plasticity")]), 100.0)
    np.testing.assert_array_equal(run.event_time, plain.event_time)
    np.testing.assert_array_equal(ended.weight, net.weight)


def test_signs_and_bounds_hold(ran: tuple[xr.Dataset, xr.Dataset]) -> None:
    w = ran[1].weight.values
    assert ((w[: MANY // 2] >= 0) & (w[: MANY // 2] <= 100)).all()
    assert ((w[MANY // 2 : MANY] <= 0) & (w[MANY // 2 : MANY] >= -90)).all()


@pytest.mark.parametrize("name", plasticities)
def test_rules_are_data(name: str) -> None:
    rule = load_plasticity(name)
    assert isinstance(rule, Rule)
    assert load_plasticity(rule.text) == rule
    assert "doi:" in rule.spec.source
    assert all(p.note and p.source for p in rule.params.values())


TEXT = {"name": "own", "on_pre": {"w": "w + a"}, "params": {"a": Param(0.1, "weight", 0, 1, "own choice")}}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"on_pre": {"q": "w"}}, "state 'q' is not known"),
        ({"on_pre": {"w": "w + 2*b"}}, "name 'b' is not known"),
        ({"on_pre": {"w": "w + a*gap"}}, "joins"),
        ({"on_pre": {}}, "nothing happens"),
        ({"states": {"w": Decay()}}, "two things"),
        ({"states": {"u": Decay("5")}, "between": {"u": "u"}, "on_pre": {"u": "1"}}, "decays already"),
        ({"chances": {"k": {"n": "3", "p": "0.5"}}, "on_post": {"w": "w + a*k"}}, "drawn when a spike arrives"),
        ({"delivers": "gap"}, "is in ms"),
        ({"params": {"a": Param(3.0, "weight", 0, 1, "own choice")}}, "not in its bounds"),
        ({"spike": 1}, "field 'spike' is not known"),
    ],
)
def test_descriptions_that_do_not_hold_together_are_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(SneuronError, match=words):
        load_plasticity({**TEXT, **change})
    assert load_plasticity(Plasticity(**TEXT)).name == "own"


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ({"x": "stdp"}, "Possible: e, i, "),
        ("stdp", "projections. Possible: e, i, "),
        ({"e": "stpd"}, "Did you mean 'stdp'"),
        ({"e": {"rule": "stdp", "A_plsu": 1}}, "Did you mean 'A_plus'"),
        ({"e": {"rule": "stdp", "A_plus": -1}}, "out of bounds"),
        ({"e": {"rule": "stdp", "tau_plus": "3 mV"}}, "does not convert"),
        ({"e": {"rule": "stdp", "w_max": 1.0}}, "out of the bounds of the rule"),
    ],
)
def test_bad_rules_of_networks_are_refused(rules: Any, words: str) -> None:
    with pytest.raises(SneuronError, match=words):
        sn.RunSim(network(rules=rules), 1.0)


def test_weights_of_both_signs_and_other_steps_are_refused() -> None:
    net = network()
    with pytest.raises(SneuronError, match="both signs"):
        sn.RunSim(net.assign(weight=net.weight * xr.where(np.arange(net.sizes["synapse"]) % 2, 1, -1)), 1.0)
    with pytest.raises(SneuronError, match="past spikes are counted in steps"):
        sn.NetStep(sn.NetStep(net), dt=0.0625)
    with pytest.raises(SneuronError, match="rule of the network 'triplet' is not known"):
        sn.NetStep(net.assign_coords(plasticity=("projection", ["triplet"] * len(GIVEN))))
    with pytest.raises(SneuronError, match="it has the dim 'q'"):
        sn.NetStep(net.assign_coords(plasticity=net.plasticity.expand_dims(q=2)))
    with pytest.raises(SneuronError, match="does not hold its rules"):
        sn.NetStep(net.drop_attrs().assign_attrs({k: v for k, v in net.attrs.items() if k != "plasticity"}))


TABLE = {
    "name": "small",
    "populations": {
        "c": {"size": 3, "model": "vogels_abbott_coba"},
        "p": {"size": 40, "model": "poisson", "params": {"rate": 50}},
    },
    "projections": {
        "pc": {"pre": "p", "post": "c", "rule": "all_to_all", "weight": 0.5, "unit": "nS", "receptor": "exc",
               "plasticity": {"rule": "stdp", "w_max": 1.0, "A_plus": 0.01}},
    },
}  # fmt: skip


def test_networks_of_many_sizes_learn_alone() -> None:
    """Points with graphs of their own, padded."""
    net = sn.BuildNet(TABLE, [1, 2], {"c.size": [2, 5], "p.rate": 80.0, "p.size": [30, 40]})
    ended = sn.RunSim(net, 100.0, return_state=True)[1]
    alone = sn.BuildNet(TABLE, 2, {"c.size": 2, "p.rate": 80.0, "p.size": 40})
    end = sn.RunSim(alone, 100.0, return_state=True)[1]
    one = ended.isel(repeat=1).sel({"c.size": 2, "p.size": 40})
    np.testing.assert_array_equal(one.weight[: end.sizes["synapse"]], end.weight)
    assert one.weight[end.sizes["synapse"] :].isnull().all()
    np.testing.assert_array_equal(one["exc.g"][:2], end["exc.g"])


def test_what_does_not_fit_in_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    net = sn.BuildNet(TABLE, changes={"p.size": 4000})
    monkeypatch.setattr("sneuron.core.plastic.os.sysconf", lambda name: 200)
    with pytest.raises(SneuronError, match="synapses that change take"):
        sn.RunSim(net, 1.0)


def test_networks_say_how_their_synapses_change() -> None:
    net = sn.BuildNet(TABLE, 1, {"pc.plasticity.A_plus": [0.01, 0.02], "p.rate": 80.0})
    assert net.weight.dims == ("projection",)
    assert net["plasticity.A_plus"].dims == ("pc.plasticity.A_plus", "projection")
    assert (net.source_rate == 80.0).all()
    run, ended = sn.RunSim(net, 200.0, return_state=True)
    assert ended.weight.dims == ("pc.plasticity.A_plus", "synapse")
    assert (run.spike_count.sum("neuron") > 0).all()
    again = sn.BuildNet(TABLE, 1, {"pc.plasticity.A_plus": 0.02, "p.rate": 80.0})
    np.testing.assert_array_equal(sn.RunSim(again, 200.0, return_state=True)[1].weight, ended.weight[1])


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (("projections", "pc", "plasticity"), "sdtp", "'sdtp' is not known"),
        (("projections", "pc", "plasticity"), {"rule": "stdp", "w": 1}, "parameter of 'stdp' 'w' is not known"),
        (("projections", "pc", "plasticity"), {"rule": "stdp", "A_plus": -1}, "A_plus = -1"),
        (("populations", "p", "params"), {"rates": 1}, "Did you mean 'rate'"),
        (("populations", "p", "params"), {"rate": -1}, "rate = -1"),
        (("projections", "pc", "post"), "p", "sources, which receive nothing"),
        (("populations", "c", "model"), "poisson", "sources and no neurons"),
    ],
)
def test_networks_that_cannot_learn_are_refused(path: tuple[str, ...], value: Any, words: str) -> None:
    table = {k: v if isinstance(v, str) else {n: dict(t) for n, t in v.items()} for k, v in TABLE.items()}
    held: Any = table
    for key in path[:-1]:
        held = held[key]
    held[path[-1]] = value
    with pytest.raises(SneuronError, match=words):
        sn.BuildNet(table)


def test_sources_spike_like_poisson_processes() -> None:
    net = sn.BuildNet(TABLE, list(range(20)), {"p.rate": 20.0, "p.size": 400, "pc.weight": 1e-6})
    state = sn.RunSim(net, 2000.0, return_state=True)[1]
    counts = state.source_drawn.values
    assert counts.mean() == pytest.approx(16000, abs=4 * np.sqrt(16000 / 20))
    assert 0.4 < counts.var(ddof=1) / counts.mean() < 2.0
    assert float(state["exc.g"].mean()) == pytest.approx(400 * 0.02 * 5.0 * 1e-6, rel=0.1)
    assert (state.last_spike.isel(sender=slice(3, None)) > 0).mean() > 0.999


def test_inhibition_holds_a_neuron_at_its_rate() -> None:
    """Vogels et al. 2011: whatever the excitation, the rate goes to 5 Hz."""
    sizes = {"e": 80, "i": 200, "quantal": 0, "stdp_restricted": 0}
    total = sum(sizes.values())
    ends = {"pre": 2 + np.arange(total, dtype=np.int32), "post": np.zeros(total, np.int32)}
    wires = xr.Dataset(
        {
            "weight": ("synapse", np.repeat([60.0, -5.0], [80, 200])),
            "delay": 0.5,
            "receptor": ("projection", ["exc", "inh", "exc", "exc"]),
            "synapse_count": ("projection", list(sizes.values())),
            "source_rate": (("strength", "source"), np.repeat([[12.0, 10.0], [18.0, 10.0]], [80, 200], axis=1)),
        },
        {n: ("synapse", e) for n, e in ends.items()} | {"projection": list(sizes)},
    )
    learns = {n: {"rule": n} for n in OTHERS} | {
        "e": {"rule": "stdp", "A_plus": 0.0, "A_minus": 0.0, "w_max": 100.0},
        "i": {"rule": "inhibitory", "w_max": 1000.0, "eta": 0.01, "w_scale": 100.0},
    }
    cells = sn.InitNeu({"model": "vogels_abbott_cuba", "EL": -60.0, "v": xr.DataArray([-60.0, -60.0], dims="neuron")})
    net = connect(cells, wires, learns).assign_attrs(dt=DT)
    before = sn.RunSim(net, 2000.0).spike_count.isel(neuron=0).values / 2.0
    held = sn.RunSim(net, 30_000.0, return_state=True)[1]
    after = sn.RunSim(held, 60_000.0).spike_count.isel(neuron=0).values / 60.0
    assert (before > 12.0).all()
    np.testing.assert_allclose(after, 5.0, atol=0.6)


def test_weights_of_songs_neuron_divide() -> None:
    """Song, Miller & Abbott 2000: weights go to their bounds; faster than published, by larger steps."""
    net = sn.BuildNet(
        "song_2000", seed=1, changes={"plastic.plasticity.A_plus": 0.02, "plastic.plasticity.A_minus": 0.021}
    )
    run, ended = sn.RunSim(net, 120_000.0, weights_every=40_000.0, spikes=False, return_state=True)
    weights = ended.weight.values[:1000] / 0.15
    low, middle, high = (((weights >= a) & (weights <= b)).mean() for a, b in ((0, 0.2), (0.4, 0.6), (0.8, 1)))
    assert low > 3 * middle
    assert high > 1.2 * middle
    assert run.snapshot.values.tolist() == [0.0, 40_000.0, 80_000.0, 120_000.0]
    np.testing.assert_array_equal(run.weight.isel(snapshot=-1), ended.weight)
    np.testing.assert_allclose(run.at_low.isel(snapshot=-1, projection=0), (weights == 0).mean(), rtol=1e-12)
    assert run.at_high.isel(projection=1).isnull().all()


@pytest.mark.parametrize(
    ("every", "words"),
    [
        (0.0, "no time between snapshots"),
        (0.07, "multiple of dt"),
        ("2 mV", "does not convert"),
        (True, "not a number"),
    ],
)
def test_snapshots_that_cannot_be_are_refused(every: Any, words: str) -> None:
    with pytest.raises(SneuronError, match=words):
        sn.RunSim(network(), 1.0, weights_every=every)


def test_snapshots_of_what_does_not_learn_are_refused() -> None:
    with pytest.raises(SneuronError, match="stay as they are"):
        sn.RunSim(network().drop_vars("plasticity"), 1.0, weights_every=1.0)
    with pytest.raises(SneuronError, match="no synapses"):
        sn.RunSim(sn.InitNeu("lif"), 1.0, weights_every=1.0)
