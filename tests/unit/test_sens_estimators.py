"""Indices of known functions: right, the same in any chunks, honest about how sure they are and what is lacking."""

import itertools
import sys
import tracemalloc
from pathlib import Path

import dask.array
import numpy as np
import pytest
import xarray as xr
from scipy import stats

from sneuron import SensAnal, curves, errors, halton, lhs, nudges, pick_freeze, radial, random, sobol, trajectories
from sneuron.analysis.sensitivity import bounds as manski
from sneuron.analysis.sensitivity import sobol as pick
from sneuron.analysis.sensitivity.estimators import estimators
from sneuron.analysis.sensitivity.intervals import REMARKS
from sneuron.explore.coords import design_points
from sneuron.labels import Status

sys.path.insert(0, str(Path(__file__).parent))

from analytic_functions import (
    FIRST,
    G_BOX,
    G_FIRST,
    G_TOTAL,
    ISHIGAMI,
    PAIR,
    TOTAL,
    VARIANCE,
    ishigami,
    measured,
    morris_20,
    sobol_g,
)


@pytest.fixture(scope="module")
def whole() -> xr.Dataset:
    """Ishigami's function at the points of a design of second order."""
    return measured(pick_freeze(8192, ISHIGAMI, order=2))


def test_sobol_indices_of_ishigami(whole: xr.Dataset) -> None:
    found = SensAnal(whole)
    assert found.attrs["method"] == "sobol"
    assert found.param.values.tolist() == list(ISHIGAMI)
    np.testing.assert_allclose(found.S1, FIRST, atol=0.01)
    np.testing.assert_allclose(found.ST, TOTAL, atol=0.01)
    pairs = np.array([[np.nan, 0, PAIR], [0, np.nan, 0], [PAIR, 0, np.nan]])
    np.testing.assert_allclose(found.S2, pairs, atol=0.01)
    np.testing.assert_allclose(found.S2, found.S2.values.T, atol=1e-14)
    np.testing.assert_allclose(found["mean"], 3.5, atol=0.01)
    np.testing.assert_allclose(found.sd**2, VARIANCE, rtol=0.01)
    assert found.remark.values.tolist() == [0, 0, 0]


def test_sobol_indices_of_g() -> None:
    found = SensAnal(measured(pick_freeze(2**14, G_BOX), sobol_g))
    np.testing.assert_allclose(found.S1, G_FIRST, atol=0.005)
    np.testing.assert_allclose(found.ST, G_TOTAL, atol=0.005)


def test_error_falls_faster_than_that_of_random_points() -> None:
    def error(n: int) -> float:
        each = [SensAnal(measured(pick_freeze(n, ISHIGAMI, seed=s))) for s in range(12)]
        return float(np.sqrt(np.mean([(f.S1.values - FIRST) ** 2 + (f.ST.values - TOTAL) ** 2 for f in each])))

    assert error(256) / error(8192) > 1.5 * np.sqrt(8192 / 256)


