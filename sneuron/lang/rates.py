"""Rules of rate-based plasticity: read, checked, and turned into compiled functions."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType

import sympy

from sneuron import errors, labels
from sneuron.lang import canon, vector
from sneuron.lang.build import checked_param
from sneuron.lang.expr import names_of, parse
from sneuron.lang.kernel import module_of
from sneuron.lang.plain import as_plain
from sneuron.lang.printer import Printer, mangled
from sneuron.lang.spec import Param
from sneuron.lang.spec_rates import RateRule
from sneuron.lang.texts import indented
from sneuron.registry import Registry

__all__ = ["Hebbian", "addresses", "load_rate_rule", "rate_rules"]

GIVEN = ("w", "x", "y", "recalled")

rate_rules: Registry[RateRule] = Registry(
    "rate_rule", "sneuron.library.hebbian", lambda x: isinstance(x, RateRule), lambda r: r.name
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Hebbian:
    """A rule as checked expressions; made by `load_rate_rule`.

    Attributes
    ----------
    spec : RateRule
    change, output : sympy.Expr
    pre, post : mapping of str to sympy.Expr
        Averages of what the sending, and of what the receiving neuron does.
    params : mapping of str to Param
    """

    spec: RateRule
    change: sympy.Expr
    output: sympy.Expr
    pre: Mapping[str, sympy.Expr]
    post: Mapping[str, sympy.Expr]
    params: Mapping[str, Param]

    @property
    def hash(self) -> str:
        """That of its description."""
        return canon.digest(canon.dumps(as_plain(self.spec)))


def load_rate_rule(what: str | RateRule, where: str = "rate rule") -> Hebbian:
    """The rule that a name of the library, or a description, stands for.

    Raises
    ------
    UnknownNameError
        For a name that no rule has.
    ModelError
        For a rule that does not hold together.

    Examples
    --------
    >>> load_rate_rule("bcm").post
    {'theta': y**2}
    """
    if not isinstance(what, str | RateRule):
        raise errors.ModelError(where, f"{what!r:.60} is no rule", list(rate_rules))
    spec = rate_rules[what] if isinstance(what, str) else what
    inside = f"rate rule {spec.name!r}"
    params = {n: checked_param(p, f"{inside}: {n}", spec.source, bool_of) for n, p in spec.params.items()}
    for name in (*params, *spec.averages):
        if not labels.NAME.match(name) or name in (*GIVEN, "a") or (name in params and name in spec.averages):
            raise errors.ModelError(f"{inside}: {name}", "this name is taken, or no name", mend="Choose another one.")
    averages = {n: parse(t, ["x", "y", *params], f"{inside}: {n}") for n, t in spec.averages.items()}
    mixed = [n for n, e in averages.items() if {"x", "y"} <= names_of(e)]
    if mixed:
        raise errors.ModelError(f"{inside}: {mixed[0]}", "an average is over `x` or over `y`, not over both")
    return Hebbian(
        dataclasses.replace(spec, params=params),
        parse(spec.change, [*GIVEN, *averages, *params], f"{inside}: change"),
        parse(spec.output, ["a", *params], f"{inside}: output"),
        {n: e for n, e in averages.items() if "x" in names_of(e)},
        {n: e for n, e in averages.items() if "x" not in names_of(e)},
        params,
    )


def bool_of(value: float) -> bool:
    """Whether a value is a finite number."""
    return abs(value) < float("inf")


_RULES: dict[str, ModuleType] = {}


def addresses(rule: Hebbian) -> tuple[int, int, int, int]:
    """Where the compiled functions of a rule are, as `sneuron.lang.hebbian.run` takes them.

    They are made on first use, then kept in this process and on disk.
    """
    text = _text(rule)
    if text not in _RULES:
        _RULES[text] = module_of(text, "rates")
    found = _RULES[text]
    return tuple(f.address for f in (found.change, found.output, found.follow_pre, found.follow_post))


def _text(rule: Hebbian) -> str:
    """The whole module."""
    params = [f"{mangled(n)} = params[{k}]" for k, n in enumerate(rule.params)]
    held = [f"{mangled(n)} = {end}[{k}]" for end in ("pre", "post") for k, n in enumerate(getattr(rule, end))]
    follow = {
        end: [f"means[{k}] += ({Printer()(e)} - means[{k}])*part" for k, e in enumerate(getattr(rule, end).values())]
        for end in ("pre", "post")
    }
    functions = [
        ("change", "w, x, y, recalled, pre, post, params", [*params, *held, f"return {Printer()(rule.change)}"]),
        ("output", "a, params", [*params, f"return {Printer()(rule.output)}"]),
        ("follow_pre", "x, means, params, part", [*params, *follow["pre"], "return 0.0"]),
        ("follow_post", "y, means, params, part", [*params, *follow["post"], "return 0.0"]),
    ]
    lines = ['"""A rule of plasticity as compiled functions."""', "", "from numba import cfunc, types", ""]
    lines += [
        f"from sneuron.lang.vector import {', '.join(vector.__all__)}",
        "",
        "F, N = types.float64, types.CPointer(types.float64)",
    ]
    for name, arguments, body in functions:
        kinds = ", ".join("N" if a in ("pre", "post", "means", "params") else "F" for a in arguments.split(", "))
        lines += ["", "", f"@cfunc(F({kinds}), cache=True)", f"def {name}({arguments}):", *indented(body)]
    return "\n".join(lines) + "\n"
