"""Ranges and spaces: what is taken, what is refused, and what the values are."""

import datetime
import decimal
import fractions
import json

import numpy as np
import pint
import pytest
import xarray as xr
from scipy import stats
from scipy.stats import qmc

from sneuron import errors
from sneuron.explore import samplers
from sneuron.explore.ranges import derived, grid, halton, lhs, log, random, sobol, values, zipped
from sneuron.explore.space import Known, Space, space_of
from sneuron.lang.keys import philox, point_keys
from sneuron.lang.spec import Param

KNOWN = Known(
    {
        "gNa": Param(120.0, "mS/cm2", 0.0, 1e6),
        "gK": Param(36.0, "mS/cm2", 0.0, 1e6),
        "EK": Param(-77.0, "mV"),
        "gM": Param(0.0, "mS/cm2", 0.0),
        "C": Param(1.0, "uF/cm2", 1e-6, fixed="the cell's size is measured"),
    },
    {"na.g": "gNa"},
    "hh",
)
UNITS = pint.UnitRegistry()


def column(ranges, name, **options):
    return space_of(ranges, KNOWN, **options).points({}).params[name].tolist()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([3, 1, 2], [3.0, 1.0, 2.0]),
        ((3, 1), [3.0, 1.0]),
        (range(3), [0.0, 1.0, 2.0]),
        (np.array([1, 2], dtype=np.int8), [1.0, 2.0]),
        (np.array([1.5, 2], dtype=">f4"), [1.5, 2.0]),
        ((x for x in (1.0, 2.0)), [1.0, 2.0]),
        (grid(1, 2, 3), [1.0, 1.5, 2.0]),
        (grid(1, 9, 1), [1.0]),
        (grid(2, 1, 3), [2.0, 1.5, 1.0]),
        (grid(0, 1, step=0.25), [0.0, 0.25, 0.5, 0.75, 1.0]),
        (grid(1, 0, step=-0.5), [1.0, 0.5, 0.0]),
        (log(1, 100, 3), [1.0, 10.0, 100.0]),
        (["1 mS/cm2", "2 S/m**2"], [1.0, 0.2]),
        (grid("80 mS/cm2", "0.16 S/cm2", 3), [80.0, 120.0, 160.0]),
        (values([1, 2], unit="S/cm2"), [1000.0, 2000.0]),
        (xr.DataArray([1.0, 2.0], dims="gNa", attrs={"units": "S/cm2"}), [1000.0, 2000.0]),
        (np.array([1.0, 2.0]) * UNITS.mS / UNITS.cm**2, [1.0, 2.0]),
        ([1 * UNITS.S / UNITS.cm**2], [1000.0]),
    ],
)
def test_values_in_order_and_in_the_unit_of_the_parameter(given, expected) -> None:
    assert column({"gNa": given}, "gNa") == pytest.approx(expected, rel=1e-15)


def test_grid_has_the_values_of_linspace_and_geomspace() -> None:
    assert np.array_equal(grid(80, 160, 512).all(), np.linspace(80, 160, 512))
    assert np.allclose(log(5, 60, 512).all(), np.geomspace(5, 60, 512), rtol=1e-14, atol=0)
    assert log(5, 60, 512).all()[-1] == 60.0


@pytest.mark.parametrize("one", [7, 7.0, np.float32(7), "7 mS/cm2", xr.DataArray(7.0), 7 * UNITS.mS / UNITS.cm**2])
def test_one_number_fixes_a_parameter_and_makes_no_dim(one) -> None:
    space = space_of({"gNa": one, "gK": [1, 2]}, KNOWN)
    assert space.dims == {"gK": 2}
    assert space.points({}).params["gNa"].tolist() == [7.0, 7.0]


