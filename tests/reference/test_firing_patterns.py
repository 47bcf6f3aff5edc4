"""Published neurons that are named for how they fire."""

import pytest
import xarray as xr

import sneuron as sn
from sneuron.analysis.firing import Pattern

ADEX = {
    "adex_tonic": "tonic",
    "adex_adaptation": "tonic",
    "adex_initial_burst": "tonic",  # once the burst is over
    "adex_regular_bursting": "bursting",
    "adex_delayed_accelerating": "tonic",
    "adex_delayed_regular_bursting": "bursting",
    "adex_transient": "silent",
    "adex_irregular": "irregular",
}
"""Naud et al. 2008, doi:10.1007/s00422-008-0264-7, figure 4: what is left when the step has lasted for 500 ms."""

IZHIKEVICH = {"izhikevich_rs": 1, "izhikevich_ib": 1, "izhikevich_ch": 5, "izhikevich_fs": 1, "izhikevich_lts": 1}
"""Izhikevich 2003, doi:10.1109/TNN.2003.820440: spikes per burst under I = 10; only chattering cells go on bursting."""

PACEMAKERS = [f"prinz_abpd{number}" for number in range(1, 6)]
"""Prinz, Bucher & Marder 2004, doi:10.1038/nn1352, Table 2: pacemaker neurons, chosen for bursts every 1 to 2 s."""


def together(names: list[str], **more: list[float]) -> xr.Dataset:
    """Variants of one family side by side, along `cell`."""
    models = [sn.load_model(name) for name in names]
    values = {p: [m.params[p].value for m in models] for p in models[0].params} | more
    varied = {p: xr.DataArray(v, dims="cell") for p, v in values.items() if len(set(v)) > 1}
    same = {p: v[0] for p, v in values.items() if len(set(v)) == 1}
    return sn.InitNeu({"model": names[0], **same, **varied})


def patterns(found: xr.Dataset) -> list[str]:
    return [Pattern(int(value)).name.lower() for value in found.pattern]


def test_patterns_of_naud() -> None:
    steps = [float(sn.protocol(name)[0][0]["amplitude"]) for name in ADEX]
    run = sn.RunSim(together(list(ADEX), I=steps), 3000)
    assert patterns(sn.FireClass(run, t_start=500.0)) == list(ADEX.values())


def test_cells_of_izhikevich() -> None:
    run = sn.RunSim(together(list(IZHIKEVICH), I=[10.0] * len(IZHIKEVICH)), 3000)
    found = sn.FireClass(run, t_start=500.0)
    assert patterns(found) == ["bursting" if spikes > 1 else "tonic" for spikes in IZHIKEVICH.values()]
    assert found.spikes_per_burst.values.tolist() == list(IZHIKEVICH.values())


def test_pacemakers_of_the_pyloric_rhythm_burst() -> None:
    run = sn.RunSim(together(PACEMAKERS), 9000, 0.05)
    found = sn.FireClass(run, t_start=2000.0)
    assert patterns(found) == ["bursting"] * 5
    assert ((found.period > 1000) & (found.period < 2000)).all()
    assert (found.spikes_per_burst > 10).all()
    assert float(found.cv.max()) < 1e-3


@pytest.mark.parametrize(
    ("current", "level", "expected"),
    [(0.0, 0.0, "silent"), (10.0, 0.0, "tonic"), (200.0, 0.0, "silent"), (200.0, -50.0, "blocked")],
)
def test_hodgkin_and_huxley(current: float, level: float, expected: str) -> None:
    """At rest; firing; beyond the upper Hopf point (154 uA/cm2), at rest near -42 mV, above threshold or not."""
    state = sn.InitNeu({"model": "hh", "I": current, "spike_threshold": level, "spike_rearm": level - 10.0})
    _, cell = sn.RunSim(state, 100, features=["armed_mean"], return_state=True)
    run = sn.RunSim(cell, 200, features=["armed_mean", "v_mean"])
    assert Pattern(int(sn.FireClass(run, plateau=5.0).pattern)).name.lower() == expected
    if current == 200.0:
        assert -45.0 < run.v_mean < -38.0
