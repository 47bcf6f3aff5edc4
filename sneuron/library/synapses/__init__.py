"""Receptors of the library, one file each: what arriving spikes do to a neuron."""
