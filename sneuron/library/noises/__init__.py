"""Noises of the library, one file each: mechanisms that a neuron can be given by `NoiseAdd`."""
