"""Laws of networks: cut anywhere, placed anywhere, the same bits; nothing that is sent is lost."""

from functools import cache

import numpy as np
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import sneuron as sn

SIZES = {"e.size": 40, "i.size": 10, **{f"{a}{b}.p": 0.4 for a in "ei" for b in "ei"}}


@cache
def network(seed: int) -> xr.Dataset:
    delays = {f"{name}.delay": 0.1 + 0.4 * k for k, name in enumerate(("ei", "ie", "ii"))}
    return sn.BuildNet("vogels_abbott_cuba", seed, SIZES | delays, dt=0.1, quantise=True)


@cache
def whole(seed: int) -> tuple[xr.Dataset, xr.Dataset]:
    found: tuple[xr.Dataset, xr.Dataset] = sn.RunSim(network(seed), 40.0, return_state=True)
    return found


@given(seed=st.integers(0, 2), cuts=st.lists(st.integers(1, 399), min_size=1, max_size=3, unique=True))
@settings(max_examples=8, deadline=None)
def test_a_run_in_parts_is_one_run(seed: int, cuts: list[int]) -> None:
    state, times, before = network(seed), [], 0
    for cut in (*sorted(cuts), 400):
        run, state = sn.RunSim(state, (cut - before) * 0.1, return_state=True)
        times.append(run.event_time.values)
        before = cut
    run, ended = whole(seed)
    np.testing.assert_allclose(np.sort(np.concatenate(times)), np.sort(run.event_time.values), rtol=1e-12)
    for name in ("v", "exc.s", "inh.s", "refractory_steps", "pending"):
        np.testing.assert_array_equal(state[name].values, ended[name].values, err_msg=name)


@given(seeds=st.lists(st.integers(0, 2), min_size=2, max_size=5))
@settings(max_examples=5, deadline=None)
def test_company_changes_nothing(seeds: list[int]) -> None:
    together = sn.BuildNet("vogels_abbott_cuba", seeds, SIZES)
    run = sn.RunSim(together, 40.0)
    for k, seed in enumerate(seeds):
        alone = sn.RunSim(sn.BuildNet("vogels_abbott_cuba", seed, SIZES), 40.0)
        np.testing.assert_array_equal(run.spike_count[k], alone.spike_count)
        np.testing.assert_array_equal(run.event_time.values[k, : alone.sizes["event"]], alone.event_time)


@given(seed=st.integers(0, 2), chosen=st.sets(st.integers(0, 49)))
@settings(max_examples=8, deadline=None)
def test_what_is_sent_is_on_its_way(seed: int, chosen: set[int]) -> None:
    net = network(seed)
    flags = np.isin(np.arange(50), list(chosen))
    pending = sn.SynDel(net, flags).pending
    weight = np.repeat(net.weight.values, net.synapse_count.values)
    names = np.repeat(net.receptor.values, net.synapse_count.values)
    late = np.rint(np.repeat(net.delay.values, net.synapse_count.values) / 0.1).astype(int)
    for port in ("exc", "inh"):
        for slot in range(pending.sizes["slot"]):
            here = (names == port) & (late == slot + 1) & flags[net.pre.values]
            expected = np.bincount(net.post.values[here], weight[here], 50)
            np.testing.assert_allclose(pending.sel(port=port).isel(slot=slot), expected, rtol=1e-12, atol=1e-12)
