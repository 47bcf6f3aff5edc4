"""Networks that learn as points of a study: snapshots of weights, verdicts of them, their map."""

from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
import xarray as xr
from click.testing import CliRunner

import sneuron as sn
from sneuron import errors
from sneuron.cli import main
from sneuron.lang.netparams import changed, resolved
from sneuron.lang.network import load_network

WORKFLOW = Path(__file__).parents[2] / "workflows" / "stdp_stability.toml"
SMALL = {"e.size": 80, "i.size": 20, "ee.p": 0.3, "ei.p": 0.3, "ie.p": 0.3, "ii.p": 0.3}
STABLE = {"measure": "PlastStable", "interval": "20 ms", "projection": "ee", "low": 0, "high": 100}


def sweep(output: Any, **more: Any) -> Any:
    how: dict[str, Any] = {"duration": 300, "settle": 50, "seed": 2, "scheduler": "inline", **more}
    return sn.ParamSweep({**SMALL, "ratio": [0.8, 1.6]}, network="stdp_balanced", outputs=output, **how)


def test_a_verdict_is_that_of_the_network_that_runs_alone() -> None:
    found = sweep({"stable": STABLE}).load()
    net = sn.BuildNet("stdp_balanced", 2, {**SMALL, "ratio": 1.6}, dt=0.1)
    state = sn.RunSim(net, 50, return_state=True, spikes=False)[1]
    run = sn.RunSim(state, 300, weights_every=20)
    assert list(dict.fromkeys(run.synapse_projection.values)) == ["ee", "ei", "ie", "ii"]
    alone = sn.PlastStable(run, low=0, high=100, projection="ee")
    one = found.sel(ratio=1.6)
    for name in alone.data_vars:
        np.testing.assert_array_equal(one[f"stable_{name}"], alone[name], str(name))
    assert float(one.stable_wasserstein) > 0
    own = run.weight.isel(synapse=run.synapse_projection.values == "ee").rename(synapse_projection="which")
    np.testing.assert_array_equal(sn.PlastStable(own, low=0, high=100).drift, alone.drift)


def test_the_plan_says_what_weights_must_be_looked_at() -> None:
    with pytest.raises(errors.PlanError, match="how often weights are looked at"):
        sweep({"stable": {"measure": "PlastStable", "projection": "ee"}})
    with pytest.raises(errors.PlanError, match="every 20 ms and every 30 ms"):
        sweep({"one": STABLE, "two": {**STABLE, "interval": 30}})
    with pytest.raises(errors.UnknownNameError, match="Did you mean 'ee'"):
        sweep({"stable": {**STABLE, "projection": "eee"}})
    with pytest.raises(errors.DataError, match="snapshots tell nothing"):
        sweep({"stable": {**STABLE, "interval": "100 ms"}})
    with pytest.raises(errors.DataError, match="synapse_projection"):
        sn.PlastStable(xr.DataArray(np.ones((20, 3)), dims=("snapshot", "synapse")), projection="ee")


def test_rules_of_change_follow_from_parameters_of_the_network() -> None:
    found = resolved(load_network("stdp_balanced"), {"ratio": 2.0, "target": "8 Hz"})
    assert found["ee.plasticity.A_minus"] == pytest.approx(0.2)
    assert found["ie.plasticity.rate"] == pytest.approx(0.008)
    other = changed(load_network("stdp_balanced"), {"ee.plasticity.w_max": 50.0})
    assert other.projections["ee"].plasticity["w_max"] == 50.0


def test_flags_have_a_colour_and_a_name_each() -> None:
    attrs = {"flag_values": [0.0, 1.0, 4.0], "flag_meanings": "stable drifting_far oscillating"}
    coords = {"a": [0.0, 1.0], "b": [0.0, 1.0]}
    verdict = xr.DataArray([[0.0, 1.0], [4.0, np.nan]], dims=("a", "b"), coords=coords, name="verdict", attrs=attrs)
    ax = sn.PlotMap(verdict)
    bar = ax.figure.axes[1]
    assert [t.get_text() for t in bar.get_yticklabels()] == ["stable", "drifting far", "oscillating"]
    (mesh,) = (c for c in ax.collections if hasattr(c, "get_clim"))
    np.testing.assert_array_equal(np.ma.filled(mesh.get_array(), -1), [[0, 2], [1, -1]])
    plt.close("all")


def test_a_small_version_of_the_workflow(tmp_path: Path) -> None:
    text = WORKFLOW.read_text(encoding="utf8")
    own = "\n".join(f'"{name}" = {value}' for name, value in SMALL.items())
    for old, new in (
        ('kind = "stdp_balanced"', f'kind = "stdp_balanced"\n{own}'),
        ('duration = "40 s"\nsettle = "40 s"', 'duration = "300 ms"\nsettle = "50 ms"'),
        ('interval = "500 ms"', 'interval = "20 ms"'),
        ("n = 9", "n = 2"),
        ('["2.5 Hz", "5 Hz", "10 Hz", "20 Hz", "40 Hz"]', '["5 Hz", "20 Hz"]'),
    ):
        assert old in text
        text = text.replace(old, new)
    (tmp_path / "small.toml").write_text(text, encoding="utf8")
    told = CliRunner().invoke(main, ["run", str(tmp_path / "small.toml"), "--scheduler", "inline"])
    assert told.exit_code == 0, told.output
    assert (tmp_path / "results" / "stdp_stability.png").stat().st_size > 5000
    wrong = text.replace('output = "stable_verdict"', 'output = "rate"')
    (tmp_path / "wrong.toml").write_text(wrong, encoding="utf8")
    refused = CliRunner().invoke(main, ["run", str(tmp_path / "wrong.toml")])
    assert refused.exit_code != 0
    assert "single output" in refused.output
