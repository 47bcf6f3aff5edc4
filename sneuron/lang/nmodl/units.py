"""Units as NMODL writes them, in the spelling of ours, and constants of its UNITS block."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from sneuron import errors
from sneuron.lang.units import Unit, unit_value

__all__ = ["constant", "scale", "spelled"]

_PREFIX = {
    "milli": "m", "micro": "u", "nano": "n", "pico": "p", "femto": "f", "centi": "c", "kilo": "k", "mega": "M",
}  # fmt: skip
_LONG = {
    "volt": "V", "amp": "A", "ampere": "A", "siemens": "S", "siemen": "S", "mho": "S", "ohm": "Ohm", "second": "s",
    "sec": "s", "meter": "m", "molar": "M", "mole": "mol", "liter": "L", "coulomb": "C", "coul": "C", "joule": "J",
    "farad": "F", "kelvin": "K", "hertz": "Hz", "gram": "g", "degC": "degC", "degK": "K", "mol": "mol",
}  # fmt: skip
_SHORT = {
    "micron": "um", "l": "L", "C": "C", "coul": "C", "mollar": "M", "mmho": "mS", "umho": "uS", "nmho": "nS",
    "pmho": "pS", "M": "M", "celsius": "degC", "rad": "1", "radian": "1", "unity": "1", "1": "1",
}  # fmt: skip
_KNOWN = re.compile(r"(?:[fpnumckM]?(?:V|A|S|s|m|M|mol|C|J|F|L|Ohm|Hz|g)|K|degC)\Z")
_WORD = re.compile(
    r"\s*(?:(?P<number>\d+\.?\d*(?:[eE]?[-+]\d+)?|\.\d+)|(?P<name>[A-Za-z]+)(?P<power>\d*)|(?P<op>[-*/. ]))"
)
_CONSTANTS = {
    "faraday": (96485.33212331001, "C"),
    "k": (1.380649e-23, "J/K"),
    "mole": (6.02214076e23, "1"),
    "mol": (6.02214076e23, "1"),
    "avogadro": (6.02214076e23, "1"),
    "e": (1.602176634e-19, "C"),
    "gasconstant": (8.314462618153239, "J/K"),
    "R": (8.314462618153239, "J/K"),
    "pi": (3.141592653589793, "1"),
    "boltzmann": (1.380649e-23, "J/K"),
}
"""As NEURON 9.0 has them (CODATA 2018); there, a mole is a number."""

_PER_LITER = {"milli/liter": "mM", "micro/liter": "uM", "1/liter": "M"}
_TARGETS = ("mS/cm2", "uA/cm2")


def spelled(text: str, aliases: Mapping[str, str], level: int = 0) -> str | None:
    """A unit of NMODL in our spelling; None when it is no unit that can be spelled.

    >>> spelled("mho/cm2", {}), spelled("/ms", {}), spelled("milliamp", {}), spelled("10000 um", {})
    ('S/cm2', '1/ms', 'mA', None)
    """
    if level > 5 or len(text) > 60:
        return None
    if text.replace(" ", "") in _PER_LITER:
        return _PER_LITER[text.replace(" ", "")]
    above, below = list[str](), list[str]()
    for name, power, over in _terms(text):
        atom = _atom(name, aliases, level)
        if atom is None or (power and (not atom.isalpha() or len(power) > 1)):
            return None
        if atom != "1":
            (below if over else above).append(f"{atom}{power}" if power != "1" else atom)
    return "/".join([" ".join(above) or "1", *below])


def _terms(text: str) -> Iterator[tuple[str, str, bool]]:
    """(name, power, whether below the line); a number other than 1 gives a name that nothing bears."""
    at, over = 0, False
    while at < len(text.rstrip()):
        found = _WORD.match(text, at)
        if found is None:
            yield "?", "", over
            return
        at = found.end()
        if found["op"] == "/":
            over = True
        elif found["name"]:
            yield found["name"], found["power"], over
        elif found["number"]:
            yield ("1" if float(_number(found["number"])) == 1 else "?"), "", over


def _number(text: str) -> str:
    """Numbers of the units library: "10-3" is 10^-3."""
    found = re.fullmatch(r"(\d+\.?\d*)([-+]\d+)", text)
    return f"{found[1]}e{found[2]}" if found and found[1] != "10" else f"1e{found[2]}" if found else text


def _atom(name: str, aliases: Mapping[str, str], level: int) -> str | None:
    if name in _SHORT:
        return _SHORT[name]
    if _KNOWN.match(name):
        return name
    for word in dict.fromkeys((name, name.removesuffix("s"))):
        for long, short in (("", ""), *_PREFIX.items()):
            if word.startswith(long) and word[len(long) :] in _LONG:
                return short + _LONG[word[len(long) :]]
        if len(word) > 1 and word[0] in "munpfkM" and word[1:] in _LONG and word[1:] != "mol":
            return word[0] + _LONG[word[1:]]
    return spelled(aliases[name], aliases, level + 1) if aliases.get(name, name) != name else None


def scale(unit: str) -> tuple[str, Unit | None]:
    """The unit in which we keep what NMODL has in `unit`: densities of conductance in mS/cm2, of current in uA/cm2."""
    held = unit_value(unit, unit)
    for target in _TARGETS:
        if unit_value(target, target).powers == held.powers:
            return target, held
    return unit, held


def constant(first: str, second: str, aliases: Mapping[str, str]) -> float | None:
    """The number that `(first) (second)` of a UNITS block is: how many `second` a `first` has."""
    above, below = _size(first, aliases), _size(second, aliases)
    return None if above is None or below is None else above / below


def _size(text: str, aliases: Mapping[str, str]) -> float | None:
    """A unit in SI, moles and constants of nature being numbers."""
    found, at, over = 1.0, 0, False
    while at < len(text.rstrip()):
        match = _WORD.match(text, at)
        if match is None:
            return None
        at = match.end()
        if match["op"]:
            over = over or match["op"] == "/"
            continue
        one = float(_number(match["number"])) if match["number"] else _named(match["name"], aliases)
        if one is None:
            return None
        if len(match["power"] or "1") > 1:
            return None
        found *= (one ** int(match["power"] or 1)) ** (-1 if over else 1)
    return found


def _named(name: str, aliases: Mapping[str, str]) -> float | None:
    if name in _CONSTANTS:
        number, unit = _CONSTANTS[name]
        return number * unit_value(unit, unit).size
    atom = _atom(name, aliases, 0)
    if atom is None:
        return None
    try:
        return unit_value(atom, atom).size
    except errors.UnitError:
        return None
