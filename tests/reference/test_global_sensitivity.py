"""Global sensitivity against quadrature, against an independent computation, and against SALib on the same points."""

import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import sneuron as sn
from sneuron.analysis.sensitivity import fourier

sys.path.insert(0, str(Path(__file__).parent.parent / "unit"))

from analytic_functions import G_BOX, ISHIGAMI, measured, sobol_g


def quadrature(
    function, box: dict[str, tuple[float, float]], nodes: int = 24
) -> tuple[np.ndarray, np.ndarray, float, float]:
    """First and total order, mean and variance of a function, by Gauss-Legendre quadrature over all its parameters."""
    x, w = np.polynomial.legendre.leggauss(nodes)
    axes = [lo + (hi - lo) * (x + 1) / 2 for lo, hi in box.values()]
    weights = w / 2
    values = function(*np.meshgrid(*axes, indexing="ij"))
    many = len(box)

    def mean_over(array: np.ndarray, kept: list[int]) -> np.ndarray:
        for axis in reversed(range(many)):
            if axis not in kept:
                array = np.tensordot(array, weights, axes=([axis], [0]))
        return array

    mean = float(mean_over(values, []))
    variance = float(mean_over((values - mean) ** 2, []))

    def closed(kept: list[int]) -> float:
        part = (mean_over(values, kept) - mean) ** 2
        for _ in kept:
            part = np.tensordot(part, weights, axes=([0], [0]))
        return float(part)

    first = np.array([closed([k]) for k in range(many)]) / variance
    total = np.array([1 - closed([k for k in range(many) if k != i]) / variance for i in range(many)])
    return first, total, mean, variance


def test_the_rate_of_an_integrate_and_fire_neuron(tmp_path: Path) -> None:
    """1/(t_ref + C/gL ln(R I/(R I - 15 mV))): the model's mean interval, against quadrature of the closed form."""
    box = {"gL": (20.0, 30.0), "C": (150.0, 350.0), "t_ref": (1.0, 4.0), "I": (600.0, 900.0)}

    def interval(g, c, t, i):
        return t + c / g * np.log((i / g) / (i / g - 15.0))

    first, total, mean, variance = quadrature(interval, box)
    found = sn.SensAnal(
        "lif", box, n=4096, duration=400.0, dt=0.01, outputs={"isi_mean": "ISIComp"}, store=tmp_path / "s"
    )
    np.testing.assert_allclose(found["mean"], mean, rtol=2e-3)
    np.testing.assert_allclose(found.sd**2, variance, rtol=5e-3)
    np.testing.assert_allclose(found.S1, first, atol=0.005)
    np.testing.assert_allclose(found.ST, total, atol=0.005)


HH = {
    "C": (0.8, 1.5), "gNa": (80.0, 160.0), "gK": (26.0, 49.0), "gL": (0.13, 0.5),
    "ENa": (30.0, 54.0), "EK": (-79.0, -74.0), "EL": (-61.0, -43.0),
}  # fmt: skip
"""Ranges of the example hodgkin_huxley of Uncertainpy (Tennoe et al. 2018, doi:10.3389/fninf.2018.00049)."""

TABLE = {
    "count": (1.2208, 0.4573, [0.026, 0.758, 0.122, 0.066, 0.580, 0.220, 0.039], 0.023),
    "v_mean": (-37.571, 2.796, [0.002, 0.169, 0.742, 0.001, 0.061, 0.029, 0.001], 0.014),
    "v_max": (38.740, 6.508, [0.008, 0.022, 0.032, 0.003, 0.937, 0.000, 0.000], 0.016),
}
"""Mean, standard deviation, ST, half-width: a NumPy program written independently of this library (exponential Euler,
0.02 ms, 147,456 runs of scrambled Sobol' points). Its fourth output, the time of the first spike, was rounded to whole
steps, which alone adds 0.01 to each small ST: it is not compared."""


@pytest.fixture(scope="module")
def hodgkin_huxley(tmp_path_factory) -> xr.Dataset:
    return studied(tmp_path_factory.mktemp("hh") / "s", 0.005)


def studied(store: Path, dt: float) -> xr.Dataset:
    fixed = {"I": 150.0, "spike_threshold": -20.0, "spike_rearm": -30.0}
    outputs = {"count": "spike_count", "v_mean": "v_mean", "v_max": "v_max"}
    return sn.SensAnal("hh", {**HH, **fixed}, n=4096, duration=15.0, dt=dt, outputs=outputs, store=store)


@pytest.mark.parametrize("name", TABLE)
def test_hodgkin_huxley_agrees_with_an_independent_program(hodgkin_huxley: xr.Dataset, name: str) -> None:
    mean, sd, total, half = TABLE[name]
    found = hodgkin_huxley.sel(output=name, param=list(HH))
    np.testing.assert_allclose(found["mean"], mean, rtol=2e-3)
    np.testing.assert_allclose(found.sd, sd, rtol=5e-3)
    assert (abs(found.ST - total) <= half + (found.ST_high - found.ST)).all()


