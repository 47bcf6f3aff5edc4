"""A study that says where it is not resolved: some points again at half the step."""

from typing import Any

import numpy as np
import pytest

import sneuron as sn
from sneuron.errors import PlanError, StoreError

RANGES = {"I": sn.grid(6, 14, 9), "gNa": [110.0, 120.0]}
OUTPUTS = {"peak": "v_max", "rate": sn.FireRate}


def sweep(**more: Any) -> Any:
    settings: dict[str, Any] = {"model": "hh", "duration": 40, "dt": 0.05, "outputs": OUTPUTS, "scheduler": "inline"}
    return sn.ParamSweep(RANGES, **(settings | more))


@pytest.fixture(scope="module")
def checked() -> Any:
    return sweep(convergence=0.5).load()


def test_errors_are_what_half_the_step_changes(checked: Any) -> None:
    assert checked.sizes["checked"] == 9
    fine = sweep(dt=0.025)
    for k in range(9):
        at = {"I": float(checked.checked_I[k]), "gNa": float(checked.checked_gNa[k])}
        for name in ("peak", "rate", "spike_count"):
            expected = abs(float(checked[name].sel(at)) - float(fine[name].sel(at)))
            assert float(checked[f"{name}_error"][k]) == pytest.approx(expected, abs=1e-12)
    assert float(checked.peak_error.max()) > 0
    assert checked.peak_error.attrs["units"] == "mV"
    assert (checked.checked_status == 1).all()


def test_errors_fall_with_the_step(checked: Any) -> None:
    finer = sweep(dt=0.0125, convergence=0.5)
    assert np.array_equal(finer.checked_I, checked.checked_I)
    assert float(finer.peak_error.median()) < 0.4 * float(checked.peak_error.median())


def test_the_outputs_themselves_keep_their_bits(checked: Any) -> None:
    plain = sweep()
    for name in ("peak", "rate", "spike_count"):
        assert np.array_equal(plain[name], checked[name])
    assert "checked" not in plain.dims


def test_a_point_that_fails_at_one_step_is_told(tmp_path: Any) -> None:
    data = sn.ParamSweep(
        {"I": [5.0, 1e9]},
        model="hh",
        duration=5,
        dt=0.025,
        outputs={"peak": "v_max"},
        convergence=2,
        scheduler="inline",
    )
    assert data.checked_status.values.tolist() == [1, 3]
    assert np.isnan(data.peak_error[1])


def test_a_number_of_points_and_growth(tmp_path: Any) -> None:
    study = sweep(convergence=3, store=tmp_path / "s", wait=False)
    study.wait()
    before = study.data.peak_error.load()
    assert before.sizes == {"checked": 3}
    assert "checks" in study.explain()
    grown = study.extend(I=[15.0]).data
    assert np.array_equal(grown.peak_error, before)
    assert grown.sizes["I"] == 10
    with pytest.raises(StoreError, match="another"):
        sweep(convergence=4, store=tmp_path / "s")


@pytest.mark.parametrize("share", [-0.1, 1.5, float("nan"), True, "all", 20_000])
def test_what_is_no_share_is_refused(share: Any) -> None:
    with pytest.raises(PlanError, match="convergence"):
        sn.ParamSweep({"I": sn.grid(0, 1, 30_000)}, model="hh", duration=1, convergence=share)


def test_noise_and_other_engines_are_refused() -> None:
    with pytest.raises(PlanError, match="random numbers"):
        sweep(model=sn.NoiseAdd("hh", "ou"), convergence=3)
    with pytest.raises(PlanError, match="is taken"):
        sn.ParamSweep({"I": [1.0]}, model="hh", duration=1, outputs={"checked": "v_max"})
