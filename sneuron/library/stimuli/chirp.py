"""A sine wave whose frequency grows linearly (ZAP)."""

from sneuron.lang.spec import Param, Stimulus

PUIL86 = "Puil, Gimbarzevsky & Miura 1986, J Neurophysiol 55:995, doi:10.1152/jn.1986.55.5.995"

CHIRP = Stimulus(
    name="chirp",
    current="where(t >= start and t < stop, offset + amplitude*sin(2*pi*cycles), 0)",
    functions={
        "since": "t - start",
        "cycles": "(freq_first*since + (freq_last - freq_first)*since**2/(2*(stop - start)))/1000",
    },
    params={
        "amplitude": Param(0.0, "", source=PUIL86, note="half of peak to peak"),
        "offset": Param(0.0, "", source=PUIL86, note="the mean current while it is on"),
        "freq_first": Param(0.0, "Hz", 0.0, 1e6, PUIL86, "frequency at its start"),
        "freq_last": Param(20.0, "Hz", 0.0, 1e6, PUIL86, "frequency at its end"),
        "start": Param(0.0, "ms", source=PUIL86, note="when it comes on"),
        "stop": Param(10000.0, "ms", source=PUIL86, note="when it goes off"),
    },
    source=PUIL86,
)
