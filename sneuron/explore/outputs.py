"""What a study keeps of each point: measures by name, online features of the run, functions of one's own."""

from __future__ import annotations

import functools
import hashlib
import importlib
import inspect
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

import xarray as xr

from sneuron import errors, labels
from sneuron.analysis.measure import Measure, measures
from sneuron.explore.encode import decode, encode
from sneuron.lang.assignments import FEATURES

__all__ = ["Output", "outputs_of"]

_KINDS = ("measure", "feature", "function")


@dataclass(frozen=True)
class Output:
    """One entry of `outputs`.

    Parameters
    ----------
    name : str
        Name in the result.
    kind : str
        "measure" (registered), "feature" (computed by the kernel on the way) or "function" (importable).
    what : str
        Name of the measure or feature, or "module:function".
    options : mapping
        Keyword arguments, as JSON holds them.
    source : str
        sha256 of the text of a function.
    """

    name: str
    kind: str
    what: str
    options: Mapping[str, Any]
    source: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        own = {self.kind: self.what, "options": dict(self.options)}
        return {**own, "source": self.source} if self.source else own

    @classmethod
    def from_json(cls, name: str, data: Mapping[str, Any]) -> Output:
        """The inverse of `to_json`."""
        (kind,) = (k for k in _KINDS if k in data)
        return cls(name, kind, data[kind], data["options"], data.get("source", ""))

    def features(self, attrs: Mapping[str, Any], offers: Collection[str]) -> tuple[str, ...]:
        """The features that a run must have for it."""
        if self.kind == "feature":
            return () if self.what == labels.SPIKE_COUNT else (self.what,)
        return measures[self.what].needs(attrs, offers, decode(dict(self.options))) if self.kind == "measure" else ()

    @property
    def traces(self) -> tuple[str, ...]:
        """The variables over time that a run must have for it, which are not kept: as function or measure say."""
        if self.kind == "measure":
            first = next(iter(measures[self.what].over.values()))
            return tuple(getattr(first, "traces", ()))
        if self.kind != "function":
            return ()
        found: Any = getattr(_imported(self.what), "traces", None)
        return tuple(found(decode(dict(self.options)))) if found else ()

    @property
    def snapshots(self) -> float | None:
        """The time (ms) between the snapshots of weights that a run of a network must have for it; None for none."""
        if self.kind != "measure" or not getattr(next(iter(measures[self.what].over.values())), "snapshots", False):
            return None
        given = decode(dict(self.options)).get("interval")
        if given is None:
            mend = f"Write {{'measure': '{self.what}', 'interval': '1 s'}}."
            raise errors.PlanError(f"outputs: {self.name!r}", "how often weights are looked at is not said", mend=mend)
        return labels.number(given, "ms", f"outputs: {self.name!r}: interval")

    def applied(self, run: xr.Dataset) -> dict[str, xr.DataArray]:
        """The variables that it makes of a run: its own name, or `<name>_<variable>` for each of several."""
        if self.kind == "feature":
            return {self.name: run[self.what]}
        options = decode(dict(self.options))
        found = measures[self.what](run, **options) if self.kind == "measure" else self._call(run, options)
        if not isinstance(found, xr.Dataset):
            return {self.name: found}
        if self.name in found:
            return {self.name: found[self.name]}
        return {f"{self.name}_{n}": v for n, v in found.data_vars.items()}

    def _call(self, run: xr.Dataset, options: Mapping[str, Any]) -> Any:
        function = _imported(self.what)
        if _source(function) != self.source:
            raise errors.PlanError(
                f"outputs: {self.name!r}", f"the text of {self.what} is not that of the plan", mend="Make a new study."
            )
        found = function(run, **options)
        if not isinstance(found, xr.DataArray | xr.Dataset):
            raise errors.DataError(
                f"outputs: {self.name!r}", f"{self.what} gave a {type(found).__name__}", "a DataArray or a Dataset"
            )
        return found