@pytest.mark.parametrize(
    ("given", "error", "says"),
    [
        pytest.param([], errors.ParameterError, "no values", id="21 empty"),
        pytest.param(lambda: grid(0, 1, 0), errors.ParameterError, "n = 0", id="22 n=0"),
        pytest.param(lambda: grid(0, 1, -3), errors.ParameterError, "n = -3", id="22 negative n"),
        pytest.param(lambda: grid(0, 1, True), errors.ParameterError, "whole number", id="22 bool n"),
        pytest.param(lambda: grid(0, 1, 2.5), errors.ParameterError, "whole number", id="22 float n"),
        pytest.param(grid(0, 1, step=0), errors.ParameterError, "step of 0", id="23 step 0"),
        pytest.param(grid(0, 1, step=-1), errors.ParameterError, "does not lead", id="24 step away"),
        pytest.param([1, float("nan")], errors.ParameterError, "NaN", id="25 NaN in list"),
        pytest.param(np.array([1, np.nan]), errors.ParameterError, "NaN", id="25 NaN in array"),
        pytest.param([1, float("inf")], errors.ParameterError, "inf", id="25 infinity"),
        pytest.param([1, 2, 1], errors.ParameterError, "1.0 is given twice", id="26 duplicates"),
        pytest.param([0.0, -0.0], errors.ParameterError, "twice", id="26 both zeros"),
        pytest.param(grid(1, 1, 5), errors.ParameterError, "all the same", id="26 grid of one value"),
        pytest.param(iter(range(2_000_000)), errors.ParameterError, "1,000,000", id="30 endless iterator"),
        pytest.param([True, False], errors.ParameterError, "true or false", id="39 bools"),
        pytest.param(True, errors.ParameterError, "true or false", id="39 bool"),
        pytest.param(np.array([True]), errors.ParameterError, "bool", id="39 bool array"),
        pytest.param([datetime.date(2026, 1, 1)], errors.ParameterError, "date", id="40 dates"),
        pytest.param(np.array(["2026-01-01"], "M8[D]"), errors.ParameterError, "datetime", id="40 datetime64"),
        pytest.param([decimal.Decimal(1)], errors.ParameterError, "Decimal", id="40 Decimal"),
        pytest.param([fractions.Fraction(1)], errors.ParameterError, "Fraction", id="40 Fraction"),
        pytest.param(np.ma.masked_array([1.0, 2.0], [0, 1]), errors.ParameterError, "masked", id="41 masked"),
        pytest.param(np.array([1, None]), errors.ParameterError, "object", id="42 object dtype"),
        pytest.param([1, None], errors.ParameterError, "NoneType", id="42 None"),
        pytest.param([1 + 2j], errors.ParameterError, "complex", id="19 complex"),
        pytest.param(np.array([1j]), errors.ParameterError, "complex", id="19 complex array"),
        pytest.param([[1, 2], [3, 4]], errors.ParameterError, "list", id="nested"),
        pytest.param(np.ones((2, 2)), errors.ParameterError, "shape", id="two dims"),
        pytest.param({"a": 1}, errors.ParameterError, "dict", id="a dict"),
        pytest.param("80", errors.ParameterError, "number with a unit", id="10 text without unit"),
        pytest.param("80 mV", errors.UnitError, "mV", id="37 wrong unit"),
        pytest.param([-1.0], errors.ParameterError, "out of bounds", id="16 negative conductance"),
        pytest.param(grid(-1, 1, 3), errors.ParameterError, "out of bounds", id="16 grid below"),
        pytest.param(log(0, 1, 3), errors.ParameterError, "above 0", id="log from 0"),
        pytest.param(grid(0, 1), errors.ParameterError, "how many", id="interval without n"),
        pytest.param(stats.norm(), errors.ParameterError, "how many", id="distribution alone"),
        pytest.param(derived("g_K"), errors.ExpressionError, "g_K", id="unknown in expression"),
        pytest.param(derived("__import__('os')"), errors.ExpressionError, "_", id="code"),
        pytest.param(zipped("gK", [1]), errors.ParameterError, "no values of its own", id="zip with nothing"),
    ],
)
def test_refused(given, error, says) -> None:
    with pytest.raises(error, match=says):
        space_of({"gNa": given() if callable(given) else given}, KNOWN)


@pytest.mark.parametrize(
    ("ranges", "error", "says"),
    [
        pytest.param({"gNa": [1, 2], "gM": zipped("gNa", [1])}, errors.ParameterError, "zipped", id="31 zip lengths"),
        pytest.param({"time": [1]}, errors.ParameterError, "reserved", id="32 reserved"),
        pytest.param(
            {"gNa": xr.DataArray([1.0], dims="time")}, errors.ParameterError, "reserved", id="32 reserved dim"
        ),
        pytest.param({"g_na": [1]}, errors.UnknownNameError, "Did you mean 'gNa'", id="33 unknown"),
        pytest.param({"GNA": [1]}, errors.UnknownNameError, "Did you mean 'gNa'", id="34 case"),
        pytest.param({"gNa": [1], "na.g": [2]}, errors.ParameterError, "twice", id="35 two names of one"),
        pytest.param([{"gNa": [1]}, {"gNa": [2]}], errors.ParameterError, "twice", id="35 twice"),
        pytest.param([{"gNa": [1]}, sobol(2, {"gNa": (0, 1)})], errors.ParameterError, "twice", id="35 and sampled"),
        pytest.param({"C": [1, 2]}, errors.ParameterError, "is measured", id="36 fixed, with the reason"),
        pytest.param({3: [1]}, errors.ParameterError, "no name", id="a number for a name"),
        pytest.param({"gNa": derived("gK"), "gK": derived("gNa")}, errors.ParameterError, "one another", id="cycle"),
        pytest.param(
            [sobol(2, {"gNa": (0, 1)}), lhs(2, {"gK": (0, 1)})], errors.ParameterError, "two designs", id="two designs"
        ),
        pytest.param({"x": sobol(2, {"gNa": (0, 1)})}, errors.ParameterError, "itself", id="design under a name"),
        pytest.param(3, errors.ParameterError, "says nothing", id="no mapping"),
        pytest.param(["gNa"], errors.ParameterError, "says nothing", id="names only"),
        pytest.param({}, errors.ParameterError, "nothing is varied", id="nothing"),
    ],
)
def test_refused_together(ranges, error, says) -> None:
    with pytest.raises(error, match=says):
        space_of(ranges, KNOWN)