@pytest.mark.parametrize(("n", "lost"), [(256, 0.0), (1024, 0.0), (4096, 0.0), (1024, 0.01)])
@pytest.mark.filterwarnings("ignore:SensAnal.*lack a value")
def test_intervals_hold_the_truth_as_often_as_they_say(n: int, lost: float) -> None:
    """500 designs of four replicates, as one more dim of the output: 95 % intervals hold it 93 to 97 times in 100.

    Also when one point in a hundred fails, whichever it is.
    """
    studies = 500
    many = ishigami(design_points(pick_freeze(n * studies, ISHIGAMI, replicates=4 * studies, seed=2)).load())
    values = many.values.reshape(n // 4, studies, 4, 5)
    values = np.where(np.random.default_rng(1).random(values.shape) < lost, np.nan, values)
    coords = {"matrix": many.matrix, "replicate": np.arange(4)}
    data = xr.Dataset({"y": (("row", "study", "replicate", "matrix"), values)}, coords)
    found = SensAnal(data)
    inside = [
        ((found[f"{name}_low"] <= truth[:, None]) & (truth[:, None] <= found[f"{name}_high"])).mean("study").values
        for name, truth in (("S1", FIRST), ("ST", TOTAL))
    ]
    assert 0.93 <= np.mean(inside) <= 0.97
    three_errors = 3 * np.sqrt(0.95 * 0.05 / studies)
    assert np.abs(np.array(inside) - 0.95).max() < three_errors


def test_an_output_of_any_dims_is_analysed_in_one_pass(whole: xr.Dataset) -> None:
    scale = xr.DataArray([[1.0, 2.0, 0.5], [3.0, 1.5, 7.0]], dims=("site", "time"), coords={"time": [0.0, 1.0, 2.0]})
    other = np.sin(whole.x3 * scale)
    found = SensAnal(whole.assign(y=scale * whole.y + other).transpose("site", ...))
    assert found.S1.dims == ("param", "site", "time")
    for place in itertools.product(range(2), range(3)):
        at = dict(zip(("site", "time"), place, strict=True))
        one = SensAnal(whole.assign(y=(scale * whole.y + other).isel(at)))
        for name in ("S1", "ST_low", "S2_high", "mean"):
            np.testing.assert_allclose(found[name].isel(at), one[name], rtol=1e-9, atol=1e-12)
    assert found.time.values.tolist() == [0.0, 1.0, 2.0]


CHUNKED = {
    "sobol": lambda: measured(pick_freeze(1024, ISHIGAMI, order=2)),
    "morris": lambda: measured(trajectories(40, ISHIGAMI)),
    "efast": lambda: measured(curves(4 * 257, ISHIGAMI, replicates=4)),
    "dgsm": lambda: measured(nudges(1024, ISHIGAMI)),
    "first": lambda: measured(sobol(4096, ISHIGAMI)),
    "pawn": lambda: measured(sobol(4096, ISHIGAMI)),
    "delta": lambda: measured(sobol(4096, ISHIGAMI)),
    "pce": lambda: measured(sobol(512, ISHIGAMI)),
    "anova": lambda: measured_grid(12),
}


def test_every_estimator_is_tried_below() -> None:
    assert {*CHUNKED, "local"} == set(estimators)


def measured_grid(n: int) -> xr.Dataset:
    """Ishigami's function on a grid of midpoints."""
    middle = (np.arange(n) + 0.5) / n * 2 * np.pi - np.pi
    points = xr.Dataset(coords=dict.fromkeys(ISHIGAMI, middle) | {n: (n, middle) for n in ISHIGAMI})
    return points.assign(y=ishigami(points))


@pytest.mark.parametrize("method", CHUNKED)
@pytest.mark.parametrize("chunk", [7, 64])
def test_bits_do_not_hang_on_chunks(method: str, chunk: int) -> None:
    data = CHUNKED[method]()
    lazy = data.chunk({dim: max(1, chunk // (k + 1)) for k, dim in enumerate(data.y.dims)})
    assert SensAnal(data, method=method).identical(SensAnal(lazy, method=method).compute())


@pytest.mark.parametrize("method", CHUNKED)
def test_the_scale_and_level_of_an_output_do_not_matter(method: str) -> None:
    data = CHUNKED[method]()
    moved = data.assign(y=1e6 + 1e-3 * data.y)
    one, other = SensAnal(data, method=method), SensAnal(moved, method=method)
    for name in ("S1", "ST", "ST_high", "pawn_median", "delta", "ST_bound"):
        if name in one:
            np.testing.assert_allclose(other[name], one[name], rtol=1e-5, atol=1e-6)
    if method == "morris":
        np.testing.assert_allclose(other.mu_star, 1e-3 * one.mu_star, rtol=1e-5)


def test_sums_of_more_rows_are_added_to_the_same_bits(whole: xr.Dataset) -> None:
    part = pick.sums(whole.isel(row=slice(0, 1024)), "y")
    assert pick.sums(whole.isel(row=slice(1024, None)), "y", part).identical(pick.sums(whole, "y"))


def test_memory_does_not_grow_with_the_design() -> None:
    """An output of 0.1 and of 0.4 GB, made as it is read."""

    def peak(rows: int) -> int:
        shape = (rows, 4, 22)
        chunks = (16384, 4, 22)
        values = dask.array.fromfunction(lambda row, k, m: (7.0 * row + 3 * k + m) % 11, shape=shape, chunks=chunks)
        names = ["A", "B", *(f"AB_x{k}" for k in range(20))]
        coords = {"replicate": np.arange(4), "matrix": names}
        data = xr.Dataset({"y": (("row", "replicate", "matrix"), values)}, coords)
        with dask.config.set(scheduler="synchronous"):
            tracemalloc.start()
            pick.sums(data, "y")
            held = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        return held

    small, large = peak(2**17), peak(2**19)
    assert large < 1.2 * small
    assert large < 2e8


def test_morris_of_a_linear_function_is_exact() -> None:
    slopes = {"a": 3.0, "b": -0.5, "c": 0.0}
    box = {"a": (0, 2), "b": (-10, 10), "c": (5, 6)}
    for samples in (trajectories(8, box), radial(8, box)):
        points = design_points(samples)
        found = SensAnal(points.assign(y=sum(s * points[n] for n, s in slopes.items())))
        np.testing.assert_allclose(found.mu, [6.0, -10.0, 0.0], atol=1e-9)
        np.testing.assert_allclose(found.mu_star, [6.0, 10.0, 0.0], atol=1e-9)
        np.testing.assert_allclose(found.sigma, 0.0, atol=1e-9)
        assert REMARKS[int(found.remark.sel(param="c"))] == "no_effect"


def test_morris_finds_the_parameters_of_his_function() -> None:
    """x1 to x10 matter; of these x8 to x10 alone act without interaction; x11 to x20 hardly do (Morris 1991)."""
    points = design_points(trajectories(20, {f"x{k}": (0.0, 1.0) for k in range(1, 21)}))
    found = SensAnal(points.assign(y=morris_20(points)))
    mu_star, sigma = found.mu_star.values, found.sigma.values
    assert mu_star[:10].min() > 2 * mu_star[10:].max()
    assert sigma[:7].min() > 2 * sigma[7:10].max()
    np.testing.assert_allclose(mu_star[7:10], 40.0, atol=8.0)  # 2 x 20: the slope over [0, 1], and small interactions
    assert (found.mu_star_low <= found.mu_star).all()


def test_efast_of_ishigami() -> None:
    found = SensAnal(measured(curves(8 * 1025, ISHIGAMI, harmonics=4)))
    np.testing.assert_allclose(found.S1, FIRST, atol=0.03)
    np.testing.assert_allclose(found.ST, TOTAL, atol=0.05)


def test_derivative_measures_of_ishigami() -> None:
    """nu in closed form: means of squares of the partial derivatives."""
    found = SensAnal(measured(nudges(2**14, ISHIGAMI, nudge=1e-5)))
    b, p = 0.1, np.pi
    nu = [(1 + 2 * b * p**4 / 5 + b**2 * p**8 / 9) / 2, 49 / 2, (4 * b) ** 2 * p**6 / 7 / 2]
    np.testing.assert_allclose(found.nu, nu, rtol=0.02)
    np.testing.assert_allclose(found.ST_bound, np.array(nu) * 4 / VARIANCE, rtol=0.02)
    assert (found.ST_bound > TOTAL).all()


def test_the_bound_of_a_normal_parameter_is_reached_by_a_line() -> None:
    points = design_points(nudges(4096, {"x": stats.norm(1, 2), "y": stats.expon(), "z": stats.beta(2, 2)}))
    found = SensAnal(points.assign(f=3 * points.x + points.y + points.z))
    shares = np.array([36.0, 1.0, 0.05]) / 37.05
    assert (found.ST_bound >= shares * 0.98).all()
    np.testing.assert_allclose(found.ST_bound[0], shares[0], rtol=0.02)


@pytest.mark.parametrize("make", [sobol, halton, lhs, random])
def test_first_order_from_any_sample(make) -> None:
    found = SensAnal(measured(make(16384, ISHIGAMI)))
    assert found.attrs["method"] == "first"
    np.testing.assert_allclose(found.S1, FIRST, atol=0.02)


def test_intervals_of_first_order_hold_the_truth_for_random_points() -> None:
    each = [ishigami(design_points(random(2048, ISHIGAMI, seed=s))) for s in range(100)]
    points = [design_points(random(2048, ISHIGAMI, seed=s)) for s in range(100)]
    found = [SensAnal(p.assign(y=y)) for p, y in zip(points, each, strict=True)]
    inside = np.mean([(f.S1_low.values <= FIRST) & (f.S1_high.values >= FIRST) for f in found], axis=0)
    assert (inside[:2] > 0.88).all()


def normal_sum(n: int, seed: int = 0) -> xr.Dataset:
    """y = 2 x1 + x2 of standard normal parameters, and x3 that does nothing."""
    points = design_points(random(n, {name: stats.norm() for name in ("x1", "x2", "x3")}, seed=seed))
    return points.assign(y=2 * points.x1 + points.x2)


def moved(share: float) -> float:
    """Borgonovo's delta of a normal parameter with a share of the variance of a normal output: by quadrature."""

    def apart(x: float) -> float:
        own = stats.norm(np.sqrt(share) * x, np.sqrt(1 - share))
        y = np.linspace(-8, 8, 4001)
        return float(np.trapezoid(np.abs(own.pdf(y) - stats.norm.pdf(y)), y) / 2 * stats.norm.pdf(x))

    x = np.linspace(-6, 6, 241)
    return float(np.trapezoid([apart(v) for v in x], x))


def test_delta_of_a_sum_of_normal_parameters() -> None:
    found = SensAnal(normal_sum(2**15), method="delta")
    np.testing.assert_allclose(found.delta, [moved(0.8), moved(0.2), 0.0], atol=0.03)
    assert float(found.delta_low[2]) == 0.0


def test_pawn_of_a_sum_of_normal_parameters() -> None:
    """The distance of a slice from all, by quadrature over ten slices."""
    found = SensAnal(normal_sum(2**15), method="pawn")

    def distance(share: float, k: int) -> float:
        y = np.linspace(-5, 5, 501)
        inner = stats.norm.ppf(np.linspace(k / 10, (k + 1) / 10, 203)[1:-1])
        conditional = stats.norm.cdf((y[:, None] - np.sqrt(share) * inner) / np.sqrt(1 - share)).mean(axis=1)
        return float(np.abs(conditional - stats.norm.cdf(y)).max())

    for name, share in (("x1", 0.8), ("x2", 0.2)):
        each = [distance(share, k) for k in range(10)]
        at = found.sel(param=name)
        np.testing.assert_allclose([at.pawn_median, at.pawn_mean], [np.median(each), np.mean(each)], atol=0.02)
    assert float(found.pawn_median[2]) < 0.02


def test_chaos_of_ishigami_is_nearly_exact() -> None:
    found = SensAnal(measured(sobol(1024, ISHIGAMI)), method="pce", order=2)
    np.testing.assert_allclose(found.S1, FIRST, atol=1e-3)
    np.testing.assert_allclose(found.ST, TOTAL, atol=1e-3)
    np.testing.assert_allclose(found.S2.sel(param="x1", other_param="x3"), PAIR, atol=1e-3)
    assert float(found.error) < 1e-3


def test_chaos_of_a_polynomial_of_normal_and_beta_parameters_is_exact() -> None:
    points = design_points(random(200, {"x": stats.norm(1, 2), "y": stats.uniform(0, 1), "z": [1.0, 2.0, 4.0]}))
    found = SensAnal(points.assign(f=points.x * points.y + points.z), method="pce", degree=3, fit="ols", norm=1.0)
    # Var = E[x^2]E[y^2] - 1/4 + Var z: E[x^2] = 5, E[y^2] = 1/3, Var z = 14/9
    whole = 5 / 3 - 0.25 + 14 / 9
    np.testing.assert_allclose(found.S1, np.array([4 * 0.25, 1 / 12, 14 / 9]) / whole, rtol=1e-6)
    np.testing.assert_allclose(found.ST, np.array([4 / 3, 5 / 12, 14 / 9]) / whole, rtol=1e-6)
    assert float(found.error) < 1e-10


def test_a_grid_is_analysed_exactly() -> None:
    found = SensAnal(measured_grid(60), order=2)
    assert found.attrs["method"] == "anova"
    np.testing.assert_allclose(found.S1, FIRST, atol=1e-3)
    np.testing.assert_allclose(found.ST, TOTAL, atol=2e-3)
    np.testing.assert_allclose(found.S2.sel(param="x1", other_param="x3"), PAIR, atol=2e-3)


def test_any_sample_can_be_part_of_a_pick_freeze_design(whole: xr.Dataset) -> None:
    """A and B are independent samples: given-data estimators take them, and no point is counted twice."""
    found = SensAnal(whole, method="first")
    np.testing.assert_allclose(found.S1, FIRST, atol=0.02)
    assert int(found.n_ok[0]) == 2 * 8192


@pytest.mark.parametrize("share", [1e-4, 0.01, 0.1])
@pytest.mark.parametrize("what", [np.nan, np.inf, "status"])
def test_failed_points_are_left_out_and_told(whole: xr.Dataset, share: float, what) -> None:
    lost = np.random.default_rng(0).random(whole.y.shape) < share
    if what == "status":
        bad = whole.assign(status=(whole.y.dims, np.where(lost, Status.DIVERGED, Status.OK)))
    else:
        bad = whole.assign(y=whole.y.where(~lost, what))
    with pytest.warns(errors.IncompleteWarning, match="comparisons .* lack a value"):
        found = SensAnal(bad)
    assert found.attrs["complete"] == 0
    assert "lack a value" in found.attrs["incomplete"]
    assert (found.n_failed > 0).all()
    assert (found.n_ok + found.n_failed == 8192).all()
    for name, truth in (("S1", FIRST), ("ST", TOTAL)):
        half = (found[f"{name}_high"] - found[f"{name}_low"]) / 2
        assert (abs(found[name] - truth) < 2 * half + 0.005).all()
        assert (found[name] != 0).all()


def test_failed_points_that_are_no_accident_are_within_the_bounds() -> None:
    """Points fail where x1 is large: no estimate knows what they would have given, but the bounds hold it."""
    data = measured(pick_freeze(4096, ISHIGAMI))
    full = SensAnal(data)
    for share in (0.01, 0.1):
        bad = data.assign(y=data.y.where(data.x1 < np.pi * (1 - 2 * share)))
        with pytest.warns(errors.IncompleteWarning, match="bounds say"):
            found = SensAnal(bad, missing="bounds", span=(float(data.y.min()), float(data.y.max())))
        for name in ("S1", "ST"):
            estimate = full[name].clip(0, 1)
            assert (found[f"{name}_least"] <= estimate + 1e-9).all()
            assert (estimate <= found[f"{name}_most"] + 1e-9).all()
            assert (found[f"{name}_least"] <= found[f"{name}_most"]).all()


def test_bounds_of_a_complete_design_are_the_estimates() -> None:
    data = measured(pick_freeze(256, ISHIGAMI))
    held = pick.sums(data, "y")
    found, told = manski.bounds(data, "y", held), pick.indices(held)
    for name in ("S1", "ST"):
        clipped = np.clip(told[name], 0, 1)
        np.testing.assert_allclose(found[f"{name}_least"], clipped, atol=1e-9)
        np.testing.assert_allclose(found[f"{name}_most"], clipped, atol=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_bounds_hold_whatever_a_failed_point_might_have_given(seed: int) -> None:
    data = measured(pick_freeze(16, ISHIGAMI, replicates=2))
    low, high = float(data.y.min()), float(data.y.max())
    lost = np.random.default_rng(seed).choice(data.y.size, 2, replace=False)
    values = data.y.values.copy()
    values.ravel()[lost] = np.nan
    bad = data.assign(y=(data.y.dims, values))
    found = manski.bounds(bad, "y", pick.sums(bad, "y"), low, high)
    for given in itertools.product(np.linspace(low, high, 9), repeat=2):
        values.ravel()[lost] = given
        told = pick.indices(pick.sums(data.assign(y=(data.y.dims, values)), "y"))
        for name in ("S1", "ST"):
            clipped = np.clip(told[name].values, 0, 1)
            assert (found[f"{name}_least"].values <= clipped + 1e-9).all()
            assert (clipped <= found[f"{name}_most"].values + 1e-9).all()


def test_missing_points_can_be_refused(whole: xr.Dataset) -> None:
    bad = whole.assign(y=whole.y.where(whole.y < 10))
    with pytest.raises(errors.DataError, match="lack a value"):
        SensAnal(bad, missing="raise")


def test_nothing_that_came_out_is_no_index() -> None:
    data = measured(pick_freeze(64, ISHIGAMI))
    with pytest.warns(errors.IncompleteWarning):
        found = SensAnal(data.assign(y=data.y * np.nan))
    assert found.S1.isnull().all()
    assert found.ST.isnull().all()
    assert {REMARKS[k] for k in found.remark.values} == {"too_few_points"}


def test_a_constant_output_has_no_indices_and_says_so(whole: xr.Dataset) -> None:
    found = SensAnal(whole.assign(y=xr.full_like(whole.y, 1e9 + 0.1)))
    assert found.S1.isnull().all()
    assert {REMARKS[k] for k in found.remark.values} == {"constant_output"}
    assert float(found["mean"]) == 1e9 + 0.1


def test_a_parameter_without_effect_has_an_index_of_exactly_nought(whole: xr.Dataset) -> None:
    found = SensAnal(whole.assign(y=np.sin(whole.x1)))
    assert found.ST.values[1:].tolist() == [0.0, 0.0]
    assert [REMARKS[k] for k in found.remark.values] == ["fine", "no_effect", "no_effect"]


def test_an_output_that_is_a_flag_has_indices_of_each_class(whole: xr.Dataset) -> None:
    """The index of a class is that of its indicator; P(class) is the mean."""
    attrs = {"flag_values": [0.0, 1.0, 2.0], "flag_meanings": "silent tonic bursting"}
    flag = xr.where(whole.x1 > 1.0, 1.0, 0.0) + xr.where((whole.x1 > 1.0) & (whole.x2 > 0.0), 1.0, 0.0)
    found = SensAnal(whole.assign(y=flag.assign_attrs(attrs)))
    assert found.S1.dims == ("param", "class")
    assert found["class"].values.tolist() == ["silent", "tonic", "bursting"]
    p = (np.pi - 1.0) / (2 * np.pi)
    np.testing.assert_allclose(found["mean"], [1 - p, p / 2, p / 2], atol=0.01)
    np.testing.assert_allclose(found.ST.sel({"class": "silent"}), [1.0, 0.0, 0.0], atol=2e-3)
    # of 1(x1 > 1) 1(x2 > 0): V = p/2 - p^2/4, S1 of x1 is p (1 - p)/4 over V, of x2 p^2/4 over V
    shares = np.array([p * (1 - p) / 4, p**2 / 4, 0.0]) / (p / 2 - p**2 / 4)
    np.testing.assert_allclose(found.S1.sel({"class": "bursting"}), shares, atol=0.03)


def test_groups_have_indices_of_their_own() -> None:
    found = SensAnal(measured(pick_freeze(8192, ISHIGAMI, groups={"both": ["x1", "x3"]})))
    assert found.param.values.tolist() == ["both", "x2"]
    np.testing.assert_allclose(found.S1, [1 - FIRST[1], FIRST[1]], atol=0.01)
    np.testing.assert_allclose(found.ST, [1 - FIRST[1], FIRST[1]], atol=0.01)


def test_history_shows_the_indices_of_the_first_points(whole: xr.Dataset) -> None:
    found = SensAnal(whole, history=True)
    assert found.n.values.tolist() == [4 * 2**k for k in range(3, 12)]
    first = SensAnal(whole.isel(row=slice(0, 64)))
    np.testing.assert_allclose(found.S1.sel(n=256), first.S1, rtol=1e-12)
    np.testing.assert_allclose(found.S1.isel(n=-1), SensAnal(whole).S1, rtol=1e-12)


def test_history_begins_where_there_are_enough_points() -> None:
    found = SensAnal(measured(sobol(256, ISHIGAMI)), method="pce", history=True)
    assert found.n.values.tolist() == [32, 64, 128, 256]


def test_several_outputs_lie_along_one_dim(whole: xr.Dataset) -> None:
    found = SensAnal(whole.assign(z=2 * whole.y, t=whole.y * xr.DataArray([1.0, 2.0], {"time": [0.0, 1.0]}, ["time"])))
    assert found.output.values.tolist() == ["y", "z"]
    np.testing.assert_allclose(found.S1.sel(output="z"), found.S1.sel(output="y"))
    assert found.t_S1.dims == ("param", "time")