def outputs_of(given: Any) -> tuple[Output, ...]:
    """What the argument `outputs` says, checked and written down.

    Parameters
    ----------
    given : mapping, sequence or None
        Name -> measure, name of a measure or of a feature ("v_max"), `functools.partial` of a measure, importable
        function, or dict `{"measure": ..., **options}`. A sequence names each after itself.
    """
    if given is None:
        return ()
    if isinstance(given, str) or callable(given):
        given = [given]
    if not isinstance(given, Mapping):
        given = {_own_name(what): what for what in given}
    return tuple(_one(name, what) for name, what in given.items())


def _own_name(what: Any) -> str:
    name = what if isinstance(what, str) else getattr(what, "name", getattr(what, "__name__", None))
    if not isinstance(name, str):
        raise errors.PlanError("outputs", f"{what!r} has no name", mend="Write {'name': ...}.")
    return name.rpartition(":")[2].rpartition(".")[2]


def _one(name: Any, what: Any) -> Output:
    where = f"outputs: {name!r}"
    if not isinstance(name, str) or not labels.NAME.match(name):
        raise errors.PlanError("outputs", f"{name!r} cannot name an output", "letters, digits and '_', a letter first")
    options: dict[str, Any] = {}
    if isinstance(what, Mapping):
        options = {str(k): v for k, v in what.items()}
        what = next((options.pop(k) for k in _KINDS if k in options), None)
    if isinstance(what, functools.partial):
        if what.args:
            raise errors.PlanError(where, "a partial with positional arguments", mend="Give them by name.")
        options, what = {**what.keywords, **options}, what.func
    return _of(name, what, encode(options, where), where)


def _of(name: str, what: Any, options: dict[str, Any], where: str) -> Output:
    if isinstance(what, Measure) and what.__module__.startswith("sneuron."):
        _check_options(what, options, where)
        return Output(name, "measure", what.name, options)
    if isinstance(what, str) and ":" in what:
        what = _imported(what)
    if isinstance(what, str) and what in measures:
        _check_options(measures[what], options, where)
        return Output(name, "measure", what, options)
    if isinstance(what, str):
        return _feature(name, what, options, where)
    if not callable(what):
        raise errors.PlanError(
            where, f"a {type(what).__name__} is no measure", ["a measure", "its name", "a feature", "a function"]
        )
    return Output(name, "function", _path(what, where), options, _source(what))


def _feature(name: str, what: str, options: Mapping[str, Any], where: str) -> Output:
    if what != labels.SPIKE_COUNT and what.rpartition("_")[2] not in FEATURES:
        raise errors.unknown(
            where, "measure or feature", what, [*measures, labels.SPIKE_COUNT, "v_mean", "v_min", "v_max"]
        )
    if options:
        raise errors.PlanError(where, f"the feature {what!r} takes no options", mend=f"Leave out {', '.join(options)}.")
    return Output(name, "feature", what, {})


def _check_options(measure: Measure, options: Mapping[str, Any], where: str) -> None:
    """Refuse options that the measure does not take, before anything runs."""
    names = [p for p in inspect.signature(measure).parameters if p not in list(measure.over)[:1]]
    for option in options:
        if option not in names:
            raise errors.unknown(where, f"option of {measure.name}", option, names)


def _path(function: Any, where: str) -> str:
    """Where a function can be imported from, in any process."""
    module, name = getattr(function, "__module__", None), getattr(function, "__qualname__", "<lambda>")
    if not module or module == "__main__" or "<" in name:
        raise errors.PlanError(
            where,
            f"the function {name} of {module or 'nowhere'} cannot be imported by other processes",
            mend="Put it into a module of its own (a file beside the script) and import it from there.",
        )
    return f"{module}:{name}"


def _imported(path: str) -> Callable[..., Any]:
    module, _, name = path.partition(":")
    try:
        found: Any = importlib.import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as cause:
        raise errors.PlanError(
            "outputs", f"{path!r} cannot be imported: {cause}", mend="Give module:function."
        ) from cause
    if not callable(found):
        raise errors.PlanError("outputs", f"{path!r} is a {type(found).__name__}, not a function")
    return found  # type: ignore[no-any-return]


def _source(function: Any) -> str:
    try:
        text = inspect.getsource(inspect.unwrap(function))
    except (OSError, TypeError):  # built in, or made by exec
        text = repr(getattr(getattr(function, "__code__", None), "co_code", function))
    return hashlib.sha256(text.encode()).hexdigest()