@pytest.mark.parametrize("seed", [-1, 1.0, 2**64, True, None, "7"])
def test_seeds_that_are_no_seeds(seed) -> None:
    with pytest.raises(errors.ParameterError, match="seed"):
        sobol(4, {"gNa": (0, 1)}, seed=seed)


@pytest.mark.parametrize("bounds", [(1, 1), (float("nan"), 1), "x", (-5, 5), log(0, 1)])
def test_bounds_that_are_no_bounds(bounds) -> None:
    with pytest.raises(errors.SneuronError, match="gNa"):
        space_of(sobol(4, {"gNa": bounds}), KNOWN)


def test_zip_derive_and_condition() -> None:
    ranges = {"EK": [-80, -77], "gM": zipped("EK", [0.0, 0.1]), "gNa": [100, 200], "gK": derived("0.1*gNa + gM")}
    space = space_of(ranges, KNOWN, repeats=2, where="gNa > 150 or EK == -80")
    assert space.dims == {"EK": 2, "gNa": 2, "repeat": 2}
    points = space.points({"repeat": slice(1, 2)})
    assert points.params["gK"].tolist() == [10.0, 20.0, 10.1, 20.1]
    assert points.kept.tolist() == [True, True, False, True]
    assert points.repeat.tolist() == [1, 1, 1, 1]
    assert space.dims_of("gK") == ("EK", "gNa")


def test_a_condition_that_no_point_fulfils_is_refused() -> None:
    with pytest.raises(errors.ParameterError, match="no point fulfils 'gNa > 5'"):
        space_of({"gNa": [1, 2]}, KNOWN, where="gNa > 5")


def test_derived_may_use_parameters_that_are_not_swept() -> None:
    assert column({"gNa": [100.0], "gM": derived("gK/36 + gNa")}, "gM") == [101.0]


def test_arrays_that_share_a_dim_are_zipped() -> None:
    space = space_of(
        {"EK": xr.DataArray([-80.0, -77.0], dims="rev"), "gM": xr.DataArray([0.0, 0.1], dims="rev")}, KNOWN
    )
    assert space.dims == {"rev": 2}


@pytest.mark.parametrize("kind", [sobol, halton, random])
def test_nested_designs(kind) -> None:
    few, many = (space_of(kind(n, {"gNa": (0, 1), "gK": log(1, 9)}), KNOWN).points({}).params for n in (100, 5000))
    for name in few:
        assert np.array_equal(few[name], many[name][:100])


def test_sobol_is_scipys() -> None:
    for scramble in (True, False):
        ours = np.stack(
            [samplers.draw("sobol", np.arange(256, dtype=np.uint64), c, 5, 256, 3, scramble) for c in range(5)], 1
        )
        theirs = qmc.Sobol(5, scramble=scramble, bits=52, rng=np.random.default_rng(3)).random(256)
        assert np.allclose(ours, theirs, rtol=0, atol=1e-16)


def test_halton_is_the_sequence_and_scrambling_keeps_it_even() -> None:
    index = np.arange(1000, dtype=np.uint64)
    plain = np.stack([samplers.draw("halton", index, c, 4, 1000, 3, False) for c in range(4)], 1)
    assert np.allclose(plain, qmc.Halton(4, scramble=False).random(1000), rtol=0, atol=1e-15)
    mixed = np.stack([samplers.draw("halton", index, c, 4, 1000, 3, True) for c in range(4)], 1)
    assert qmc.discrepancy(mixed) < 1e-4 < qmc.discrepancy(np.random.default_rng(1).random((1000, 4)))


def test_a_latin_hypercube_hits_every_slice_once() -> None:
    for n in (1, 2, 7, 1000, 4097):
        unit = samplers.draw("lhs", np.arange(n, dtype=np.uint64), 1, 2, n, 5, True)
        assert sorted(np.floor(unit * n).astype(int)) == list(range(n))


def test_philox_known_answers() -> None:
    """Random123 1.14, kat_vectors, philox4x32-10."""
    ones = 2**64 - 1
    low, high = philox(np.array([ones], np.uint64), ones, ones)
    assert [int(low[0]) & 0xFFFFFFFF, int(low[0]) >> 32, int(high[0]) & 0xFFFFFFFF, int(high[0]) >> 32] == [
        0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD,
    ]  # fmt: skip


