"""What algebra tells about a model before it runs: LaTeX, Jacobian, rest points, fastest time constant."""

from __future__ import annotations

import functools
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy
from sympy.core.parameters import distribute
from sympy.printing.latex import LatexPrinter

from sneuron.lang.build import check_size, inlined
from sneuron.lang.expr import numpy_value, symbol
from sneuron.lang.model import Model

__all__ = [
    "RestPoint",
    "fastest_time_constant",
    "jacobian",
    "latex",
    "linear_in",
    "rest_points",
    "slopes",
    "time_constants",
]


def slopes(model: Model) -> dict[str, sympy.Expr]:
    """d/dt per ms of every state, over states and parameters only; stimuli are left out.

    >>> from sneuron.lang.model import load_model
    >>> list(slopes(load_model("adex")))
    ['v', 'w']
    """
    total = symbol("I") - sympy.Add(*[model.currents[name] for name in model.membrane])
    raw = {"v": total / model.capacitance, **model.equations}
    check_size(raw.values(), model.functions, f"model {model.name!r}")
    return {name: inlined(raw[name], model.functions) for name in model.states}


def linear_in(expression: sympy.Expr, name: str) -> tuple[sympy.Expr, sympy.Expr] | None:
    """(slope, offset) with expression = slope * name + offset; None when it is not of that form.

    >>> linear_in((symbol("b") - symbol("x")) / symbol("c"), "x")
    (-1/c, b/c)
    """
    x = symbol(name)
    slope = sympy.diff(expression, x)
    if x in slope.free_symbols:
        slope = sympy.expand(slope)
    return None if x in slope.free_symbols else (slope, expression.subs(x, sympy.S.Zero))


@functools.lru_cache(maxsize=64)
def jacobian(model: Model) -> sympy.ImmutableMatrix:
    """The Jacobian of a model's equations, rows and columns in the order of `model.states`.

    Parameters
    ----------
    model : Model

    Returns
    -------
    sympy.ImmutableMatrix
        d(dx_i/dt)/dx_j per ms, over states and parameters.

    Examples
    --------
    >>> from sneuron.lang.model import load_model
    >>> jacobian(load_model("lif"))
    Matrix([[-gL/C]])
    """
    rows = list(slopes(model).values())
    return sympy.ImmutableMatrix([[sympy.diff(row, symbol(name)) for name in model.states] for row in rows])


def time_constants(model: Model, values: Mapping[str, Any] | None = None, held: Collection[str] = ()) -> Any:
    """The fastest time constant (ms) at each point: 1 / max |eigenvalue| of the Jacobian, of those that decay.

    What grows is not counted: no step resolves an upstroke to infinity, and it limits no step's stability.

    Parameters
    ----------
    model : Model
    values : mapping, optional
        Parameters and states, numbers or arrays that broadcast; parameters left out have their defaults, states left
        out start where the model starts.
    held : collection of str
        States that are taken as constant.

    Returns
    -------
    numpy.ndarray
        In ms, of the broadcast shape; infinite where nothing moves, NaN where a Jacobian is not finite.
    """
    free = [k for k, x in enumerate(model.states) if x not in held]
    matrix = _jacobian_at(model, values or {})[..., free, :][..., free]
    finite = np.isfinite(matrix).all(axis=(-2, -1))
    safe = np.where(finite[..., None, None], matrix, 0.0)
    eigenvalues = np.linalg.eigvals(safe)
    fastest = np.where(eigenvalues.real < 0, np.abs(eigenvalues), 0.0).max(axis=-1)
    with np.errstate(divide="ignore"):
        return np.where(finite, 1.0 / fastest, np.nan)


def fastest_time_constant(model: Model, values: Mapping[str, Any] | None = None, held: Collection[str] = ()) -> float:
    """The fastest time constant (ms) among all points; see `time_constants`.

    >>> from sneuron.lang.model import load_model
    >>> fastest_time_constant(load_model("lif"))
    10.0
    """
    found = time_constants(model, values, held)
    return float(np.nanmin(found)) if np.isfinite(found).any() else float("inf")


@dataclass(frozen=True)
class RestPoint:
    """A state in which nothing moves.

    Attributes
    ----------
    state : dict
        The value of every state.
    eigenvalues : numpy.ndarray
        Of the Jacobian there, per ms.
    stable : bool
        Whether all their real parts are below 0.
    """

    state: dict[str, float]
    eigenvalues: np.ndarray[Any, Any]
    stable: bool


def rest_points(
    model: Model, params: Mapping[str, float] | None = None, low: float = -200.0, high: float = 100.0, n: int = 6001
) -> list[RestPoint]:
    """All rest points of a model between two voltages.

    Every other state is put at its steady value for v; sign changes of the total current on n voltages are then closed
    in (`sneuron.lang.equilibria`). A neuron with a reset has none at or above its threshold.

    Parameters
    ----------
    model : Model
    params : mapping, optional
        Values that differ from the defaults.
    low, high : float
        Voltages (mV) between which to look.
    n : int
        How many voltages to look at; two rest points closer than (high - low) / n may be missed.

    Returns
    -------
    list of RestPoint
        By rising voltage.

    Raises
    ------
    ModelError
        When some state has no steady value for these parameters.

    Examples
    --------
    >>> from sneuron.lang.model import load_model
    >>> [round(p.state["v"], 4) for p in rest_points(load_model("hh"))]
    [-64.9741]
    """
    from sneuron.lang.equilibria import rests

    found = rests(model, params or {}, 1, low, high, n)
    columns = [found.states[x].tolist() for x in model.states]
    modes = found.eigenvalues
    states = [dict(zip(model.states, row, strict=True)) for row in zip(*columns, strict=True)]
    return [RestPoint(s, e, bool((e.real < 0).all())) for s, e in zip(states, modes, strict=True)]


