"""Networks as data: read from a name, a dict, JSON or TOML; checked; written as JSON, with a hash."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sneuron import errors, labels
from sneuron.lang import canon, tomltext
from sneuron.lang.model import load_model
from sneuron.lang.netparams import settled
from sneuron.lang.plain import as_plain, from_plain
from sneuron.lang.plasticity import load_plasticity
from sneuron.lang.spec import Network, Neuron, Population, Projection
from sneuron.registry import Registry

__all__ = ["POISSON", "SCHEMA", "hash_of", "load_network", "networks", "text_of"]

SCHEMA = "sneuron-network/1"
POISSON = "poisson"
"""The model of sources."""
SIGNS = {"": 0, "excitatory": 1, "inhibitory": -1}

networks: Registry[Network] = Registry(
    "network", "sneuron.library.networks", lambda x: isinstance(x, Network), lambda n: n.name
)  # fmt: skip


def load_network(what: Any) -> Network:
    """The network that a name, a table, JSON or TOML stands for, with the models of its populations in it.

    Parameters
    ----------
    what : str, Path, mapping or Network
        A name of the library; a text that begins with "{"; a path that ends in ".json" or ".toml"; a dict of the fields
        of `Network`; a description.

    Returns
    -------
    Network
        Equal descriptions are equal, and have equal `ExportJSON`.

    Raises
    ------
    UnknownNameError
        A projection from or to a population that is not there, a field, model or parameter that is not known.
    ModelError
        An empty population, one that no projection names (unless it is `alone`), weights of the wrong sign, a delay
        that is not above 0, and whatever else cannot be read.

    Examples
    --------
    >>> pair = {"a": {"size": 80, "model": "lif"}, "b": {"size": 20, "model": "lif"}}
    >>> wired = {"ab": {"pre": "a", "post": "b", "rule": "erdos_renyi", "params": {"p": 0.1}}}
    >>> net = load_network({"name": "two", "populations": pair, "projections": wired})
    >>> net.projections["ab"].delay, load_network(text_of(net)) == net
    (1.0, True)
    """
    if isinstance(what, Network):
        return _checked(what, f"network {what.name!r}")
    if isinstance(what, Mapping):
        return _plain(what, "network")
    if isinstance(what, str) and what.lstrip().startswith("{"):
        return _plain(canon.loads(what, "network JSON"), "network JSON")
    if not isinstance(what, str | Path):
        raise errors.ModelError("load_network", f"{what!r:.60} is no network", "a name, JSON, TOML, a dict, a Network")
    if str(what).endswith((".json", ".toml")):
        return _plain(_read(Path(what)), f"network {str(what)!r}")
    return _checked(networks[str(what)], f"network {str(what)!r}")


def text_of(network: Network) -> str:
    """A network as canonical JSON."""
    return canon.dumps({"schema": SCHEMA, "network": as_plain(load_network(network))})


def hash_of(network: Network) -> str:
    """The sha256 of its JSON."""
    return canon.digest(text_of(network))


def _plain(data: Any, where: str) -> Network:
    return _checked(from_plain(Network, canon.unwrapped(data, "network", SCHEMA, where), where), where)


def _read(path: Path) -> Any:
    if path.suffix == ".toml":
        try:
            return tomltext.read(path).data
        except errors.PlanError as cause:
            raise errors.ModelError(cause.where, cause.given, cause.possible, cause.guess, cause.mend) from cause
    try:
        with path.open("rb") as file:
            return canon.loads(file.read(canon.MAX_BYTES + 1), f"network {str(path)!r}")
    except OSError as cause:
        raise errors.ModelError("load_network", f"file {str(path)!r} cannot be read: {cause.strerror}") from cause


# -- checks ----------------------------------------------------------------------------------------


def _checked(network: Network, where: str) -> Network:
    """The network with models in it, if it holds together."""
    network = from_plain(Network, as_plain(network), where)
    if not network.populations:
        raise errors.ModelError(where, "it has no populations", mend="Name at least one.")
    for name in (*network.populations, *network.projections, *network.params):
        if not labels.NAME.fullmatch(name):
            raise errors.ModelError(where, f"{name!r:.60} is no name", "letters, digits and _, a letter first")
    both = sorted(set(network.populations) & set(network.projections))
    if both:
        raise errors.ModelError(where, f"{both[0]!r} is both a population and a projection", mend="Rename one.")
    plain = settled(network, where)
    held = {n: _population(p, f"{where}: population {n!r}") for n, p in plain.populations.items()}
    if all(p.model == POISSON for p in held.values()):
        raise errors.ModelError(where, "it has sources and no neurons", mend="Add a population of neurons.")
    for name, projection in plain.projections.items():
        _check_projection(projection, held, f"{where}: projection {name!r}")
    named = {end for p in network.projections.values() for end in (p.pre, p.post)}
    for name, population in held.items():
        if name not in named and not population.alone:
            mend = "Connect it, or say alone=True."
            raise errors.ModelError(where, f"population {name!r} is disconnected: no projection names it", mend=mend)
    own = {n: dataclasses.replace(p, model=held[n].model) for n, p in network.populations.items()}
    return dataclasses.replace(network, populations=own)


def _population(population: Population, where: str) -> Population:
    if population.size < 1:
        raise errors.ModelError(where, f"it is empty: {population.size} neurons", "1 or more", mend="Or leave it out.")
    if population.sign not in SIGNS:
        raise errors.unknown(where, "sign", population.sign, ["excitatory", "inhibitory"])
    model = population.model
    if model == POISSON:
        return _sources(population, where)
    if isinstance(model, str) and model.endswith(".json"):
        raise errors.ModelError(where, "a network names no files", mend="Put the model in: load_model(path).spec.")
    try:
        found = load_model(model)
    except errors.SneuronError as cause:
        raise type(cause)(where, cause.message()) from cause
    for name, value in population.params.items():
        if name not in found.params and name not in found.aliases and name not in found.states:
            raise errors.unknown(where, "parameter", name, [*found.params, *found.states])
        known = found.params.get(found.aliases.get(name, name))
        if known is not None and isinstance(value, float) and not known.low <= value <= known.high:
            possible = f"{known.low:g} to {known.high:g} {known.unit}"
            raise errors.ModelError(where, f"{name} = {value:g} is out of bounds", possible)
    return dataclasses.replace(population, model=found.spec)


def _sources(population: Population, where: str) -> Population:
    """Sources that spike at a rate."""
    for name in population.params:
        if name != "rate":
            raise errors.unknown(where, "parameter", name, ["rate"])
    rate = population.params.get("rate", 0.0)
    if not isinstance(rate, float) or not 0.0 <= rate <= 1e6:
        raise errors.ModelError(where, f"rate = {rate!r:.60} is none", "a number from 0 to 1e6, in Hz")
    return population


def _check_projection(projection: Projection, populations: Mapping[str, Population], where: str) -> None:
    for end in (projection.pre, projection.post):
        if end not in populations:
            raise errors.unknown(where, "population", end, list(populations))
    for name, value in (("weight", projection.weight), ("delay", projection.delay)):
        if not isinstance(value, float | Mapping):
            raise errors.ModelError(where, f"{name} = {value!r:.60} is no number", 'a number, or {"law": ...}')
    atonce = projection.delay == 0 and projection.receptor in load_model(populations[projection.post].model).couplings
    if isinstance(projection.delay, float) and not projection.delay > 0 and not atonce:
        kind = "negative" if projection.delay < 0 else "0"
        raise errors.ModelError(where, f"its delay is {kind}: {projection.delay:g} ms", "above 0 ms")
    sign = SIGNS[populations[projection.pre].sign]
    if isinstance(projection.weight, float) and projection.weight * sign < 0:
        kind = populations[projection.pre].sign
        given = f"weight {projection.weight:g} has the wrong sign: {projection.pre!r} is {kind}"
        raise errors.ModelError(where, given, "0 or more" if sign > 0 else "0 or less")
    if populations[projection.post].model == POISSON:
        raise errors.ModelError(where, f"{projection.post!r} are sources, which receive nothing", mend="Leave it out.")
    _check_plasticity(projection, where)
    receptors = _mounts(populations[projection.post])
    if projection.receptor and projection.receptor not in receptors:
        raise errors.unknown(where, f"receptor of {projection.post!r}", projection.receptor, receptors)


def _check_plasticity(projection: Projection, where: str) -> None:
    """The rule is known, and so are its parameters."""
    table = projection.plasticity
    if not table:
        return
    held = dict(table) if isinstance(table, Mapping) and "rule" in table else {"rule": table}
    rule = load_plasticity(held.pop("rule"))
    for name, value in held.items():
        if name not in rule.params:
            raise errors.unknown(f"{where}: plasticity", f"parameter of {rule.name!r}", name, rule.params)
        low, high = rule.params[name].low, rule.params[name].high
        if not isinstance(value, float) or not low <= value <= high:
            raise errors.ModelError(f"{where}: plasticity", f"{name} = {value!r:.60} is none", f"{low:g} to {high:g}")


def _mounts(population: Population) -> list[str]:
    """What is mounted in the neurons of a population."""
    return sorted(population.model.channels) if isinstance(population.model, Neuron) else []