def test_distributions() -> None:
    params = {
        "EK": stats.norm(-77, 2),
        "gNa": stats.lognorm(0.5, scale=100),
        "gK": stats.triang(c=0.5, loc=30, scale=10),
    }
    points = space_of(random(20_000, params, seed=1), KNOWN).points({}).params
    assert stats.kstest(points["EK"], stats.norm(-77, 2).cdf).pvalue > 1e-3
    assert stats.kstest(points["gNa"], stats.lognorm(0.5, scale=100).cdf).pvalue > 1e-3
    assert stats.kstest(points["gK"], stats.triang(c=0.5, loc=30, scale=10).cdf).pvalue > 1e-3
    assert np.isfinite(space_of(sobol(64, {"EK": stats.norm()}, scramble=False), KNOWN).points({}).params["EK"]).all()


def test_choice_among_values() -> None:
    found = space_of(random(3000, {"gNa": [1.0, 2.0, 5.0]}), KNOWN).points({}).params["gNa"]
    assert np.bincount(found.astype(int))[[1, 2, 5]].min() > 900


def test_units_of_sampled_bounds() -> None:
    found = space_of(sobol(8, {"gNa": ("0.08 S/cm2", "160 mS/cm2")}), KNOWN).points({}).params["gNa"]
    assert found.min() >= 80
    assert found.max() <= 160


def test_a_space_of_a_thousand_million_points_is_a_few_hundred_bytes() -> None:
    space = space_of([sobol(10**9, {"gNa": (80, 160), "gK": log(5, 60)}), {"EK": grid(-90, -70, 21)}], KNOWN)
    assert space.size == 21 * 10**9
    assert len(json.dumps(space.to_json())) < 1000
    last = space.points({"point": slice(10**9 - 2, 10**9), "EK": slice(20, 21)})
    assert last.params["EK"].tolist() == [-70.0, -70.0]


def test_growing_a_grid_and_a_design() -> None:
    space = space_of([sobol(10, {"gNa": (0, 1)}), {"gK": [1, 2]}], KNOWN)
    whole = space_of([sobol(15, {"gNa": (0, 1)}), {"gK": [1, 2]}], KNOWN)
    design = whole.axes[0]
    part, grown = space.grown("point", type(design)("sobol", 10, 5, 15, 0, True, design.columns))
    assert np.array_equal(part.points({}).params["gNa"], whole.points({}).params["gNa"][20:])
    assert np.array_equal(grown.points({}).params["gNa"], whole.points({}).params["gNa"])


def test_keys_come_from_the_content_of_a_point() -> None:
    a, b = np.array([1.0, 2.0, 0.0]), np.array([5.0, 6.0, 7.0])
    zero = np.zeros(3, np.int64)
    keys = point_keys({"gNa": a, "gK": b}, zero, 7)
    assert np.array_equal(keys, point_keys({"gK": b, "gNa": a}, zero, 7))
    assert np.array_equal(keys[::-1], point_keys({"gNa": a[::-1], "gK": b[::-1]}, zero, 7))
    assert np.array_equal(keys, point_keys({"gNa": np.array([1.0, 2.0, -0.0]), "gK": b}, zero, 7))
    others = [point_keys({"gNa": a, "gK": b}, zero + 1, 7), point_keys({"gNa": a, "gK": b}, zero, 8)]
    others += [point_keys({"gNa": b, "gK": a}, zero, 7)]
    assert len(np.unique(np.concatenate([keys, *others]))) == 12
    seeds = np.array([7, 8, 9], np.uint64)
    each = [point_keys({"gNa": a[i : i + 1], "gK": b[i : i + 1]}, zero[:1], int(s))[0] for i, s in enumerate(seeds)]
    assert np.array_equal(point_keys({"gNa": a, "gK": b}, zero, seeds), each)


def test_keys_never_change() -> None:
    """Studies of earlier versions hold numbers that were drawn with these."""
    found = point_keys({"gNa": np.array([100.0, 120.0]), "C": np.ones(2)}, np.array([0, 3]), 7)
    assert found.tolist() == [8128954184558374782, 682702691779983251]


def test_seed_zero_is_a_seed() -> None:
    none, one = (point_keys({"gNa": np.ones(1)}, np.zeros(1, np.int64), seed) for seed in (0, 1))
    assert none[0] not in (0, one[0])


def test_json_round_trip() -> None:
    ranges = [lhs(7, {"gK": stats.norm(36, 1)}), {"EK": [-80, -77], "gM": zipped("EK", [0, 1]), "gNa": derived("3*gK")}]
    space = space_of(ranges, KNOWN, 3, "gNa > 1")
    assert Space.from_json(json.loads(json.dumps(space.to_json()))) == space