def test_the_indices_of_hodgkin_huxley_are_those_at_a_vanishing_step(
    hodgkin_huxley: xr.Dataset, tmp_path: Path
) -> None:
    """Half the step moves no index by more than 0.001, nor the count of spikes at one of 4,096 points."""
    finer = studied(tmp_path / "s", 0.0025)
    for name in ("S1", "ST"):
        assert float(abs(finer[name] - hodgkin_huxley[name]).max()) < 1e-3
    np.testing.assert_allclose(finer["mean"], hodgkin_huxley["mean"], rtol=1e-4)


def problem(box: dict[str, tuple[float, float]]) -> dict[str, object]:
    return {"num_vars": len(box), "names": list(box), "bounds": [list(b) for b in box.values()]}


def flat(data: xr.Dataset, box: dict[str, tuple[float, float]], *dims: str) -> tuple[np.ndarray, np.ndarray]:
    """Parameters and output of all points, in the order of some dims."""
    whole = [data[n].broadcast_like(data.y).transpose(*dims).values.ravel() for n in box]
    return np.stack(whole, axis=1), data.y.transpose(*dims).values.ravel()


def test_sobol_indices_are_those_of_salib_on_the_same_points() -> None:
    analyze = pytest.importorskip("SALib.analyze.sobol")
    data = measured(sn.pick_freeze(1024, G_BOX), sobol_g)
    order = data.sel(matrix=["A", *(f"AB_{n}" for n in G_BOX), "B"])
    _, y = flat(order, G_BOX, "replicate", "row", "matrix")
    theirs = analyze.analyze(problem(G_BOX), y, calc_second_order=False, num_resamples=20, seed=1)
    found = sn.SensAnal(data)
    np.testing.assert_allclose(found.ST, theirs["ST"], rtol=1e-10)
    np.testing.assert_allclose(found.S1, theirs["S1"], atol=2e-3)  # their outputs are taken from another mean


def test_morris_is_that_of_salib_on_the_same_trajectories() -> None:
    analyze = pytest.importorskip("SALib.analyze.morris")
    data = measured(sn.trajectories(50, ISHIGAMI, levels=8))
    x, y = flat(data, ISHIGAMI, "trajectory", "move")
    theirs = analyze.analyze(problem(ISHIGAMI), x, y, num_levels=8, scaled=False, num_resamples=20, seed=1)
    found = sn.SensAnal(data)
    for name in ("mu", "mu_star", "sigma"):
        np.testing.assert_allclose(found[name], np.asarray(theirs[name]), rtol=1e-9, atol=1e-12)


@pytest.mark.filterwarnings("ignore:FAST confidence intervals:UserWarning")
def test_efast_is_that_of_salib_on_the_same_curves() -> None:
    analyze = pytest.importorskip("SALib.analyze.fast")
    data = measured(sn.curves(2 * 257, ISHIGAMI, replicates=2))
    curve = data.y.isel(replicate=0).transpose("curve", "row").values
    theirs = analyze.analyze(problem(ISHIGAMI), curve.ravel(), M=4, num_resamples=20, seed=1)
    own, low, spread, *_ = fourier._powers(curve[..., None], int(data.curve.attrs["frequency"]), 4)
    np.testing.assert_allclose((own / spread)[:, 0], theirs["S1"], rtol=1e-9)
    np.testing.assert_allclose((1 - low / spread)[:, 0], theirs["ST"], rtol=1e-9)


def test_given_data_estimators_are_near_those_of_salib() -> None:
    """Theirs are larger by chance (PAWN), and from smoothed densities (delta): near, not the same."""
    delta, pawn = (pytest.importorskip(f"SALib.analyze.{name}") for name in ("delta", "pawn"))
    data = measured(sn.random(8192, ISHIGAMI))
    x, y = flat(data, ISHIGAMI, "point")
    found = sn.SensAnal(data, method="delta")
    theirs = delta.analyze(problem(ISHIGAMI), x, y, num_resamples=2, seed=1)
    np.testing.assert_allclose(found.delta, theirs["delta_raw"], atol=0.05)
    found = sn.SensAnal(data, method="pawn")
    theirs = pawn.analyze(problem(ISHIGAMI), x, y, S=10, seed=1)
    np.testing.assert_allclose(found.pawn_median, theirs["median"], atol=0.05)


def test_one_lost_point_does_not_spoil_an_analysis_as_it_does_salib() -> None:
    """SALib 1.6.0 answers 0 +- 0 for every index, without a word, when one output of 1,280 is no number."""
    analyze = pytest.importorskip("SALib.analyze.sobol")
    data = measured(sn.pick_freeze(256, ISHIGAMI))
    data["y"][3, 1, 2] = np.nan
    _, y = flat(data.sel(matrix=["A", "AB_x1", "AB_x2", "AB_x3", "B"]), ISHIGAMI, "replicate", "row", "matrix")
    with np.errstate(all="ignore"):
        theirs = analyze.analyze(problem(ISHIGAMI), y, calc_second_order=False, num_resamples=20, seed=1)
    assert not np.any(np.asarray(theirs["ST"]) > 0)
    with pytest.warns(sn.errors.IncompleteWarning, match="1 of 256"):
        found = sn.SensAnal(data)
    assert (found.ST > 0.1).all()
