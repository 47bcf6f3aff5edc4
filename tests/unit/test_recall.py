"""Hopfield's memory: patterns stored by HebbUpd, recalled, up to the load that theory allows."""

import dask
import numpy as np
import pytest
import xarray as xr
from scipy.optimize import fsolve
from scipy.special import erf

import sneuron as sn
from sneuron.errors import DataError, ParameterError


def stored(n, load, points, seed):
    """Random patterns (point, pattern, neuron), and the weights that keep them."""
    shape = (points, round(load * n), n)
    patterns = xr.DataArray(np.random.default_rng(seed).choice([-1.0, 1.0], shape), dims=("point", "pattern", "neuron"))
    shown = patterns.rename(pattern="sample", neuron="pre")
    return patterns, sn.HebbUpd(shown, post=shown.rename(pre="post"), rule="hopfield", rate=1 / n).weight


def test_weights_are_the_sum_of_outer_products_without_loops():
    patterns, weights = stored(20, 0.2, 2, 1)
    outer = np.einsum("pki,pkj->pij", patterns, patterns) / 20
    outer[:, np.arange(20), np.arange(20)] = 0
    np.testing.assert_allclose(weights, outer, atol=1e-15)


def test_a_spoilt_pattern_comes_back():
    patterns, weights = stored(200, 0.05, 5, 2)
    spoilt = np.where(np.random.default_rng(3).random(patterns.shape) < 0.2, -1.0, 1.0)
    found = sn.recall(weights, (patterns * spoilt).rename(pattern="cue"), patterns)
    own = np.diagonal(found.overlap.values, axis1=1, axis2=2)
    assert found.overlap.dims == ("point", "cue", "pattern")
    assert (own > 0.99).mean() > 0.95
    assert bool((found.settled == 1).all())


def by_mean_field(load):
    """The overlap of a stored pattern without noise, in the limit of many neurons.

    Amit, Gutfreund & Sompolinsky 1987, doi:10.1016/0003-4916(87)90092-3: with y = m/sqrt(2 a r),
    m = erf(y) and y (sqrt(2 a) + 2/sqrt(pi) exp(-y^2)) = erf(y).
    """
    (y,) = fsolve(lambda y: y * (np.sqrt(2 * load) + 2 / np.sqrt(np.pi) * np.exp(-(y**2))) - erf(y), 3.0)
    return float(erf(y))


@pytest.mark.parametrize("load", [0.05, 0.12])
def test_overlaps_below_capacity_are_those_of_mean_field_theory(load):
    patterns, weights = stored(800, load, 3, 5)
    cues = patterns.isel(pattern=slice(0, 8))
    found = sn.recall(weights, cues.rename(pattern="cue"), cues)
    own = np.diagonal(found.overlap.values, axis1=1, axis2=2)
    # on the way to many neurons: at N = 800 some memories are lost just below 0.138
    assert np.median(own) == pytest.approx(by_mean_field(load), abs=0.006)


def kept(n, load, points):
    """The mean overlap of stored patterns with where they fall."""
    patterns, weights = stored(n, load, points, 7)
    cues = patterns.isel(pattern=slice(0, 10)).rename(pattern="cue")
    return float((sn.recall(weights, cues).state * cues).mean())


def test_memories_are_lost_above_capacity_and_the_sooner_the_larger_the_network():
    """Mean over 20 networks at N = 300, load 0.21: 0.607, spread 0.07; at N = 100: 0.849 (docs/figures/learning.py)."""
    assert by_mean_field(0.1379) == pytest.approx(0.967, abs=0.002)
    assert kept(300, 0.1, 4) > 0.99
    assert kept(300, 0.21, 6) == pytest.approx(0.607, abs=0.12)
    assert kept(100, 0.21, 12) == pytest.approx(0.849, abs=0.08)


@pytest.mark.parametrize("threshold", [0.0, 0.05])
def test_the_energy_never_rises_and_where_it_rests_is_a_fixed_point(threshold):
    _, weights = stored(60, 0.3, 3, 4)
    cue = xr.DataArray(np.random.default_rng(6).choice([-1.0, 1.0], (10, 60)), dims=("start", "neuron"))
    last = None
    for sweeps in (1, 2, 3, 5, 60):
        found = sn.recall(weights, cue, sweeps=sweeps, threshold=threshold)
        s = found.state.values
        energy = -0.5 * np.einsum("psi,pij,psj->ps", s, weights, s) + threshold * s.sum(-1)
        np.testing.assert_allclose(found.energy, energy, rtol=1e-9, atol=1e-12)
        assert last is None or (energy <= last + 1e-12).all()
        last = energy
    drive = np.einsum("pij,psj->psi", weights, s) - threshold
    assert (drive * s > -1e-12).all()
    assert (found.sweeps < 60).all()


def test_all_at_once_may_swing_for_ever():
    swing = sn.recall([[0.0, -1.0], [-1.0, 0.0]], [1.0, 1.0], together=True, sweeps=7)
    assert (swing.settled, swing.sweeps) == (0, 7)
    assert sn.recall([[0.0, -1.0], [-1.0, 0.0]], [1.0, 1.0]).settled == 1


def test_points_have_their_bits_in_any_company_and_any_chunks():
    patterns, weights = stored(50, 0.2, 4, 8)
    cue = patterns.isel(pattern=0) * xr.where(np.arange(50) < 15, -1.0, 1.0)
    whole = sn.recall(weights, cue, patterns, seed=[1, 2])
    with dask.config.set(scheduler=lambda *a, **k: pytest.fail("something was computed")):
        lazy = sn.recall(weights.chunk(point=1, pre=7), cue.chunk(point=3), patterns, seed=[1, 2])
    xr.testing.assert_identical(whole, lazy.compute(scheduler="synchronous"))
    at = {"point": [3, 1]}
    xr.testing.assert_identical(
        whole.isel(at), sn.recall(weights.isel(at), cue.isel(at), patterns.isel(at), seed=[1, 2])
    )
    holed = weights.where(weights.point != 2) if "point" in weights.coords else weights.copy()
    holed[2] = np.nan
    found = sn.recall(holed, cue, patterns)
    assert np.isnan(found.overlap.values).any(1).tolist() == [False, False, True, False]
    assert np.isnan(found.state[2]).all()


@pytest.mark.parametrize(
    ("more", "error", "text"),
    [
        ({"cue": [1.0, 0.0, 1.0]}, DataError, "1 and -1"),
        ({"cue": [1.0, 1.0]}, DataError, "equal numbers"),
        ({"patterns": np.full((2, 3), 2.0)}, DataError, "1 and -1"),
        ({"sweeps": 0}, ParameterError, "from 1 on"),
        ({"threshold": np.nan}, ParameterError, "NaN"),
    ],
)
def test_what_cannot_be_is_refused(more, error, text):
    with pytest.raises(error, match=text):
        sn.recall(**{"weights": np.zeros((3, 3)), "cue": [1.0, -1.0, 1.0], **more})


def test_lazy_cues_and_patterns_of_other_values_make_no_number():
    w = np.ones((3, 3)) - np.eye(3)
    cue = xr.DataArray([[0.5, 1.0, 1.0], [1.0, 1.0, 1.0]], dims=("point", "neuron")).chunk()
    patterns = xr.DataArray([[1.0, 1.0, 2.0], [1.0, 1.0, 1.0]], dims=("pattern", "neuron")).chunk()
    found = sn.recall(w, cue, patterns).compute()
    assert np.isnan(found.isel(point=0).to_array("name")).all()
    assert np.isnan(found.overlap.values).tolist() == [[True, True], [True, False]]
