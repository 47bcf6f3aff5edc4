"""IP3 that spikes add, and that decays to its rest (Nadkarni & Jung 2003)."""

from sneuron.lang.spec import Channel, Param, State

NJ03 = "Nadkarni & Jung 2003, Phys Rev Lett 91:268101, doi:10.1103/PhysRevLett.91.268101"
NEST = "astrocyte_lr_1994 of NEST"

IP3_PULSE = Channel(
    name="ip3_pulse",
    unit="",
    states={"IP3": State("uM", "IP3_rest", 0.0, 9999.0, "inositol 1,4,5-trisphosphate in the cytosol")},
    equations={"IP3": "(IP3_rest - IP3)/tau"},
    receive={"IP3": "delta*w"},
    params={
        "IP3_rest": Param(0.16, "uM", 0.0, 9999.0, NJ03, "IP3 at rest"),
        "tau": Param(7142.0, "ms", 0.001, 1e9, NJ03, "time constant of its decay"),
        "delta": Param(0.0002, "uM", 1e-12, 9999.0, NJ03 + "; " + NEST, "IP3 that a spike of weight 1 adds"),
    },
    source=NJ03,
    note="The weight has no unit.",
)
