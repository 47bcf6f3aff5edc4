"""StdpUpd and NtRelease: what they take, and what they refuse."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import sneuron as sn
from sneuron.errors import SneuronError
from sneuron.lang.plasticity import load_plasticity


def test_parameters_and_trains_broadcast() -> None:
    trains = xr.DataArray([[1.0, 5.0, 9.0], [2.0, 6.0, np.nan]], dims=("cell", "spike"))
    found = sn.StdpUpd(trains, trains + 3.0, A_plus=[0.01, 0.02, 0.03], weight=xr.DataArray([0.4, 0.6], dims="cell"))
    assert dict(found.change.sizes) == {"cell": 2, "A_plus": 3}
    alone = sn.StdpUpd([2.0, 6.0], [5.0, 9.0], A_plus=0.02, weight=0.6)
    assert found.change.isel(cell=1, A_plus=1).item() == alone.change.item()
    np.testing.assert_allclose(found.weight - found.change, [[0.4] * 3, [0.6] * 3])


def test_runs_and_units_are_taken() -> None:
    run = sn.RunSim(sn.InitNeu({"model": "lif", "I": [400.0, 500.0]}), 200.0)
    release = sn.NtRelease(run, tau_rec="0.2 s").release
    assert release.dims == ("I", "spike")
    np.testing.assert_array_equal(np.isnan(release), np.isnan(run.spike_time))
    seconds = xr.DataArray([0.01, -0.01], dims="pair", attrs={"units": "s"})
    np.testing.assert_array_equal(sn.StdpUpd(seconds).change, sn.StdpUpd([10.0, -10.0]).change)


def test_calcium_is_exact_between_spikes() -> None:
    """Graupner & Brunel 2012 without noise and wells, by small steps (Euler)."""
    dt, w, c = 0.002, 0.5, 0.0
    for k in range(round(200.0 / dt)):
        c += 1.0 * (k == round(13.7 / dt)) + 2.0 * (k == round(30.0 / dt))
        w += dt / 150e3 * (321.808 * (1.0 - w) * (c > 1.3) - 200.0 * w * (c > 1.0))
        c *= np.exp(-dt / 20.0)
    found = sn.StdpUpd([0.0], [30.0], "calcium", axonal=13.7, until=200.0)
    assert found.change.item() == pytest.approx(w - 0.5, rel=2e-3)
    forever = sn.StdpUpd([0.0], [30.0], "calcium", axonal=13.7, until=np.inf)
    assert forever.change.item() == pytest.approx(found.change.item(), rel=1e-12)


def test_calcium_may_cross_either_threshold_first() -> None:
    """Potentiation alone between theta_p and theta_d, by small steps (Euler)."""
    dt, w, c = 0.002, 0.5, 2.0
    for _ in range(round(60.0 / dt)):
        w += dt / 150e3 * (321.808 * (1.0 - w) * (c > 0.6) - 200.0 * w * (c > 1.0))
        c *= np.exp(-dt / 20.0)
    found = sn.StdpUpd([0.0], [0.0], "calcium", C_pre=0.0, theta_p=0.6, until=60.0)
    assert found.change.item() == pytest.approx(w - 0.5, rel=2e-3)


def test_what_is_missing_or_failed_is_no_change() -> None:
    found = sn.StdpUpd([10.0, np.nan, -10.0], A_plus=[0.005, 0.01])
    assert np.isnan(found.change).any("A_plus").values.tolist() == [False, True, False]
    trains = xr.DataArray([[1.0, 5.0], [1.0, 5.0]], dims=("cell", "spike"))
    status = xr.DataArray(np.array([sn.Status.OK, sn.Status.DIVERGED], np.uint8), dims="cell")
    failed = xr.Dataset({"spike_time": trains}).assign_coords(status=status)
    for pre, post in ((failed, trains), (trains, failed), (failed, failed.isel(cell=0, drop=True))):
        found = sn.StdpUpd(pre, post + 2.0 if post is trains else post)
        assert np.isnan(found.change).values.tolist() == [False, True]
        np.testing.assert_array_equal(found.status, status)
    assert np.isnan(sn.NtRelease(failed).release).all("spike").values.tolist() == [False, True]


times = st.lists(st.integers(0, 400), max_size=30, unique=True).map(lambda t: 0.5 * np.sort(np.array(t, float)))


@given(pre=times, post=times, weight=st.floats(0.0, 1.0), rule=st.sampled_from(["stdp", "stdp_power", "stdp_nearest"]))
@settings(max_examples=60, deadline=None)
def test_bounds_hold_whatever_comes(pre: Any, post: Any, weight: float, rule: str) -> None:
    found = sn.StdpUpd(pre, post, rule, weight=weight, A_plus=0.3, A_minus=0.4)
    assert 0.0 <= found.weight.item() <= 1.0


@given(pre=times, post=times)
@settings(max_examples=30, deadline=None)
def test_time_may_be_shifted_and_turned(pre: Any, post: Any) -> None:
    """Additive pairs depend on differences alone; sides change places when time runs backwards."""
    values = {"A_plus": 0.01, "A_minus": 0.01, "bounds": False}
    found = sn.StdpUpd(pre, post, **values).change.item()
    assert sn.StdpUpd(pre + 64.0, post + 64.0, **values).change.item() == pytest.approx(found, abs=1e-12)
    turned = sn.StdpUpd(np.sort(-pre), np.sort(-post), **values).change.item()
    assert turned == pytest.approx(-found, abs=1e-12)


@given(gaps=st.lists(st.floats(0.1, 300.0), min_size=1, max_size=25), u=st.floats(0.01, 1.0), fac=st.floats(0.0, 900.0))
@settings(max_examples=40, deadline=None)
def test_resources_are_parts(gaps: list[float], u: float, fac: float) -> None:
    found = sn.NtRelease(np.cumsum(gaps), U=u, tau_fac=fac)
    assert ((found.u >= u * (1 - 1e-12)) & (found.u <= 1)).all()
    assert ((found.x >= 0) & (found.x <= 1)).all()
    np.testing.assert_allclose(found.release, found.u * found.x, rtol=1e-12)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: sn.StdpUpd([1.0], rule="stpd"), "Did you mean 'stdp'"),
        (lambda: sn.StdpUpd([1.0], A_pluss=1.0), "Did you mean 'A_plus'"),
        (lambda: sn.StdpUpd([1.0], A_plus=-1.0), "out of bounds"),
        (lambda: sn.StdpUpd([1.0], rule="tsodyks_markram"), "changes no weight"),
        (lambda: sn.StdpUpd([2.0, 1.0], [3.0]), "not in order"),
        (lambda: sn.StdpUpd([1.0, np.nan, 2.0], [3.0]), "not in order"),
        (lambda: sn.StdpUpd([[1.0], [2.0]], [3.0]), "says not which is `spike`"),
        (lambda: sn.StdpUpd([np.inf]), "infinite"),
        (lambda: sn.StdpUpd(["a"]), "are no times"),
        (lambda: sn.StdpUpd([1.0], weight=-1.0), "no size"),
        (lambda: sn.StdpUpd([1.0], weight=5.0), "5 is out of the bounds of the rule. Possible: 0 to 1"),
        (
            lambda: sn.NtRelease([1.0], "stdp", w_max=[2.0, 0.5]),
            "1 is out of the bounds of the rule. Possible: 0 to 0.5",
        ),
        (
            lambda: sn.StdpUpd([1.0], rule=replace(load_plasticity("stdp").spec, low="-w_max")),
            "change their sign",
        ),
        (lambda: sn.StdpUpd([1.0], axonal=-1.0), "no delay"),
        (lambda: sn.StdpUpd([1.0], bounds=1), "neither true nor false"),
        (lambda: sn.StdpUpd(xr.Dataset(), [1.0]), "no 'spike_time'"),
        (lambda: sn.StdpUpd(xr.DataArray([1.0], dims="t"), [1.0]), "hold no spikes"),
        (lambda: sn.NtRelease([1.0], U=2.0), "out of bounds"),
        (lambda: sn.NtRelease([1.0], synapses=0), "no number of them"),
        (lambda: sn.NtRelease([1.0], "quantal", seed=-1), "seed"),
        (
            lambda: sn.StdpUpd(xr.DataArray([1.0, 2.0], dims="A_plus", coords={"A_plus": [1, 2]}), A_plus=[0.1, 0.2]),
            "do not fit together",
        ),
    ],
)
def test_bad_input_is_refused(call: Any, words: str) -> None:
    with pytest.raises(SneuronError, match=words):
        call()