def _jacobian_at(model: Model, values: Mapping[str, Any]) -> np.ndarray[Any, Any]:
    """The Jacobian as numbers: the broadcast shape of the values, then rows and columns."""
    known = {name: param.value for name, param in model.params.items()} | dict(values)
    known |= model.start_values(known)
    entries = [numpy_value(entry, known) for entry in jacobian(model)]
    n = len(model.states)
    stacked = np.stack(np.broadcast_arrays(*[np.asarray(e, dtype=float) for e in entries]), axis=-1)
    return stacked.reshape(*stacked.shape[:-1], n, n)


class _Printer(LatexPrinter):  # type: ignore[misc]
    """LaTeX with short numbers."""

    def _print_Float(self, expr: sympy.Float) -> str:
        text = repr(float(expr))
        mantissa, e, power = text.partition("e")
        return rf"{mantissa} \cdot 10^{{{int(power)}}}" if e else text


def latex(model: Model) -> str:
    r"""The equations of a model as one aligned block of LaTeX.

    >>> from sneuron.lang.model import load_model
    >>> print(latex(load_model("lif")))
    \begin{aligned}
    C \frac{dv}{dt} &= I - I_{leak} \\
    I_{leak} &= g_{L} \left(v - E_{L}\right) \\
    v \geq V_{th} &: \quad v \leftarrow V_{r}
    \end{aligned}
    """
    printer = _printer(model)
    text = functools.partial(_tex, printer)
    minus = " - ".join(rf"I_{{{_plain(name)}}}" for name in model.membrane)
    capacitance = "" if model.capacitance == 1 else f"{text(model.capacitance)} "
    lines = [rf"{capacitance}\frac{{dv}}{{dt}} &= I - {minus}"]
    lines += [rf"I_{{{_plain(name)}}} &= {text(e)}" for name, e in model.currents.items()]
    lines += [rf"\frac{{d{text(symbol(name))}}}{{dt}} &= {_rate_text(model, name, text)}" for name in model.equations]
    lines += [rf"{text(symbol(name))} &= {text(e)}" for name, e in model.functions.items()]
    for name, wiener in model.noises.items():
        dw = rf"\, dW_{{{_plain(name)}}}"
        lines += [rf"d{text(symbol(x))} &\mathrel{{+}}= {text(e)}{dw}" for x, e in wiener.states.items()]
    if model.kind == "reset":
        sets = r",\; ".join(rf"{text(symbol(n))} \leftarrow {text(e)}" for n, e in model.reset.items())
        lines.append(rf"v \geq {text(model.threshold)} &: \quad {sets}")
    if model.hazard is not None:
        lines.append(rf"P\left(\text{{spike in}}\: dt\right) &= {text(model.hazard)}\, dt")
    return "\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}"


def _rate_text(model: Model, name: str, text: Any) -> str:
    """A gate's equation in the form that it was given in."""
    if name not in model.rates:
        return str(text(model.equations[name]))
    kind, first, second = model.rates[name]
    x = text(symbol(name))
    if kind == "ab":
        return rf"{text(first)} \left(1 - {x}\right) - {text(second)} {x}"
    return rf"\frac{{{text(first)} - {x}}}{{{text(second)}}}"


def _printer(model: Model) -> _Printer:
    names = {*model.params, *model.states, *model.functions}
    return _Printer({"symbol_names": {symbol(n): _symbol_text(n) for n in names}, "order": "none"})


def _tex(printer: _Printer, expression: sympy.Basic) -> str:
    with distribute(False):
        return str(printer.doprint(_tidy(expression)))


def _tidy(e: sympy.Basic) -> sympy.Basic:
    """For reading: whole numbers as such, sums as written, signs and fractions gathered."""
    if e.is_Float and float(e).is_integer() and abs(e) < 1e6:
        return sympy.Integer(int(e))
    if e.is_Add:
        return sympy.Add(*[_tidy(a) for a in e.args], evaluate=False)
    if e.is_Mul:
        return _tidy_product(e)
    return e.func(*[_tidy(a) for a in e.args]) if e.args else e


def _tidy_product(e: sympy.Mul) -> sympy.Expr:
    """A fraction whose denominator is a number with decimals keeps it."""
    below = [f.base for f in e.args if f.is_Pow and f.exp == -1 and f.base.is_Float and not float(f.base).is_integer()]
    sign, above = sympy.Mul(*[_tidy(f) for f in e.args if not (f.is_Pow and f.base in below)]).as_coeff_Mul()
    if not below:
        return sign * above
    fraction = sympy.Mul(above, sympy.Pow(sympy.Mul(*below), -1, evaluate=False), evaluate=False)
    return fraction if sign == 1 else sympy.Mul(sign, fraction, evaluate=False)


def _symbol_text(name: str) -> str:
    r"""The LaTeX of a name: gNa -> g_{Na}, tau_w -> \tau_{w}, na.g -> g_{na}."""
    path, _, local = name.rpartition(".")
    found = re.fullmatch(r"([A-Za-z])([A-Z]\w*|(?<=[A-Z])[a-z]\w*)", local)
    base, _, rest = (found[1], "", found[2]) if found else local.partition("_")
    below = ",".join(_plain(part) for part in (rest, path) if part)
    if base in _GREEK:
        base = f"\\{base}"
    elif len(base) > 1:
        base = rf"\mathrm{{{_plain(base)}}}"
    return rf"{base}_{{{below}}}" if below else base


def _plain(name: str) -> str:
    return name.replace("_", r"\_")


_GREEK = {
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "kappa", "lambda", "mu", "nu", "xi", "pi",
    "rho", "sigma", "tau", "phi", "chi", "psi", "omega",
}  # fmt: skip
