"""Levenberg-Marquardt from many starts, several dampings at once (Marquardt 1963, doi:10.1137/0111030)."""

from __future__ import annotations

import numpy as np

from sneuron.explore.optimisers.base import Floats, Method, Setting, Told, scattered

_LEAST, _MOST = 1e-12, 1e12
_PATIENCE = 4


class Descents:
    """Descents side by side; each tries steps of several lengths at a time and takes the best one that leads down."""

    done = False

    def __init__(self, setting: Setting) -> None:
        n, p = setting.starts, setting.params
        self.setting, self.begun = setting, n
        self.label = np.arange(n)
        self.at = scattered(0, n, p, setting.seed)
        self.loss, self.slope, self.curve = np.full(n, np.inf), np.zeros((n, p)), np.zeros((n, p, p))
        self.damping = np.full(n, float(setting.options["damping"]))
        self.start = np.repeat(self.label, setting.share)
        self.slow = np.zeros(n, np.int64)

    def ask(self) -> Floats:
        """Steps of several lengths from where each descent is; where nothing is known yet, scattered points."""
        own, tries = self.setting, self.setting.share
        self.start = np.repeat(self.label, tries)
        factor = 10.0 ** np.arange(-1, tries - 1)
        unit = np.repeat(self.at[:, None, :], tries, axis=1)
        for k in np.flatnonzero(np.isfinite(self.loss)):
            for j in range(tries):
                unit[k, j] = self._stepped(int(k), self.damping[k] * factor[j])
        fresh = ~np.isfinite(self.loss)
        if tries > 1 and fresh.any():  # neighbours of a place that nothing is known of
            more = scattered(int(self.begun * 7 + 1000), int(fresh.sum()) * (tries - 1), own.params, own.seed + 1)
            unit[fresh, 1:] = more.reshape(-1, tries - 1, own.params)
        return unit.reshape(own.batch, own.params)

    def tell(self, told: Told) -> None:
        """Go where it is lowest; a descent that ends makes room for a new one."""
        assert told.slopes is not None
        assert told.curvatures is not None
        tries = self.setting.share
        losses = np.where(np.isfinite(told.slopes).all(1), told.total, np.inf).reshape(-1, tries)
        best = losses.argmin(1)
        for k, j in enumerate(best):
            row = k * tries + j
            self._take(k, int(j), losses[k, j], told.unit[row], told.slopes[row], told.curvatures[row])

    def _take(self, k: int, j: int, loss: float, unit: Floats, slope: Floats, curve: Floats) -> None:
        before = self.loss[k]
        moved = float(np.abs(unit - self.at[k]).max())
        if loss < before:
            if np.isfinite(before):
                self.damping[k] = np.clip(self.damping[k] * 10.0 ** (j - 2), _LEAST, _MOST)
            self.at[k], self.loss[k], self.slope[k], self.curve[k] = unit, loss, slope, curve
        else:
            self.damping[k] *= 10.0**self.setting.share
        gained = before - loss if loss < before else 0.0
        slow = np.isfinite(before) and gained < self.setting.options["tolf"] * before
        self.slow[k] = self.slow[k] + 1 if slow else 0
        still = loss < before and moved < self.setting.options["tolx"]
        if still or self.slow[k] >= _PATIENCE or self.damping[k] > _MOST or not np.isfinite(self.loss[k]):
            self._renew(k)

    def _renew(self, k: int) -> None:
        """A new descent, from the next point of the sequence of starts."""
        own = self.setting
        self.slow[k] = 0
        self.label[k] = self.begun
        self.at[k] = scattered(self.begun, 1, own.params, own.seed)[0]
        self.loss[k], self.damping[k] = np.inf, float(own.options["damping"])
        self.begun += 1

    def _stepped(self, k: int, damping: float) -> Floats:
        """The least of the damped quadratic in the cube: coordinates that would leave it stay at its wall."""
        at, slope, curve = self.at[k], self.slope[k], self.curve[k]
        damped = curve + np.diag(damping * np.maximum(np.diag(curve), 1e-300))
        free = ~(((at <= 0.0) & (slope > 0)) | ((at >= 1.0) & (slope < 0)))
        step = np.zeros(len(at))
        while free.any():
            held = damped[np.ix_(free, ~free)] @ step[~free]
            step[free] = -np.linalg.lstsq(damped[np.ix_(free, free)], slope[free] + held, rcond=None)[0]
            out = free & ((at + step < 0.0) | (at + step > 1.0))
            if not out.any():
                break
            step[out] = np.clip(at + step, 0.0, 1.0)[out] - at[out]
            free &= ~out
        return np.asarray(np.clip(at + step, 0.0, 1.0))


GRADIENT = Method(
    "gradient",
    Descents,
    "least squares of traces by their derivatives: few evaluations where the voltage is a smooth function",
    {"damping": 1e-2, "tolx": 1e-7, "tolf": 0.02, "nudge": 0.0, "sd": 1.0},
    slopes=True,
)
