"""Explore the parameter space of neural models.

Names load on first use, so that `import sneuron` is quick: what a name needs is imported when the name is asked for.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from sneuron.version import __version__

if TYPE_CHECKING:
    from sneuron.analysis.coincidence import Coincidence as Coincidence
    from sneuron.analysis.counts import CountError as CountError
    from sneuron.analysis.counts import Latency as Latency
    from sneuron.analysis.counts import LatencyError as LatencyError
    from sneuron.analysis.counts import RateError as RateError
    from sneuron.analysis.counts import SpikeCount as SpikeCount
    from sneuron.analysis.distances import VanRossum as VanRossum
    from sneuron.analysis.distances import VictorPurpura as VictorPurpura
    from sneuron.analysis.efeatures import Efeatures as Efeatures
    from sneuron.analysis.efeatures import FeatureScore as FeatureScore
    from sneuron.analysis.energy import EnergyUse as EnergyUse
    from sneuron.analysis.fields import lead_field as lead_field
    from sneuron.analysis.firing import FireClass as FireClass
    from sneuron.analysis.intervals import ISIComp as ISIComp
    from sneuron.analysis.lfp import LfpEst as LfpEst
    from sneuron.analysis.meanfield import mean_field as mean_field
    from sneuron.analysis.measure import measure as measure
    from sneuron.analysis.measure import measures as measures
    from sneuron.analysis.netstate import NetState as NetState
    from sneuron.analysis.rates import FireRate as FireRate
    from sneuron.analysis.sensitivity.boundary import boundary_distance as boundary_distance
    from sneuron.analysis.stability import PlastStable as PlastStable
    from sneuron.analysis.traces import TraceError as TraceError
    from sneuron.core.adapt import AdaptDT as AdaptDT
    from sneuron.core.assembly import BuildNet as BuildNet
    from sneuron.core.attractors import recall as recall
    from sneuron.core.currents import CaCur as CaCur
    from sneuron.core.currents import KCur as KCur
    from sneuron.core.currents import LeakCur as LeakCur
    from sneuron.core.currents import NaCur as NaCur
    from sneuron.core.detect import DetSpike as DetSpike
    from sneuron.core.glia.link import GliaLink as GliaLink
    from sneuron.core.graph.matrix import ConnMat as ConnMat
    from sneuron.core.hebb import HebbUpd as HebbUpd
    from sneuron.core.homeo import HomeoScale as HomeoScale
    from sneuron.core.netrun import NetStep as NetStep
    from sneuron.core.netrun import SynCur as SynCur
    from sneuron.core.netrun import SynDel as SynDel
    from sneuron.core.network import connect as connect
    from sneuron.core.noise import NoiseAdd as NoiseAdd
    from sneuron.core.parts import IonDyn as IonDyn
    from sneuron.core.parts import RefracDyn as RefracDyn
    from sneuron.core.parts import RstSpike as RstSpike
    from sneuron.core.parts import UpdGate as UpdGate
    from sneuron.core.parts import UpdVolt as UpdVolt
    from sneuron.core.phase import bifurcations as bifurcations
    from sneuron.core.phase import nullclines as nullclines
    from sneuron.core.phase import rest_points as rest_points
    from sneuron.core.run import RunSim as RunSim
    from sneuron.core.run import StepSim as StepSim
    from sneuron.core.single import NtRelease as NtRelease
    from sneuron.core.single import StdpUpd as StdpUpd
    from sneuron.core.state import InitNeu as InitNeu
    from sneuron.core.stimulus import InjCur as InjCur
    from sneuron.core.stimulus import chirp as chirp
    from sneuron.core.stimulus import noise as noise
    from sneuron.core.stimulus import protocol as protocol
    from sneuron.core.stimulus import pulses as pulses
    from sneuron.core.stimulus import ramp as ramp
    from sneuron.core.stimulus import replay as replay
    from sneuron.core.stimulus import sine as sine
    from sneuron.core.stimulus import step as step
    from sneuron.core.trains import PoisIn as PoisIn
    from sneuron.core.weights import UpdWgt as UpdWgt
    from sneuron.errors import SneuronError as SneuronError
    from sneuron.explore.boundaries import boundaries as boundaries
    from sneuron.explore.comparisons import curves as curves
    from sneuron.explore.comparisons import nudges as nudges
    from sneuron.explore.comparisons import pick_freeze as pick_freeze
    from sneuron.explore.comparisons import radial as radial
    from sneuron.explore.comparisons import trajectories as trajectories
    from sneuron.explore.coords import design_points as design_points
    from sneuron.explore.fit import FitModel as FitModel
    from sneuron.explore.fitted import Fit as Fit
    from sneuron.explore.maps import cells as cells
    from sneuron.explore.maps import filled as filled
    from sneuron.explore.plan import Plan as Plan
    from sneuron.explore.ranges import derived as derived
    from sneuron.explore.ranges import grid as grid
    from sneuron.explore.ranges import halton as halton
    from sneuron.explore.ranges import lhs as lhs
    from sneuron.explore.ranges import log as log
    from sneuron.explore.ranges import random as random
    from sneuron.explore.ranges import sobol as sobol
    from sneuron.explore.ranges import values as values
    from sneuron.explore.ranges import zipped as zipped
    from sneuron.explore.sensitivity import SensAnal as SensAnal
    from sneuron.explore.study import Study as Study
    from sneuron.explore.sweep import ParamSweep as ParamSweep
    from sneuron.labels import Status as Status
    from sneuron.lang.model import ExportJSON as ExportJSON
    from sneuron.lang.model import Model as Model
    from sneuron.lang.model import load_model as load_model
    from sneuron.lang.model import models as models
    from sneuron.lang.nmodl.reading import import_nmodl as import_nmodl
    from sneuron.lang.sensitivity import sensitivities as sensitivities
    from sneuron.plot.atlas import PlotAtlas as PlotAtlas
    from sneuron.plot.boundaries import PlotBoundaries as PlotBoundaries
    from sneuron.plot.classes import PlotClasses as PlotClasses
    from sneuron.plot.fit import PlotFit as PlotFit
    from sneuron.plot.fitmap import PlotFitMap as PlotFitMap
    from sneuron.plot.map import PlotMap as PlotMap
    from sneuron.plot.netstates import PlotStates as PlotStates
    from sneuron.plot.phase import PlotPhase as PlotPhase
    from sneuron.plot.raster import PlotRaster as PlotRaster
    from sneuron.plot.region import PlotRegion as PlotRegion
    from sneuron.plot.sens import PlotSens as PlotSens
    from sneuron.plot.volt import PlotVolt as PlotVolt
    from sneuron.store.files import LoadSim as LoadSim
    from sneuron.store.files import SaveSim as SaveSim
    from sneuron.store.recordings import read_recording as read_recording

_ROOMS = {
    "analysis.coincidence": "Coincidence",
    "analysis.counts": "CountError Latency LatencyError RateError SpikeCount",
    "analysis.distances": "VanRossum VictorPurpura",
    "analysis.efeatures": "Efeatures FeatureScore",
    "analysis.energy": "EnergyUse",
    "analysis.fields": "lead_field",
    "analysis.firing": "FireClass",
    "analysis.intervals": "ISIComp",
    "analysis.meanfield": "mean_field",
    "analysis.lfp": "LfpEst",
    "analysis.measure": "measure measures",
    "analysis.netstate": "NetState",
    "analysis.rates": "FireRate",
    "analysis.sensitivity.boundary": "boundary_distance",
    "analysis.stability": "PlastStable",
    "analysis.traces": "TraceError",
    "core.adapt": "AdaptDT",
    "core.assembly": "BuildNet",
    "core.attractors": "recall",
    "core.currents": "CaCur KCur LeakCur NaCur",
    "core.detect": "DetSpike",
    "core.glia.link": "GliaLink",
    "core.graph.matrix": "ConnMat",
    "core.hebb": "HebbUpd",
    "core.homeo": "HomeoScale",
    "core.netrun": "NetStep SynCur SynDel",
    "core.network": "connect",
    "core.noise": "NoiseAdd",
    "core.parts": "IonDyn RefracDyn RstSpike UpdGate UpdVolt",
    "core.phase": "bifurcations nullclines rest_points",
    "core.run": "RunSim StepSim",
    "core.single": "NtRelease StdpUpd",
    "core.state": "InitNeu",
    "core.stimulus": "InjCur chirp noise protocol pulses ramp replay sine step",
    "core.trains": "PoisIn",
    "core.weights": "UpdWgt",
    "errors": "SneuronError",
    "explore.boundaries": "boundaries",
    "explore.comparisons": "curves nudges pick_freeze radial trajectories",
    "explore.coords": "design_points",
    "explore.maps": "cells filled",
    "explore.fit": "FitModel",
    "explore.fitted": "Fit",
    "explore.plan": "Plan",
    "explore.ranges": "derived grid halton lhs log random sobol values zipped",
    "explore.sensitivity": "SensAnal",
    "explore.study": "Study",
    "explore.sweep": "ParamSweep",
    "labels": "Status",
    "lang.model": "ExportJSON Model load_model models",
    "lang.nmodl.reading": "import_nmodl",
    "lang.sensitivity": "sensitivities",
    "plot.atlas": "PlotAtlas",
    "plot.boundaries": "PlotBoundaries",
    "plot.classes": "PlotClasses",
    "plot.fit": "PlotFit",
    "plot.fitmap": "PlotFitMap",
    "plot.map": "PlotMap",
    "plot.netstates": "PlotStates",
    "plot.phase": "PlotPhase",
    "plot.raster": "PlotRaster",
    "plot.sens": "PlotSens",
    "plot.region": "PlotRegion",
    "plot.volt": "PlotVolt",
    "store.files": "LoadSim SaveSim",
    "store.recordings": "read_recording",
}
"""Where each public name lives: module -> names."""

_HOME = {name: f"sneuron.{module}" for module, names in _ROOMS.items() for name in names.split()}

__all__ = ["__version__", *sorted(_HOME)]


def __getattr__(name: str) -> Any:
    """Import a public name, or a module of the package, when it is asked for."""
    if name in _HOME:
        value = getattr(importlib.import_module(_HOME[name]), name)
    elif name.startswith("_"):
        raise AttributeError(f"module 'sneuron' has no attribute {name!r}")
    else:
        value = _module(name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})


def _module(name: str) -> Any:
    try:
        return importlib.import_module(f"sneuron.{name}")
    except ModuleNotFoundError as cause:
        if cause.name != f"sneuron.{name}":
            raise
        from sneuron import errors

        guess = errors.nearest(name, _HOME)
        hint = f". Did you mean {guess!r}?" if guess else ""
        raise AttributeError(f"module 'sneuron' has no attribute {name!r}{hint}") from None
