"""What the language writes and what a kernel computes is the same: every function, every operator, both precisions."""

import numpy as np
import pytest
import xarray as xr

import sneuron as sn
from sneuron.core.session import Session
from sneuron.lang.spec import Channel, Gate, Mount, Neuron, Param

TEXTS = [
    "x", "-x", "x + y", "x - y", "-x - y", "2*x - 3*y + 1", "x*y", "-x*y", "x/y", "-x/y", "x/(y*z)", "x*y/z", "1/x",
    "1/(x*y)", "x**2", "x**3", "-x**2", "(-x)**3", "x**-1", "x**-2", "x**7", "y**0.5", "y**-0.5", "y**1.5", "y**z",
    "pow(y, 0.3)", "exp(-x)", "exp(x/2)*exp(-x/4)", "exp(-x)**4", "log(y)", "sqrt(y)", "1/sqrt(y)", "tanh(x)",
    "sin(3*x)", "cos(x - y)", "abs(x)", "sign(x)", "floor(3*x)", "min(x, y)", "max(x, y - 1)", "exprel(x)",
    "1/exprel(-x)", "y/exprel(x/10)", "expm1(x)", "log1p(y)", "sigmoid(x)", "where(x > 0, y, -z)",
    "where(x > 0 and y < 1, 1, 2)", "where(x > 0 or y < 1, x, y)", "where(not x > 0, 1, 3)",
    "where(x >= y, where(z < 1, 1, 2), x)", "x*(1 - x)*(y - 2)", "(x + y)*(x + y)",
    "exp(-(x + 3)/20) + exp(-(x + 3)/80) + exp(-(x + 3)/10)", "1/(1 + exp(-x))", "x - 1.5*(y - z)/(y + z)",
    "-(x + y)/z", "0.5", "-3", "y*y*y*y/x",
]  # fmt: skip
V = np.concatenate([np.linspace(-97.0, 41.0, 61), [-10.0, 10.0]])


def neuron() -> Neuron:
    return Neuron(
        name="texts",
        capacitance="C",
        currents={f"c{k:02}": f"j*({text})" for k, text in enumerate(TEXTS)},
        functions={"x": "v/s + 0.013", "y": "1.7 + x*x/3", "z": "b*0.6 + 0.1"},
        params={
            "C": Param(1.0, "uF/cm2", 0.1, 10.0), "j": Param(1.0, "uA/cm2"), "s": Param(20.0, "mV", 1.0, 100.0),
            "b": Param(1.3, "1"),
        },
        source="own choice",
    )  # fmt: skip


@pytest.fixture(scope="module")
def cell() -> xr.Dataset:
    return sn.InitNeu({"model": neuron(), "v": xr.DataArray(V, dims="at"), "b": 1.7})


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_compiled_is_written(cell: xr.Dataset, dtype: str) -> None:
    model = sn.load_model(cell.attrs["model"])
    expected = model.currents_at({"v": V, "b": 1.7})
    session = Session(cell, "test", 0.01, "euler", dtype, unstable=True)
    session.view("ion")
    for k, text in enumerate(TEXTS):
        found = session.lanes.get(session.kernel.source.program.currents[f"c{k:02}"]).astype(np.float64)
        right = np.broadcast_to(expected[f"c{k:02}"], V.shape)
        if dtype == "float64":
            np.testing.assert_allclose(found, right, rtol=2e-12, atol=2e-13, err_msg=text)
        elif "floor" not in text:
            np.testing.assert_allclose(found, right, rtol=3e-5, atol=3e-5, err_msg=text)


def test_rates_by_their_usual_names_are_what_they_say() -> None:
    """Functions of a channel may be called as the kernel calls its own."""

    def channel(names: dict[str, str]) -> Channel:
        text = {k: f"{v}" for k, v in names.items()}
        return Channel(
            name="mine",
            current="g*m*h*(v - E)",
            gates={
                "m": Gate(alpha=text["alpha_m"], beta=text["beta_m"]), "h": Gate(inf=text["inf_h"], tau=text["tau_h"]),
            },
            functions={
                text["alpha_m"]: "a0/exprel(-(v + k)/s)", text["beta_m"]: "a0*exp(-(v + k)/s)",
                text["inf_h"]: "1/(1 + exp((v + k)/s))", text["tau_h"]: "t0 + t0/(1 + exp(v/s))",
            },
            params={
                "g": Param(1.0, "mS/cm2"), "E": Param(0.0, "mV"), "a0": Param(1.0, "1/ms"), "k": Param(40.0, "mV"),
                "s": Param(10.0, "mV"), "t0": Param(2.0, "ms"),
            },
            source="own choice",
        )  # fmt: skip

    keys = ["alpha_m", "beta_m", "inf_h", "tau_h"]
    found = []
    for names in (dict(zip(keys, keys, strict=True)), dict(zip(keys, ["p", "q", "r", "u"], strict=True))):
        cell = Neuron(
            name="one",
            capacitance="C",
            channels={
                "a": Mount(channel(names), names={"m": "m", "h": "h"} | {f: f for f in names.values()}),
                "leak": Mount("leak"),
            },
            params={"C": Param(1.0, "uF/cm2", 0.1, 10.0)},
            source="own choice",
        )
        found.append(sn.RunSim(sn.InitNeu({"model": cell, "I": 2.0}), 5.0, 0.01, "exp_euler", record=["v", "m", "h"]))
    for name in ("v", "m", "h"):
        np.testing.assert_allclose(found[0][name], found[1][name], rtol=1e-11)
    assert float(found[0].v[-1]) > -50.0
