"""The emitter for networks: the same step, run block by block for one epoch after another.

In an epoch, which is no longer than the shortest delay, no neuron can reach another: each block runs on its own, with
what arrives from a ring, and its spikes go to lists, one for each step.  Then they are delivered.  Networks lie in
blocks of their own and run one after the other, so that one of them has the same bits whatever runs beside it.  What
is the same for all neurons of every network is read once for a block.
"""

from __future__ import annotations

from collections.abc import Iterable

from sneuron.lang import coupling, synapses
from sneuron.lang.assignments import Program, Wave
from sneuron.lang.emit import Emitter, Source
from sneuron.lang.methods import Method
from sneuron.lang.model import Model
from sneuron.lang.plasticity import Rule
from sneuron.lang.printer import mangled
from sneuron.lang.program import build, watch
from sneuron.lang.texts import Layout, function, indented

__all__ = ["emit"]

_CLOCK = "_first, _dt, _origin, _wave, _rows, _wave_start"
_LEFT = "_counts, _status, _bad, _rec, _every, _pick, _lane, _keys, _Z, _drawn, _halt"
_LISTS = "_who, _when, _fill"


def emit(
    model: Model,
    method: Method,
    dtype: str,
    waves: tuple[Wave, ...],
    record: tuple[str, ...],
    features: tuple[str, ...],
    varying: frozenset[str],
    most: tuple[tuple[int, int], ...],
    rules: tuple[Rule, ...] | None = None,
) -> Source:
    """The module of networks of `model`; `varying` are the parameters in which neurons of one network differ.

    `rules` are those by which synapses change; None where all keep their weights, and where there are no sources.
    """
    program = build(model, method, waves, True, most)
    watch(program, model, [*record, *(f.rsplit("_", 1)[0] for f in features)])
    return _Networked(model, method, dtype, waves, record, features, program, varying, rules).source()


