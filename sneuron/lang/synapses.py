"""The code of synapses that change: what spikes do to them, generated from the rules.

Weights are brought up to date when a spike arrives, from the spikes of the receiving neuron since the last one, which
are kept for a while; so there is no list of synapses by the neuron that receives, and rows of synapses are read in
order. Every event of a synapse is computed from its values at the event before, whenever that is done: bits do not
depend on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import sympy

from sneuron.lang.plasticity import WEIGHT, Kept, Rule
from sneuron.lang.printer import Printer, mangled
from sneuron.lang.texts import function, indented

__all__ = ["IMPORTS", "shown", "texts", "trains"]

IMPORTS = "from sneuron.lang.delivery import NEVER, SAME, binomial, scattered, sow, take, together"
_PRINT = Printer("float64")
_SPOT = "_ring, _begin, _mask, _lanes, _ports, _now, _p, _sender, _row, _first, _last, _net, _graph, _plastic, _dt"


def texts(rules: Sequence[Rule]) -> list[str]:
    """Functions that deliver the spikes of networks with synapses under `rules`."""
    own = [text for k, rule in enumerate(rules) for text in _Synapse(rule, k).functions()]
    return [*own, _settle(rules), _deliver(rules)]


def trains(rule: Rule) -> str:
    """A function that takes single synapses through spike trains, by the same expressions."""
    return _Synapse(rule, 0).trains()


def shown(rule: Rule) -> list[str]:
    """What is known of a synapse when a spike arrives: its states before, functions, random numbers."""
    return [*rule.states, *rule.needed([*rule.on_pre.values(), rule.delivers])]


class _Synapse:
    """The code of one rule."""

    def __init__(self, rule: Rule, number: int) -> None:
        self.rule, self.k = rule, number
        self.kept = [WEIGHT, *rule.states]

    def functions(self) -> list[str]:
        """All of them."""
        back = [self._settled(), self._noted()] if self.rule.looks_back else []
        return [*back, self._arrive()]

    # -- pieces ------------------------------------------------------------------------------------

    def _values(self) -> list[str]:
        return [f"{mangled(n)} = _plastic.values[_p, {k}]" for k, n in enumerate(self.rule.params)]

    def _read(self) -> list[str]:
        """A synapse as its last event left it."""
        states = [f"{mangled(n)} = _plastic.states[{k}, _at]" for k, n in enumerate(self.rule.states)]
        return ["w = _graph.weights[_at]", *states]

    def _write(self) -> list[str]:
        states = [f"_plastic.states[{k}, _at] = {mangled(n)}" for k, n in enumerate(self.rule.states)]
        return ["_graph.weights[_at] = w", *states]

    def _flow(self, steps: str) -> list[str]:
        """A synapse some steps without an event later."""
        rule = self.rule
        moved = {n: _PRINT(e) for n, e in rule.between.items()}
        for name, kept in rule.states.items():
            if kept.tau is not None:
                away = f"({mangled(name)} - {_PRINT(kept.rest)})"
                moved[name] = f"{_PRINT(kept.rest)} + {away} * exp(-gap / {_PRINT(kept.tau)})"
        gap = [f"gap = float({steps}) * _dt"]
        if not moved:
            return gap
        later = [f"_new_{n} = {text}" for n, text in moved.items()]
        return [*gap, "if gap > 0.0:", *indented([*later, *(f"{mangled(n)} = _new_{n}" for n in moved)])]

    def _faded(self, traces: Mapping[str, Kept], source: str, steps: str) -> list[str]:
        """Traces of a neuron some steps after its last spike."""
        return [
            f"{mangled(n)} = {source.format(k)} * exp(-float({steps}) * _dt / {_PRINT(kept.tau)})"
            for k, (n, kept) in enumerate(traces.items())
        ]

    def _named(self, expressions: Iterable[sympy.Basic]) -> list[str]:
        """Functions and random numbers that expressions stand on."""
        lines = []
        for name in self.rule.needed(expressions):
            held = self.rule.named[name]
            if isinstance(held, tuple):
                which = list(self.rule.spec.chances).index(name)
                n, p = map(_PRINT, held)
                text = f"binomial({n}, {p}, _key, _when, _at - _from, {2 * which} + _again)"
            else:
                text = _PRINT(held)
            lines.append(f"{mangled(name)} = {text}")
        return lines

    def _changed(self, values: Mapping[str, sympy.Expr], named: bool = True, bounded: str = "") -> list[str]:
        """New values from the old ones; the weight within its bounds, where these count."""
        found = self._named(values.values()) if named else []
        found += [f"_new_{n} = {_PRINT(e)}" for n, e in values.items()]
        found += [f"{mangled(n)} = _new_{n}" for n in values]
        lines = self._bounded() if WEIGHT in values else []
        return [*found, *([f"if {bounded}:", *indented([*lines, "pass"])] if bounded else lines)]

    def _bounded(self) -> list[str]:
        low, high = self.rule.low, self.rule.high
        lines = [f"w = min(w, {_PRINT(high)})"] if high is not None else []
        return lines + ([f"w = max(w, {_PRINT(low)})"] if low is not None else [])

    # -- functions ---------------------------------------------------------------------------------

    def _catch(self, end: str) -> list[str]:
        """A synapse after the spikes of its receiving neuron up to a time."""
        events = [
            "_s = _n & _wrap",
            "_then = _plastic.times[_h, _s] + _late",
            f"if _then > {end}:",
            *indented(["break"]),
            *self._flow("_then - _since"),
            *self._faded(self.rule.pre, "_plastic.left[_r, {}]", "_then - _plastic.last[_r]"),
            *(f"{mangled(n)} = _plastic.before[_h, _s, {k}]" for k, n in enumerate(self.rule.post)),
            *self._changed(self.rule.on_post),
            "_since = _then",
            "_n += 1",
        ]
        return [
            *self._read(),
            "_h = _plastic.place[_p] * _neurons + _graph.post[_j]",
            "_late = _graph.delay[_p] if _graph.late[_p] == SAME else np.int64(_graph.delays[_j + _graph.late[_p]])",
            "_many, _since = _plastic.many[_h], _plastic.last[_r]",
            "_n = _many",
            "while _n > 0 and _many - _n <= _wrap and _plastic.times[_h, (_n - 1) & _wrap] + _late > _done:",
            *indented(["_n -= 1"]),
            "if _n > 0 and _many - _n <= _wrap:",
            *indented(["_since = max(_since, _plastic.times[_h, (_n - 1) & _wrap] + _late)"]),
            "while _n < _many:",
            *indented(events),
        ]

    def trains(self) -> str:
        """Points one after the other, their events in order; times are in ms."""
        rule = self.rule
        post = [f"_back_{n} = {_PRINT(kept.jump)}" for n, kept in rule.post.items()]
        pre = [f"_left_{n} = {_PRINT(kept.jump)}" for n, kept in rule.pre.items()]
        values = [*rule.on_pre.values(), rule.delivers]
        kept = [f"_found[_p, _i, {k}] = {mangled(n)}" for k, n in enumerate(shown(rule))]
        event = [
            *self._flow("_now - _since"),
            *(f"{mangled(n)} = _left_{n} * exp(-(_now - _last) / {_PRINT(k.tau)})" for n, k in rule.pre.items()),
            *(f"{mangled(n)} = _back_{n} * exp(-(_now - _ago) / {_PRINT(k.tau)})" for n, k in rule.post.items()),
            "if _after == _now:",
            *indented([*self._changed(rule.on_post, bounded="_bounds"), "gap = 0.0"]),
            "if _before == _now:",
            *indented([
                "_when, _again = _i, 0",
                *self._named(values),
                *kept,
                f"_sent[_p, _i] = {_PRINT(rule.delivers)}",
                *self._changed(rule.on_pre, named=False, bounded="_bounds"),
                *pre,
                "_i, _last = _i + 1, _now",
            ]),
            "if _after == _now:",
            *indented([*post, "_j, _ago = _j + 1, _now"]),
            "_since = _now",
        ]  # fmt: skip
        lines = [
            "for _p in range(_start.size):",
            *indented([
                *(f"{mangled(n)} = _values[_p, {k}]" for k, n in enumerate(rule.params)),
                "w = _start[_p]",
                *(f"{mangled(n)} = _states[_p, {k}]" for k, n in enumerate(rule.states)),
                *(f"_left_{n} = 0.0" for n in rule.pre),
                *(f"_back_{n} = 0.0" for n in rule.post),
                "_i, _j, _key, _at, _from = 0, 0, _keys[_p], _numbers[_p], 0",
                "_since = _last = _ago = min(_first(_pre[_p], 0), _first(_post[_p], 0))",
                "while True:",
                *indented([
                    "_before, _after = _first(_pre[_p], _i), _first(_post[_p], _j)",
                    "_now = min(_before, _after)",
                    "if _now == np.inf:",
                    *indented(["break"]),
                    *event,
                ]),
                "if _until > _since:",
                *indented(self._flow("_until - _since")),
                "_end[_p] = w",
            ]),
        ]  # fmt: skip
        arguments = "_pre, _post, _start, _values, _states, _keys, _numbers, _bounds, _until, _end, _sent, _found"
        first = function("_first", "_train, _k", "A spike of a train; infinity where there are no more.", [
            "if _k >= _train.size or np.isnan(_train[_k]):",
            *indented(["return np.inf"]),
            "return _train[_k]",
        ])  # fmt: skip
        body = ["_dt = 1.0", *lines]
        return first + "\n\n" + function("trains", arguments, "Single synapses through spike trains.", body)

    def _settled(self) -> str:
        """All synapses of a projection up to a time."""
        lines = [
            *self._values(),
            "_place, _low, _wrap = _plastic.place[_p], _graph.low[_p], _plastic.times.shape[1] - 1",
            "_senders = _plastic.last.size // _plastic.settled.size",
            "_neurons = _plastic.many.size // _plastic.settled.size",
            "for _sender in range(_low, _graph.high[_p]):",
            *indented([
                "_r, _row = _place * _senders + _sender, _graph.rows[_p] + _sender - _low",
                "_done = max(_plastic.last[_r], _plastic.settled[_place])",
                "for _j in range(_graph.pointers[_row], _graph.pointers[_row + 1]):",
                *indented(["_at = _j + _graph.heavy[_p]", *self._catch("_end"), *self._write()]),
            ]),
            "_plastic.settled[_place] = _end",
            "for _h in range(_place * _neurons, (_place + 1) * _neurons):",
            *indented(["_plastic.marked[_h] = _plastic.many[_h]"]),
        ]  # fmt: skip
        return function(
            f"settled_{self.k}", "_p, _end, _graph, _plastic, _dt", "A projection, up to date at a time.", lines
        )

    def _noted(self) -> str:
        """A spike of a receiving neuron."""
        post = self.rule.post
        jumps = {n: _PRINT(kept.jump) for n, kept in post.items()}
        lines = [
            *self._values(),
            "_many, _wrap = _plastic.many[_h], _plastic.times.shape[1] - 1",
            "_s, _b = _many & _wrap, (_many - 1) & _wrap",
            "if _many > 0:",
            *indented([*self._faded(post, "_plastic.after[_h, _b, {}]", "_when - _plastic.times[_h, _b]"), "pass"]),
            "else:",
            *indented([*(f"{mangled(n)} = 0.0" for n in post), "pass"]),
            *(f"_plastic.before[_h, _s, {k}] = {mangled(n)}" for k, n in enumerate(post)),
            *(f"_plastic.after[_h, _s, {k}] = {jumps[n]}" for k, n in enumerate(post)),
            "_plastic.times[_h, _s] = _when",
            "_plastic.many[_h] = _many + 1",
            "return (_many + 1 - _plastic.marked[_h]) * 2 > _wrap",
        ]
        return function(
            f"noted_{self.k}", "_h, _when, _p, _plastic, _dt", "A spike, kept; whether room is short.", lines
        )

    def _arrive(self) -> str:
        """A spike at all synapses of its sender in a projection."""
        rule, back = self.rule, self.rule.looks_back
        settled = "max(_plastic.last[_r], _plastic.settled[_place])"
        values = [*rule.on_pre.values(), rule.delivers]
        synapse = ["_at = _j + _graph.heavy[_p]"]
        synapse += self._catch("_when") if back else [*self._read(), "_since = _plastic.last[_r]"]
        synapse += [f"{mangled(n)} = _here_{n}" for n in rule.pre] if back else []
        synapse += [*self._flow("_when - _since"), *(self._behind() if rule.post else [])]
        synapse += [*self._named(values), f"_sent = {_PRINT(rule.delivers)}", *self._changed(rule.on_pre, named=False)]
        late = "_graph.delay[_p] if _graph.late[_p] == SAME else np.int64(_graph.delays[_j + _graph.late[_p]])"
        synapse += [
            *self._write(),
            *([] if back else [f"_late = {late}"]),
            "_slot = (_now + _late) & _mask",
            "_spot = _begin + (_slot * _ports + _graph.port[_p]) * _lanes + _graph.post[_j]",
            "_ring[_spot] += _plastic.sign[_p] * _sent",
        ]
        jumps = [f"_plastic.left[_r, {k}] = {_PRINT(kept.jump)}" for k, kept in enumerate(rule.pre.values())]
        lines = [
            *self._values(),
            "_place, _when = _plastic.place[_p], _now + 1",
            "_senders = _plastic.last.size // _plastic.settled.size",
            "_neurons = _plastic.many.size // _plastic.settled.size",
            "_r = _place * _senders + _sender",
            f"_done = {settled}",
            "_key, _from = _plastic.keys[_net], _net * (_graph.weights.size // (_graph.parts.size - 1))",
            "_again = int(_plastic.last[_r] == _when)",
            "_wrap = _plastic.times.shape[1] - 1",
            *self._faded(rule.pre, "_plastic.left[_r, {}]", "_when - _plastic.last[_r]"),
            *(f"_here_{n} = {mangled(n)}" for n in rule.pre),
            "for _j in range(_first, _last):",
            *indented(synapse),
            *(f"{mangled(n)} = _here_{n}" for n in rule.pre),
            *jumps,
            "_plastic.last[_r] = _when",
        ]
        return function(f"arrive_{self.k}", _SPOT, "A spike at the synapses of its sender.", lines)

    def _behind(self) -> list[str]:
        """Traces of the receiving neuron just before now; a spike that reaches the synapse now is not in them."""
        post = self.rule.post
        return [
            "_s = (_n - 1) & _wrap",
            "if _n == 0:",
            *indented([f"{mangled(n)} = 0.0" for n in post]),
            "elif _plastic.times[_h, _s] + _late == _when:",
            *indented([f"{mangled(n)} = _plastic.before[_h, _s, {k}]" for k, n in enumerate(post)]),
            "else:",
            *indented(self._faded(post, "_plastic.after[_h, _s, {}]", "_when - _plastic.times[_h, _s] - _late")),
        ]


def _settle(rules: Sequence[Rule]) -> str:
    """All synapses of a network up to a time."""
    lines = ["for _p in range(_graph.parts[_net], _graph.parts[_net + 1]):"]
    for k, rule in enumerate(rules):
        if rule.looks_back:
            text = [f"if _plastic.rule[_p] == {k}:", *indented([f"settled_{k}(_p, _end, _graph, _plastic, _dt)"])]
            lines += indented(text)
    return function(
        "settle", "_net, _end, _graph, _plastic, _dt", "A network, up to date at a time.", [*lines, "    pass"]
    )


def _deliver(rules: Sequence[Rule]) -> str:
    """The spikes of an epoch into the ring of their network."""
    return function(
        "deliver", "_ring, _begin, _mask, _lanes, _ports, _first_step, _who, _fill, _net, _graph, _plastic, _dt",
        "The spikes of an epoch, listed by step, into the ring of their network.",
        [
            "_neurons = _plastic.many.size // _plastic.settled.size",
            "for _s in range(_fill.size):",
            *indented([
                "_now = _first_step + _s",
                "for _i in range(_fill[_s]):",
                *indented(["_sender = np.int64(_who[_s, _i])", *_sending(rules)]),
                "for _i in range(_fill[_s]):",
                *indented(["_sender = np.int64(_who[_s, _i])", "if _sender < _neurons:", *indented(_noting(rules))]),
            ]),
        ],
    )  # fmt: skip


def _sending(rules: Sequence[Rule]) -> list[str]:
    """One spike to all that it reaches."""
    branches = ["if False:", "    pass"]
    for k, _ in enumerate(rules):
        branches += [f"elif _plastic.rule[_p] == {k}:", f"    arrive_{k}({_SPOT})"]
    branches += [
        "elif _graph.late[_p] != SAME:",
        "    scattered(_ring, _begin, _mask, _lanes, _ports, _now, _p, _first, _last, _graph)",
        "else:",
        "    _slot = (_now + _graph.delay[_p]) & _mask",
        "    together(_ring, _begin + (_slot * _ports + _graph.port[_p]) * _lanes, _p, _first, _last, _graph)",
    ]
    inner = [
        "_row = _graph.rows[_p] + _sender - _graph.low[_p]",
        "_first, _last = _graph.pointers[_row], _graph.pointers[_row + 1]",
        *branches,
    ]
    return [
        "for _p in range(_graph.parts[_net], _graph.parts[_net + 1]):",
        *indented(["if _graph.low[_p] <= _sender < _graph.high[_p]:", *indented(inner)]),
    ]


def _noting(rules: Sequence[Rule]) -> list[str]:
    """One spike, kept for those synapses that look back at it."""
    found = ["for _p in range(_graph.parts[_net], _graph.parts[_net + 1]):", "    pass"]
    for k, rule in enumerate(rules):
        if rule.looks_back:
            found += indented([
                f"if _plastic.rule[_p] == {k}:",
                f"    if noted_{k}(_plastic.place[_p] * _neurons + _sender, _now + 1, _p, _plastic, _dt):",
                f"        settled_{k}(_p, _now + 1, _graph, _plastic, _dt)",
            ])  # fmt: skip
    return found
