"""Understand: measures of spike trains and signals, lazy on labelled data."""

from sneuron.analysis.measure import Measure, Output, measure, measures

__all__ = ["Measure", "Output", "measure", "measures"]
