"""Texts that draw random numbers in kernels: eight steps at once, the same whatever step a run begins with."""

from __future__ import annotations

from sneuron.lang.assignments import Draw, Program
from sneuron.lang.texts import Texts, function, indented

__all__ = ["Draws"]

KEY_ROWS = {False: 0, True: 2}
"""First row of the two words of a key: the neuron's own, or the one that it shares."""


class Draws(Texts):
    """Texts of random numbers; empty where a program draws none."""

    program: Program

    def _draw(self) -> list[str]:
        """The function that fills a block's numbers for the eight steps from 8 `_q` on."""
        if not self.program.draws:
            return []
        loops = [
            line
            for k, draw in enumerate(self.program.draws)
            for line in ["for _i in range(W):", *indented(self._filled(k, draw))]
        ]
        head = ["_low, _high = np.uint32(_q & 0xFFFFFFFF), np.uint32(_q >> 32)"]
        return [function("draw", "_Z, _keys, _q", "Random numbers of eight steps.", [*head, *loops])]

    def _filled(self, k: int, draw: Draw) -> list[str]:
        """Two normal numbers from a word, one uniform number."""
        row, lines = KEY_ROWS[draw.shared], []
        for part in range(1 if draw.normal else 2):
            counter = f"_low, _high, np.uint32({draw.stream}), np.uint32({part})"
            lines.append(f"_w0, _w1, _w2, _w3 = threefry({counter}, _keys[{row}, _i], _keys[{row + 1}, _i])")
            if draw.normal:
                lines += [f"_Z[{k}, {2 * n}, _i], _Z[{k}, {2 * n + 1}, _i] = normals(_w{n})" for n in range(4)]
            else:
                lines += [f"_Z[{k}, {4 * part + n}, _i] = uniform(_w{n})" for n in range(4)]
        return lines

    def _numbers(self, always: bool = False) -> list[str]:
        """The numbers of step `_now`, each into its row."""
        if not self.program.draws:
            return []
        fill = ["draw(_Z[_b], _keys[_b], _now >> 3)"]
        fresh = fill if always else ["if _now >> 3 != _fresh:", *indented([*fill, "_fresh = _now >> 3"])]
        many = len(self.program.draws)
        places = [f"((_b * {many} + {k}) * 8 + (_now & 7)) * W" for k in range(many)]
        width = self.layout.width
        rows = [self.layout.offset(d.name) for d in self.program.draws]
        copies = [f"spread(_S, {row}, _Z, {place}, {width})" for row, place in zip(rows, places, strict=True)]
        return [*fresh, *copies]
