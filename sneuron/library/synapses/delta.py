"""A synapse whose whole charge arrives at once: the voltage jumps."""

from sneuron.lang.spec import Channel

BRUNEL00 = "Brunel 2000, J Comput Neurosci 8:183, doi:10.1023/A:1008925309027"

DELTA = Channel(
    name="delta",
    unit="",
    receive={"v": "w"},
    source=BRUNEL00,
    note="The weight is the jump of v in mV; while the neuron is refractory, what arrives is lost.",
)
