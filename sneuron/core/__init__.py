"""Simulate: states, parts of a step, whole runs; labelled arrays in and out."""
