"""What a neuron's currents cost: sodium and calcium pumped back, or the energy that the currents dissipate."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from sneuron import errors, labels
from sneuron.analysis.flows import CALCIUM, MIXED, SODIUM, Currents, Flows, wanted
from sneuron.analysis.measure import Axis, FloatArray, Output, measure
from sneuron.analysis.segments import divided

__all__ = ["ELEMENTARY_CHARGE", "HOWARTH_2012", "EnergyUse"]

ELEMENTARY_CHARGE, AVOGADRO = 1.602176634e-19, 6.02214076e23
"""Coulomb, and 1/mol; both exact in the SI."""

CHARGES = {SODIUM: 3.0, MIXED: 3.0, CALCIUM: 2.0}
"""Elementary charges moved for one ATP: 3 sodium ions by the Na/K pump, or 1 calcium ion."""

HOWARTH_2012 = {"postsynaptic": 50 / 21, "presynaptic": 5 / 21, "recycling": 4 / 21}
"""What synapses cost for each ATP of action potentials, in rat neocortex: shares of 50, 5 and 4 % beside 21 %."""

METHODS, BASELINES, BUDGETS = ("ions", "electrical"), (None, "start"), (None, "howarth2012")
SPIKES = "spikes"


def _check(options: Mapping[str, Any]) -> None:
    """Refuse options that cannot be."""
    for name, choices in (("method", METHODS), ("baseline", BASELINES), ("budget", BUDGETS)):
        if options[name] not in choices:
            raise errors.unknown("EnergyUse", name, str(options[name]), [str(c) for c in choices])
    for name, unit in (("free_energy", "kJ/mol"), ("area", "um2"), ("overlap", "1"), ("swing", "mV")):
        value = options[name]
        if value is not None and not 0 < labels.number(value, unit, f"EnergyUse: {name}") < np.inf:
            raise errors.ParameterError(f"EnergyUse: {name}", f"{value!r} cannot be", f"a number above 0 {unit}")
    _check_names(options["currents"], options["reversals"])
    if (options["overlap"] is None) != (options["capacitance"] is None):
        raise errors.ParameterError("EnergyUse", "overlap and capacitance go together", mend="Give both, or none.")
    if options["overlap"] is not None and options["method"] != "ions":
        raise errors.ParameterError("EnergyUse: overlap", "it counts sodium", 'method="ions"')
    if options["budget"] and options["overlap"] is None and options["baseline"] is None:
        mend = 'Give baseline="start", or overlap.'
        raise errors.ParameterError("EnergyUse: budget", "what spikes cost is not set apart", mend=mend)


def _check_names(currents: Any, reversals: Any) -> None:
    listed = (
        isinstance(currents, Sequence) and not isinstance(currents, str) and all(isinstance(c, str) for c in currents)
    )
    if currents is not None and not (listed and currents):
        raise errors.ParameterError("EnergyUse: currents", f"{currents!r:.60} is no list of names", "['na', 'leak']")
    if reversals is not None and not isinstance(reversals, Mapping):
        raise errors.ParameterError("EnergyUse: reversals", f"{reversals!r:.60} is no mapping", "{'na': 50, 'k': -90}")
    for ion, value in (reversals or {}).items():
        if ion not in ("na", "k"):
            raise errors.unknown("EnergyUse: reversals", "ion", str(ion), ["na", "k"])
        labels.number(value, "mV", f"EnergyUse: reversals of {ion!r}")


def _needs(attrs: Mapping[str, Any], offers: Collection[str], options: Mapping[str, Any]) -> list[str]:
    """Features that stand for the currents over time; in a window of time only traces do."""
    _check(options)
    if options["t_start"] is not None or options["t_stop"] is not None:
        return []
    names = wanted(labels.currents_of(attrs, "EnergyUse"), options)
    for name in names:
        if name not in offers:
            what = f"the current {name[2:]!r} has no reversal potential: it is not linear in one voltage"
            raise errors.DataError("EnergyUse", what, mend="Leave it out: currents=[...] names those that count.")
    means = [f"{name}_mean" for name in names]
    return means + [f"{n}_first" for n in names if not n.startswith("e_")] if options["baseline"] else means


def _gives(options: Mapping[str, Any]) -> list[Output]:
    _check(options)
    if options["area"] is not None and not options.get("per_area", True):
        raise errors.ParameterError("EnergyUse: area", "these currents are of whole cells", mend="Leave it out.")
    if options["overlap"] is not None and not options.get("spiking", True):
        raise errors.DataError("EnergyUse: overlap", "it counts spikes, and there is no spike count")
    area = options.get("per_area", False) and options["area"] is None
    rate, power = ("1/(s cm2)", "W/cm2") if area else ("1/s", "W")
    axis = Axis("process", np.array(_processes(options)), "1", "what the energy is used for")
    outputs = [
        Output("atp", rate, "ATP used per second"),
        Output("power", power, "energy used per second"),
        Output("atp_process", rate, "ATP used per second by each process", (axis,)),
        Output("power_process", power, "energy used per second by each process", (axis,)),
    ]
    if options.get("spiking", False):
        outputs.append(Output("atp_per_spike", "1/cm2" if area else "1", "ATP used per spike"))
        outputs.append(Output("energy_per_spike", "J/cm2" if area else "J", "energy used per spike"))
    return outputs


def _processes(options: Mapping[str, Any]) -> list[str]:
    """Names along `process`: currents that cost, spikes counted by an overlap, synapses of a budget."""
    own = options.get("processes", options["currents"])
    if own is None:
        what = "which currents there are is not known without data"
        raise errors.ParameterError("EnergyUse", what, mend="Give currents=[...].")
    spikes = [SPIKES] if options["overlap"] is not None else []
    return [*own, *spikes, *(HOWARTH_2012 if options["budget"] else ())]


@measure(over={"run": Currents(_check)}, gives=_gives, needs=_needs)
def EnergyUse(
    run: Flows,
    method: str = "ions",
    baseline: str | None = None,
    currents: Sequence[str] | None = None,
    reversals: Mapping[str, float] | None = None,
    area: float | str | None = None,
    free_energy: float = 50.0,
    overlap: float | None = None,
    capacitance: float | str | None = None,
    swing: float = 100.0,
    budget: str | None = None,
    t_start: float | None = None,
    t_stop: float | None = None,
) -> tuple[FloatArray, ...]:
    r"""Metabolic cost of a neuron's currents, in ATP and joule per second, by process, and per spike.

    Parameters
    ----------
    run : Dataset
        A state after `IonDyn` (the cost at this instant), or a run or study result that holds the currents, over time
        (`record`) or as features: `RunSim(..., features=[EnergyUse])`. In a study, `outputs={"atp": EnergyUse}` has
        the features computed on the way, and no trace is kept.
    method : {"ions", "electrical"}, default "ions"
        "ions": the ATP that pumps the ions back. Sodium costs 1 ATP for 3 ions, calcium 1 for each; the part of a
        current of no single ion (a leak, an h-current) that is sodium follows from its reversal potential.
        "electrical": the power that currents dissipate on their way down their gradients.
    baseline : {None, "start"}
        "start" takes off what was used at the first instant: the cost of activity beyond that of the state in which
        the run began. None keeps all.
    currents : sequence of str, optional
        The currents that count, where not all do. A current of no single ion that has no reversal potential (one that
        is not linear in v, or flows between compartments) has to be left out.
    reversals : mapping of str to float, mV, optional
        Reversal potentials of "na" and "k" that tell the sodium part of mixed currents; those of the first sodium and
        potassium current by name when omitted.
    area : float, um2, or text with unit, optional
        Of the membrane: makes costs per area (of a neuron in uA/cm2) costs of a cell.
    free_energy : float, kJ/mol, default 50
        That the hydrolysis of ATP sets free.
    overlap : float, optional
        Adds the process "spikes": for neurons without sodium current, each spike counts as `overlap` times the least
        sodium charge that lifts the membrane by `swing`. 1.24 in neocortex (Howarth et al. 2012), 4 in Attwell &
        Laughlin 2001.
    capacitance : float (pF, or uF/cm2) or text with unit, optional
        Of the membrane, for `overlap`.
    swing : float, mV, default 100
        Height of a spike, for `overlap`.
    budget : {None, "howarth2012"}
        Adds the processes "postsynaptic", "presynaptic" and "recycling", in the proportion to the cost of action
        potentials that they have in rat neocortex. Action potentials are what is left with baseline="start", or the
        process "spikes". An estimate for neurons in a network, of synapses that the model does not have.
    t_start, t_stop : float, ms, optional
        Window, both ends included; of traces only.

    Returns
    -------
    Dataset
        `atp` in ATP/s and `power` in W over the dims of the currents, `atp_process`, `power_process` (..., process);
        with a spike count also `atp_per_spike` and `energy_per_spike` (J), NaN without spikes. Per cm2 where the
        neuron's currents are and no `area` is given. A point that failed is NaN.

    Raises
    ------
    DataError
        The currents, or their reversal potentials, are not there.
    ParameterError, UnknownNameError
        Options that cannot be.

    Notes
    -----
    Ions: :math:`\dot n = -I_{Na}/3e - I_{Ca}/2e`. A mixed current :math:`g(v-E)` is taken as one of sodium and
    potassium: its sodium current is :math:`g\,\frac{E-E_K}{E_{Na}-E_K}(v-E_{Na})`, none where E is below
    :math:`E_K`. Net charge counts: what flows back out costs nothing. Other ions (potassium, chloride) cost nothing of
    their own: the pump moves potassium with the same ATP.
    Electrical: :math:`P=\sum I(v-E)=\sum I^2/g`.
    Energy is ATP times `free_energy`, and the other way round. Time is averaged by the trapezoid rule over traces,
    and by the mean over steps in features, which agree to first order in the step.
    The reversal potentials of mixed currents, sodium and potassium are taken as constant over the time of a feature.

    References
    ----------
    Attwell & Laughlin 2001, doi:10.1097/00004647-200110000-00001 (ions, rest). Howarth, Gleeson & Attwell 2012,
    doi:10.1038/jcbfm.2012.35 (overlap, shares). Moujahid, d'Anjou & Torrealdea 2011,
    doi:10.1103/PhysRevE.83.031912, arXiv:1203.0886 (electrical).

    Examples
    --------
    >>> import sneuron as sn
    >>> cell = sn.InitNeu({"model": "hh", "I": [0.0, 10.0]})
    >>> use = EnergyUse(sn.RunSim(cell, duration=200, features=[EnergyUse]))
    >>> use.process.values
    array(['k', 'leak', 'na'], dtype='<U4')
    >>> (use.atp / 1e13).round(1).values
    array([ 1.5, 18.9])
    """
    asked = {"method": method, "baseline": baseline, "area": area, "overlap": overlap, "budget": budget}
    joule = labels.number(free_energy, "kJ/mol", "EnergyUse: free_energy") * 1e3 / AVOGADRO
    least = 0.0 if overlap is None else _least_charge(run, capacitance, swing)
    atp = np.stack(_costs(run, asked, joule, least), axis=-1)
    total = atp.sum(-1)
    results = [total, total * joule, atp, atp * joule]
    if run.spikes is not None:
        each = divided(total * run.duration, run.full(run.spikes))
        results += [each, each * joule]
    return tuple(results)


def _costs(run: Flows, asked: Mapping[str, Any], joule: float, least: float) -> list[FloatArray]:
    """ATP per second of every process."""
    own = [
        _cost(run, name, joule if asked["method"] == "electrical" else 0.0, asked["baseline"]) for name in run.processes
    ]
    extra = []
    if asked["overlap"] is not None and run.spikes is not None:
        each = asked["overlap"] * least / (CHARGES[SODIUM] * ELEMENTARY_CHARGE)
        extra.append(run.full(run.spikes) / run.duration * each)
    if asked["budget"]:
        spiking = extra[0] if extra else sum(own[1:], own[0])
        extra += [spiking * share for share in HOWARTH_2012.values()]
    area = 1.0 if asked["area"] is None else 1e-8 * labels.number(asked["area"], "um2", "EnergyUse: area")
    return [cost * area for cost in (*own, *extra)]


def _cost(run: Flows, name: str, joule: float, baseline: str | None) -> FloatArray:
    """ATP per second of one current, averaged over time, less that at the start where asked; by power where `joule`."""

    def atp(values: Mapping[str, FloatArray]) -> FloatArray:
        if joule:
            return values[f"p_{name}"] / joule
        return -run.pumped(name, values) / (ELEMENTARY_CHARGE * CHARGES[run.ions[name]])

    if not joule and run.ions[name] not in CHARGES:
        return run.full(np.zeros(()))
    mean = run.mean(atp(run.values))
    return mean - run.full(atp(run.first)) if baseline else mean


def _least_charge(run: Flows, capacitance: Any, swing: Any) -> float:
    """The charge (C, or C/cm2) that lifts the membrane by the height of a spike."""
    unit, si = ("uF/cm2", 1e-6) if run.per_area else ("pF", 1e-12)
    volts = 1e-3 * labels.number(swing, "mV", "EnergyUse: swing")
    return labels.number(capacitance, unit, "EnergyUse: capacitance") * si * volts
