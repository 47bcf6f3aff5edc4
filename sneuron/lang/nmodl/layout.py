"""From versions of variables to named functions: what is used once is written in its place, the rest gets a name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from sneuron.lang.nmodl.exact import exact
from sneuron.lang.nmodl.flow import Flow
from sneuron.lang.nmodl.products import tidy
from sneuron.lang.nmodl.tree import Expr, Join, Name, Not, Num, Test, depth, names, parts, rebuilt, replaced, size

__all__ = ["Layout", "base"]

MAX_SIZE, MAX_DEPTH, MAX_TEXT, MAX_LEVELS = 90, 20, 240, 30


def base(name: str) -> str:
    """The variable of which a name is a version."""
    return name.partition("#")[0]


class Layout:
    """Puts what was carried out into functions and roots (currents, slopes, start values).

    Attributes
    ----------
    frozen : dict
        Variables that only INITIAL sets, from what moves later: they keep the value of the start.
    functions : dict
        Named expressions.
    roots : dict
        The expressions that were asked for.
    circle : list of str
        Versions that need one another, if any.
    variable : dict
        The variable of the file that each function is.
    """

    def __init__(self, flow: Flow, moving: Iterable[str]) -> None:
        self.flow, self.moving = flow, set(moving)
        self.made = dict(flow.made)
        self.frozen: dict[str, Expr] = {}
        self.functions: dict[str, Expr] = {}
        self.roots: dict[str, Expr] = {}
        self.circle: list[str] = []
        self.variable: dict[str, str] = {}

    # which version

    def settle(self, roots: Mapping[str, Expr]) -> dict[str, Expr]:
        """Names that were read before they were set get the version of the end."""
        self.made = {key: replaced(e, self._latest) for key, e in self.flow.made.items()}
        return {key: replaced(e, self._latest) for key, e in roots.items()}

    def _latest(self, name: str) -> Expr | None:
        variable, _, version = name.partition("#")
        if version != "?":
            return None
        if variable in self.flow.last:
            return self._followed(self.flow.last[variable], variable)
        if variable in self.flow.first:
            found = self.flow.first[variable]
            if self.leaves(found) & self.moving:
                self.frozen[variable] = found
                return Name(variable)
            return self._followed(found, variable)
        return Name(variable)

    def _followed(self, e: Expr, variable: str) -> Expr:
        """A value that is itself a name read before it was set."""
        if isinstance(e, Name) and e.id.endswith("#?"):
            return Name(variable) if base(e.id) == variable else self._latest(e.id) or e
        return e

    def leaves(self, e: Expr) -> set[str]:
        """The variables under an expression, written out."""
        found, seen, stack = set[str](), set[str](), [e]
        while stack:
            for name in names(stack.pop()):
                if name not in seen:
                    seen.add(name)
                    if name in self.made:
                        stack.append(self.made[name])
                    elif name.endswith("#?") and base(name) in {**self.flow.first, **self.flow.last}:
                        stack.append({**self.flow.first, **self.flow.last}[base(name)])
                    else:
                        found.add(base(name))
        return found

    # which order

    def order(self, roots: Iterable[Expr]) -> list[str]:
        """The versions that roots need, each after those that it needs; `circle` is set when there is none."""
        found: list[str] = []
        state: dict[str, int] = {}
        for root in roots:
            stack: list[tuple[str, bool]] = [(n, False) for n in names(root) if n in self.made]
            while stack:
                name, done = stack.pop()
                if done:
                    state[name] = 2
                    found.append(name)
                elif state.get(name, 0) == 0:
                    state[name] = 1
                    stack.append((name, True))
                    inner = [n for n in names(self.made[name]) if n in self.made]
                    circle = [n for n in inner if state.get(n) == 1]
                    if circle:
                        self.circle = circle
                        return []
                    stack += [(n, False) for n in inner]
        return found

    # which names

    def spread(
        self, roots: Mapping[str, Expr], good: Iterable[str], taken: Iterable[str], rename: Callable[[str], str]
    ) -> None:
        """Fill `functions` and `roots`; variables in `good` keep their name where they can."""
        order = self.order(roots.values())
        used = Counter(n for e in [*roots.values(), *(self.made[k] for k in order)] for n in names(e))
        last = {e.id for e in self.flow.last.values() if isinstance(e, Name)}
        last |= {e.id for e in self.flow.first.values() if isinstance(e, Name)}
        liked = set(good)
        kept = {k for k in order if used[k] > 1 and size(self.made[k]) > 2}
        kept |= {k for k in order if self._of(k) in liked and k in last and size(self.made[k]) > 2}
        written: dict[str, Expr] = {}
        for key in order:
            written[key] = self._written(self.made[key], written, kept)
        done = {key: self._written(e, written, kept) for key, e in roots.items()}
        called = self._names(order, kept, set(taken), rename)
        swap: Callable[[str], Expr | None] = lambda n: Name(called[n]) if n in called else None  # noqa: E731
        self.functions = {called[k]: replaced(written[k], swap) for k in order if k in kept}
        self.roots = {key: replaced(e, swap) for key, e in done.items()}
        self._split(set(taken))

    def _written(self, e: Expr, written: Mapping[str, Expr], kept: set[str]) -> Expr:
        """An expression with what is used once written out, unless that makes it too large."""
        found = replaced(e, lambda n: written[n] if n in written and n not in kept else None)
        found = exact(tidy(found), self.flow.look)
        if size(found) <= max(MAX_SIZE, size(e)) and depth(found) <= max(MAX_DEPTH, depth(e)):
            return found
        large = {n for n in names(e) if n in written and n not in kept and size(written[n]) > 2}
        kept |= large
        return replaced(e, lambda n: written[n] if n in written and n not in kept else None)

    def _names(
        self, order: Iterable[str], kept: set[str], taken: set[str], rename: Callable[[str], str]
    ) -> dict[str, str]:
        live = [k for k in order if k in kept]
        count = Counter(self._of(k) for k in live)
        found: dict[str, str] = {}
        seen: Counter[str] = Counter()
        for key in live:
            variable = self._of(key).replace("'", "_slope")
            seen[variable] += 1
            name = rename(variable) if count[self._of(key)] == 1 else f"{rename(variable)}_{seen[variable]}"
            while name in taken:
                name += "_"
            taken.add(name)
            found[key] = name
            self.variable[name] = self._of(key)
        return found

    def _of(self, key: str) -> str:
        """The variable of the file that a version is of, or that a function's value was assigned to."""
        return self.flow.called.get(key, base(key))

    def _split(self, taken: set[str]) -> None:
        """Parts of expressions that are too large for one text become functions of their own."""
        waiting = [(held, key) for held in (self.functions, self.roots) for key in held]
        while waiting:
            held, key = waiting.pop()
            while size(held[key]) > MAX_TEXT or depth(held[key]) > MAX_LEVELS:
                part = _middle(held[key])
                if part == held[key]:
                    break
                name = f"{key.replace(':', '_')}_part"[-50:]
                while name in taken or name in self.functions:
                    name += "_"
                self.functions[name] = part
                held[key] = _without(held[key], part, Name(name))
                waiting.append((self.functions, name))


def _middle(e: Expr) -> Expr:
    """The part of an expression that comes nearest to half of it."""
    whole, best, stack = size(e), e, list(parts(e))
    while stack:
        node = stack.pop()
        if not isinstance(node, Name | Num | Test | Join | Not) and abs(size(node) - whole / 2) < abs(
            size(best) - whole / 2
        ):
            best = node
        stack += parts(node)
    return best


def _without(e: Expr, part: Expr, name: Name) -> Expr:
    return name if e == part else rebuilt(e, lambda inner: _without(inner, part, name))
