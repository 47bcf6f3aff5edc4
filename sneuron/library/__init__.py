"""Data only: one file for each neuron, channel and stimulus."""
