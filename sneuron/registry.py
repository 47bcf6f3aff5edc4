"""One generic registry: finds shipped files and entry points, and suggests near misses.

A registered thing is an instance of a declared type in a module of a folder of
ours (one file each), or an entry point `sneuron.<kind>` of an installed package.
"""

from __future__ import annotations

import importlib
import pkgutil
import threading
from collections.abc import Callable, Iterator
from importlib.metadata import entry_points
from typing import Generic, TypeVar

from sneuron import errors

__all__ = ["Registry"]

T = TypeVar("T")


class Registry(Generic[T]):
    """Things of one kind by name; discovered on first use.

    Parameters
    ----------
    kind : str
        What one of them is called in errors and in the entry-point group `sneuron.<kind>`.
    package : str or None
        Import path of the folder whose modules hold them; None when nothing ships.
    is_one : callable
        Tells whether an object found in a module is one of them.
    name_of : callable
        Its name.
    """

    def __init__(
        self, kind: str, package: str | None, is_one: Callable[[object], bool], name_of: Callable[[T], str]
    ) -> None:
        self.kind = kind
        self.package = package
        self._is_one = is_one
        self._name_of = name_of
        self._things: dict[str, T] = {}
        self._found = self._finding = False
        self._lock = threading.RLock()

    def __getitem__(self, name: str) -> T:
        self._discover()
        if name not in self._things:
            raise errors.unknown(f"registry of {self.kind}s", self.kind, name, sorted(self._things))
        return self._things[name]

    def __contains__(self, name: object) -> bool:
        self._discover()
        return name in self._things

    def __iter__(self) -> Iterator[str]:
        self._discover()
        return iter(sorted(self._things))

    def __len__(self) -> int:
        self._discover()
        return len(self._things)

    def add(self, thing: T) -> T:
        """Register `thing` under its own name; the same name for another thing is refused."""
        name = self._name_of(thing)
        held = self._things.get(name)
        if held is not None and held != thing:
            raise errors.ModelError(
                f"registry of {self.kind}s",
                f"{name!r} is already taken by another {self.kind}",
                mend="Give it another name.",
            )
        self._things[name] = thing
        return thing

    def _discover(self) -> None:
        """Find all of them, once; other threads wait until they are found."""
        with self._lock:
            if self._found or self._finding:
                return
            self._finding = True
            try:
                self._find()
            finally:
                self._finding = False
            self._found = True

    def _find(self) -> None:
        for module in self._modules():
            for value in vars(module).values():
                if self._is_one(value):
                    self.add(value)
        for point in entry_points(group=f"sneuron.{self.kind}"):
            self.add(point.load())

    def _modules(self) -> Iterator[object]:
        if self.package is None:
            return
        folder = importlib.import_module(self.package)
        for info in pkgutil.iter_modules(folder.__path__):
            yield importlib.import_module(f"{self.package}.{info.name}")