class _Networked(Emitter):
    wide = True

    def __init__(
        self,
        model: Model,
        method: Method,
        dtype: str,
        waves: tuple[Wave, ...],
        record: tuple[str, ...],
        features: tuple[str, ...],
        program: Program,
        varying: frozenset[str],
        rules: tuple[Rule, ...] | None,
    ) -> None:
        self.rules = rules
        super().__init__(model, method, dtype, waves, record, features, program)
        self.same = self._same(varying)
        self.met: dict[str, None] | None = None

    def _layout(self) -> Layout:
        """The usual rows, and those of what couplings send."""
        rows = dict(super()._layout().rows)
        for row, _ in coupling.sent(self.model).values():
            rows.setdefault(row, len(rows))
        return Layout(64, rows)

    def _same(self, varying: frozenset[str]) -> set[str]:
        """Rows that hold one number for all lanes of a block."""
        same = {n for n in self.layout.rows if n in self.model.params and n not in varying}
        for name, expr in self.program.hoisted:
            if {s.name for s in expr.free_symbols} <= same | {"dt"}:
                same.add(name)
        linear = self.program.linear
        if linear is not None:
            parts = [*linear.matrix.values(), *linear.constant.values(), *linear.drive.values()]
            same |= set(linear.rows.values()) if {s.name for e in parts for s in e.free_symbols} <= same else set()
        return same

    def _helpers(self) -> list[str]:
        ours = "from sneuron.lang.delivery import deliver, take" if self.rules is None else synapses.IMPORTS
        return [*super()._helpers(), ours, *([coupling.IMPORT] if self.model.couplings else [])]

    def _loads(self, names: Iterable[str]) -> list[str]:
        if self.met is None:
            return super()._loads(names)
        held = [n for n in names if n in self.layout.rows]
        self.met |= {n: None for n in held if n in self.same}
        return super()._loads(n for n in held if n not in self.same)

    def _late(self) -> list[str]:
        """States without exponentials in their step, once the voltage has moved: one loop less."""
        p = self.program
        if not self.method.voltage_first or not self._decays():
            return []
        return [x for x in p.new if x != "v" and not self._decays(p.ordered([p.new[x]], [p.new["v"]]))]

    def _arrived(self) -> list[str]:
        """What arrives in this step, each receptor's into its row."""
        many, width = len(self.program.ports), self.layout.width
        rows = [self.layout.offset(row) for row in self.program.ports.values()]
        slot = f"_at + ((_now & _mask) * {many} + {{k}}) * _lanes"
        return [f"take(_S, {row}, _ring, {slot.format(k=k)}, {width})" for k, row in enumerate(rows)]

    def _copies(self, what: list[tuple[int, str]], after: bool = False) -> list[str]:
        if not what:
            return []
        at = "(_s - 1)" if after else "_s"
        copies = [f"_rec[{k}, {at} // _every, _j] = _S[{self.layout.offset(n)} + _lane[_j]]" for k, n in what]
        return [f"if {at} % _every == 0:", *indented(["for _j in range(_pick[_b], _pick[_b + 1]):", *indented(copies)])]

    def _note(self, time: str) -> list[str]:
        """One spike into the list of its step; lanes that only fill up a block send none."""
        return [
            "_counts[_b, _i] += 1",
            "if _place + _i < _size:",
            *indented([
                "_k = _fill[_s - 1 - _begin]",
                f"_who[_s - 1 - _begin, _k], _when[_s - 1 - _begin, _k] = _place + _i, {time}",
                "_fill[_s - 1 - _begin] = _k + 1",
            ]),
        ]  # fmt: skip

    def _safe(self) -> list[str]:
        return [*super()._safe(), "_halt[_net] = max(_halt[_net], _status[_b, _i])"]

    def _run(self) -> str:
        own = [] if self.rules is None else synapses.texts(self.rules)
        return "\n\n".join([*own, *self._send(), self._epoch(), self._networks()])

    def _send(self) -> list[str]:
        """What couplings send, where it is no state or parameter, from the states at the start of a step."""
        if not self.model.couplings:
            return []
        made = [pair for pair in coupling.sent(self.model).values() if pair[0].startswith("_out_")]
        lines = [*self._loads(self._needed(made)), *(self._store(row, self.print(e)) for row, e in made)]
        loop = ["_S = _B[_b]", "for _i in range(W):", *indented(lines or ["pass"])]
        doc = "What neurons send through couplings."
        return [function("send", "_B, _low, _high", doc, ["for _b in range(_low, _high):", *indented(loop)])]

    def _coupled(self, ports: int) -> list[str]:
        """What couplings bring in a step, before it."""
        if not self.model.couplings:
            return []
        return [
            "send(_B, _blocks[_net], _blocks[_net + 1])",
            f"couple(_B, _blocks[_net], W, _ring, _rings[_net], _mask, _lanes, {ports}, _first + _done[_net], _net,"
            " _couplings, _ways)",
        ]

    def _epoch(self) -> str:
        """The blocks of a network for an epoch."""
        self.met = {}
        loop = ["_now = _first + _s", *self._clock(), *self._numbers(), *self._arrived()]
        recorded = [(k, self.program.row(n)) for k, n in enumerate(self.record)]
        loop += self._copies([(k, n) for k, n in recorded if self._is_state(n)])
        loop += [*self._lanes(), "_s += 1"]
        loop += self._copies([(k, n) for k, n in recorded if not self._is_state(n)], after=True)
        loop += ["if _any:", *indented(["for _i in range(W):", *indented(self._events())])]
        shared = [f"{mangled(n)} = _S[{self.layout.offset(n)}]" for n in self.met]
        self.met = None
        body = [
            "_S, _s, _place = _B[_b], _begin, (_b - _low) * W",
            "_at = _place + _start",
            *shared,
            *(["_fresh = _drawn[_b]"] if self.program.draws else []),
            *(["_patience = 0"] if self._decays() else []),
            "while _s < _end:",
            *indented(loop),
            *(["_drawn[_b] = _fresh"] if self.program.draws else []),
        ]
        where = "_low, _high, _net, _begin, _end, _size"
        arguments = f"_B, {where}, {_CLOCK}, _ring, _start, _mask, _lanes, {_LISTS}, {_LEFT}"
        lines = ["dt = F(_dt)", "for _b in range(_low, _high):", *indented(body)]
        return function("epoch", arguments, "The blocks of a network, each up to the end of an epoch.", lines)

    def _changing(self, delivered: str) -> list[str]:
        """Sources spike, too; spikes reach synapses that change."""
        return [
            "_sent[_net] += _fill[:_m].sum()",
            "sow(_who, _fill[:_m], _first + _begin, _net, _sources)",
            f"{delivered}, _graph, _plastic, _dt)",
        ]

    def _networks(self) -> str:
        """One network after the other, one epoch after the other, until the end or until there is no room."""
        ports = len(self.program.ports)
        delivered = f"deliver(_ring, _rings[_net], _mask, _lanes, {ports}, _first + _begin, _who, _fill[:_m], _net"
        epoch = [
            "_m = min(_epochs[_net], _n - _done[_net])",
            "_lanes = (_blocks[_net + 1] - _blocks[_net]) * W",
            "if _K > 0 and _used[0] + _m * _lanes > _K:",
            *indented(["return"]),
            "_fill[:_m] = 0",
            "_begin = _done[_net]",
            *self._coupled(ports),
            f"epoch(_B, _blocks[_net], _blocks[_net + 1], _net, _begin, _begin + _m, _sizes[_net], {_CLOCK}, _ring,"
            f" _rings[_net], _mask, _lanes, {_LISTS}, {_LEFT})",
            *([] if self.rules is not None else [f"_sent[_net] += {delivered}, _graph)"]),
            "if _K > 0:",
            *indented([
                "for _s in range(_m):",
                *indented([
                    "for _j in range(_fill[_s]):",
                    *indented([
                        "_times[_used[0]], _neurons[_used[0]] = _when[_s, _j], _who[_s, _j]",
                        "_from[_used[0]] = _net",
                        "_used[0] += 1",
                    ]),
                ]),
            ]),
            *([] if self.rules is None else self._changing(delivered)),
            "_done[_net] += _m",
            "if _sent[_net] > _sizes[_net] * (_grace + _most * _done[_net] * _dt):",
            *indented(["_halt[_net] = 4", "_late[_net] = _origin + (_first + _done[_net]) * _dt"]),
        ]  # fmt: skip
        lines = [
            "_K = _times.size",
            "for _net in range(_done.size):",
            *indented(["while _done[_net] < _n and _halt[_net] == 0:", *indented(epoch)]),
        ]
        layout = "_blocks, _sizes, _epochs, _ring, _rings, _mask, _graph"
        layout += "" if self.rules is None else ", _plastic, _sources"
        layout += ", _couplings, _ways" if self.model.couplings else ""
        events = "_sent, _grace, _most, _late, _used, _times, _neurons, _from"
        arguments = f"_B, _done, _n, {_CLOCK}, {layout}, {_LISTS}, {events}, {_LEFT}"
        return function("run", arguments, "Epochs until the end, or until there is no room for more spikes.", lines)
