"""Rules of rate-based plasticity as data: what a file of the library, or a user, writes down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sneuron.lang.spec import Param

__all__ = ["RateRule"]


@dataclass(frozen=True)
class RateRule:
    """How the weights of a layer follow the activity of the neurons that they join.

    Parameters
    ----------
    name : str
        Its name in the library.
    change : str
        What a weight `w` gains from one sample, at a learning rate of 1: an expression over `w`, the activity `x` of
        the neuron that sends and `y` of the one that receives, `recalled` (the sum of y*w, over the same sending
        neuron, of this and all earlier receiving ones), averages and parameters.
    averages : mapping
        Means over samples by name, of expressions over `x` or over `y`: of all samples in a batch, running ones online.
    output : str
        The activity `y` of a neuron whose inputs add up to `a`.
    lateral : bool
        Whether the synapses join the neurons of one layer, y = x + W y; `x` of a synapse is then the `y` of the neuron
        that sends, and no neuron reaches itself.
    params : mapping
        Constants.
    source, note : str
        Citation with DOI; what should be known about it.
    """

    name: str
    change: str
    averages: Mapping[str, str] = field(default_factory=dict)
    output: str = "a"
    lateral: bool = False
    params: Mapping[str, Param] = field(default_factory=dict)
    source: str = ""
    note: str = ""
