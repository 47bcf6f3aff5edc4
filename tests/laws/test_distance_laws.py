"""Laws of spike-train distances: they are metrics, and have the limits that their definitions say."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sneuron.analysis.counts import CountError
from sneuron.analysis.distances import VanRossum, VictorPurpura

pytestmark = pytest.mark.filterwarnings("ignore:.*look like seconds:UserWarning")  # trains of any times at all

train = st.lists(st.integers(0, 400).map(lambda k: k / 4), max_size=10).map(sorted)
quick = settings(max_examples=60, deadline=None)
scale = st.floats(0.1, 500.0)
DISTANCES = [lambda a, b, s: VanRossum(a, b, tau=s), lambda a, b, s: VictorPurpura(a, b, cost=1 / s)]
each = pytest.mark.parametrize("distance", DISTANCES, ids=["van Rossum", "Victor-Purpura"])


@each
@quick
@given(train, train, train, scale)
def test_metric(distance, one, two, three, s):
    ab, bc, ac = distance(one, two, s), distance(two, three, s), distance(one, three, s)
    assert distance(one, one, s) == 0
    assert ab == pytest.approx(distance(two, one, s), rel=1e-12, abs=1e-12)
    assert (ab > 1e-6) == (one != two)
    assert ac <= ab + bc + 1e-9


@each
@quick
@given(train, train, scale, st.sampled_from([0.25, 0.5, 2.0, 8.0]), st.integers(0, 64))
def test_no_clock(distance, one, two, s, stretch, shift):
    moved = distance([t * stretch + shift for t in one], [t * stretch + shift for t in two], s * stretch)
    assert moved == pytest.approx(distance(one, two, s), rel=1e-9, abs=1e-9)


def alone(one, two):
    """Spikes of both trains that the other does not share."""
    left = list(two)
    shared = sum(left.remove(t) is None for t in one if t in left)
    return len(one) + len(two) - 2 * shared


@quick
@given(train, train)
def test_limits(one, two):
    more = abs(CountError(one, two))
    assert VictorPurpura(one, two, cost=0.0) == more
    assert VanRossum(one, two, tau=1e9) == pytest.approx(more, abs=1e-2)
    assert VictorPurpura(one, two, cost=1e9) == alone(one, two)
    squares = {t: one.count(t) - two.count(t) for t in {*one, *two}}  # spikes at one time add up before the square
    assert VanRossum(one, two, tau=1e-6) ** 2 == pytest.approx(sum(n**2 for n in squares.values()), abs=1e-9)


@quick
@given(train, train, st.floats(1e-4, 10.0), st.floats(1.0, 10.0))
def test_a_higher_cost_is_no_shorter_way(one, two, cost, more):
    near, far = VictorPurpura(one, two, cost=cost), VictorPurpura(one, two, cost=cost * more)
    assert abs(CountError(one, two)) <= near <= far + 1e-9
    assert far <= len(one) + len(two)
