"""Figures: what is drawn is what was measured, nothing global is touched, and lazy data stay unloaded where unseen."""

import itertools

import dask
import dask.array as da
import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
import xarray as xr
from matplotlib.collections import QuadMesh

from sneuron.errors import DataError, ParameterError, UnknownNameError
from sneuron.plot.map import PlotMap, edges
from sneuron.plot.raster import PlotRaster
from sneuron.plot.volt import PlotVolt


@pytest.fixture(autouse=True)
def _nothing_global_changes(monkeypatch):
    before = dict(mpl.rcParams)
    monkeypatch.setattr(plt, "show", lambda *a, **k: pytest.fail("a figure was shown"))
    yield
    assert dict(mpl.rcParams) == before
    plt.close("all")


def trace(many=1, samples=40_000, spikes=9):
    time = xr.DataArray(np.arange(samples) * 0.025, dims="time", attrs={"units": "ms", "long_name": "time"})
    rng = np.random.default_rng(0)
    values = np.full((many, samples), -65.0)
    for row in values:
        row[rng.choice(samples, spikes, replace=False)] = 30 + rng.uniform(0, 10, spikes)
    return xr.DataArray(
        values,
        dims=("gNa", "time"),
        coords={"time": time, "gNa": ("gNa", np.linspace(80, 160, many), {"units": "mS/cm2"})},
        attrs={"long_name": "membrane potential", "units": "mV"},
    )


def drawn(ax):
    return [line for line in ax.lines if line.get_xdata().size]


# PlotVolt


def test_every_peak_is_drawn_and_little_else():
    v = trace()[0]
    ax = PlotVolt(v)
    (line,) = drawn(ax)
    assert set(v.values[v > 0]) <= set(line.get_ydata())
    assert line.get_xdata().size < 8000
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("time [ms]", "membrane potential [mV]")


def test_axes_given_are_used():
    figure, (left, right) = plt.subplots(1, 2)
    assert PlotVolt(trace()[0], ax=right, color="red", lw=3) is right
    assert drawn(right)[0].get_linewidth() == 3
    assert not drawn(left)
    assert figure.get_axes() == [left, right]


def test_only_the_window_is_computed_and_chunk_by_chunk():
    v = trace()
    read = []

    def block(number):
        if not 10 <= number < 20:
            raise AssertionError("a chunk outside the window was read")
        read.append(number)
        return v.values[:, number * 1000 : (number + 1) * 1000]

    parts = [da.from_delayed(dask.delayed(block)(i), (1, 1000), float) for i in range(40)]
    lazy = v.copy(data=da.concatenate(parts, axis=1))
    with dask.config.set(scheduler="synchronous"):
        ax = PlotVolt(lazy, t_start=250.0, t_stop=499.99)
    assert sorted(read) == list(range(10, 20))
    eager = PlotVolt(v, t_start=250.0, t_stop=499.99)
    np.testing.assert_array_equal(drawn(ax)[0].get_xydata(), drawn(eager)[0].get_xydata())


def test_traces_are_told_apart():
    ax = PlotVolt(trace(3))
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [f"gNa = {g} mS/cm2" for g in (80, 120, 160)]
    assert len({tuple(line.get_color()) for line in drawn(ax)}) == 3
    many = PlotVolt(trace(12))
    assert many.get_legend() is None
    assert many.figure.axes[1].get_ylabel() == "gNa [mS/cm2]"


def test_stacked_traces_do_not_overlap():
    ax = PlotVolt(trace(4), stack=True)
    spans = [(line.get_ydata().min(), line.get_ydata().max()) for line in drawn(ax)[:4]]
    assert all(low > high for (low, _), (_, high) in itertools.pairwise(spans))
    assert [text.get_text() for text in ax.get_yticklabels()] == [
        f"gNa = {g} mS/cm2" for g in ("80", "106.7", "133.3", "160")
    ]
    assert ax.texts[0].get_text() == "100 mV"


@pytest.mark.parametrize("stack", [False, True])
def test_spikes_stand_above_their_traces(stack):
    v = trace(2)
    spikes = [v.time.values[row > 0] for row in v.values]
    ax = PlotVolt(v, spikes=spikes, stack=stack)
    ticks = [line for line in ax.lines if line.get_marker() == "|"]
    for times, line, own in zip(spikes, ticks, drawn(ax)[:2], strict=True):
        np.testing.assert_array_equal(line.get_xdata(), times)
        assert line.get_ydata().min() > own.get_ydata().max()
    with pytest.raises(DataError, match="as the traces"):
        PlotVolt(v, spikes=spikes[:1])


def test_traces_that_cannot_be_drawn():
    with pytest.raises(DataError, match="time coordinate in ms"):
        PlotVolt(trace().drop_vars("time"))
    with pytest.raises(DataError, match="a ndarray"):
        PlotVolt(np.zeros(5))
    with pytest.raises(DataError, match="300 traces are too many"):
        PlotVolt(trace(300, 10, 1))
    with pytest.raises(DataError, match="nothing to draw"):
        PlotVolt(trace(), t_start=5000.0)
    with pytest.raises(UnknownNameError, match="Did you mean 'gNa'"):
        PlotVolt(trace(2), color="g_na")


# PlotRaster


def spikes(rows=20, most=40, seed=0):
    rng = np.random.default_rng(seed)
    times = np.sort(rng.uniform(0, 1000, (rows, most)), -1)
    times[np.arange(most) >= rng.integers(1, most, rows)[:, None]] = np.nan
    pop = np.where(np.arange(rows) % 4, "excitatory", "inhibitory")
    return xr.DataArray(times, dims=("neuron", "spike"), coords={"pop": ("neuron", pop)}, attrs={"t_stop": 1000.0})


@pytest.mark.parametrize("options", [{}, {"sort": "rate"}, {"color": "pop", "rate": True}, {"sort": "pop"}], ids=str)
@pytest.mark.parametrize("window", [{}, {"t_start": 200.0, "t_stop": 600.0}], ids=str)
def test_spikes_drawn_are_spikes_in_the_window(options, window):
    data = spikes()
    ax = PlotRaster(data, **options, **window)
    low, high = window.get("t_start", 0.0), window.get("t_stop", 1000.0)
    inside = (data.values >= low) & (data.values <= high)
    segments = np.array(ax.collections[0].get_segments())
    assert len(segments) == inside.sum()
    assert sorted(segments[:, 0, 0]) == sorted(data.values[inside])
    assert ax.get_xlim() == (low, high)
    if options.get("sort") == "rate":
        per_row = np.bincount(segments[:, :, 1].mean(1).round().astype(int), minlength=20)
        assert np.all(np.diff(per_row) >= 0)
    if options.get("rate"):
        strip = ax.child_axes[-1]
        mean, bins, _ = strip.patches[0].get_data()
        assert (mean * np.diff(bins)).sum() / 1000 * 20 == pytest.approx(inside.sum())


def test_colour_follows_the_population():
    data = spikes()
    ax = PlotRaster(data, color="pop")
    rows = np.array(ax.collections[0].get_segments())[:, :, 1].mean(1).round().astype(int)
    colours = ax.collections[0].get_colors()
    for name in ("excitatory", "inhibitory"):
        assert len(np.unique(colours[data.pop.values[rows] == name], axis=0)) == 1
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["pop = excitatory", "pop = inhibitory"]


def test_density_holds_every_spike():
    data = spikes(50)
    ax = PlotRaster(data, density=True)
    (mesh,) = [c for c in ax.collections if isinstance(c, QuadMesh)]
    assert mesh.get_array().sum() == np.isfinite(data.values).sum()
    with pytest.raises(ParameterError, match="no colours"):
        PlotRaster(data, density=True, color="pop")


def test_above_a_million_spikes_the_density_is_drawn():
    many = np.sort(np.random.default_rng(0).uniform(0, 100, (11, 100_000)), -1)
    ax = PlotRaster(many, t_stop=100.0)
    assert isinstance(ax.collections[0], QuadMesh)
    assert ax.collections[0].get_array().sum() == many.size


def test_rasters_of_other_layouts():
    figure, ax = plt.subplots()
    assert PlotRaster([[1.0, 2.0], []], ax=ax) is ax
    assert figure.get_axes() == [ax]
    events = xr.Dataset(
        {"event_time": ("event", [1.0, 5.0]), "event_neuron": ("event", [1, 0])}, coords={"neuron": ["a", "b"]}
    )
    assert [text.get_text() for text in PlotRaster(events).get_yticklabels()] == ["a", "b"]
    assert len(PlotRaster([3.0, 4.0]).collections[0].get_segments()) == 2
    assert len(PlotRaster([]).collections[0].get_segments()) == 0
    with pytest.raises(UnknownNameError, match="Did you mean 'rate'"):
        PlotRaster([1.0], sort="rates")


# PlotMap


def sweep(x=None, y=None, status=None):
    x = np.linspace(80, 160, 5) if x is None else x
    y = np.geomspace(5, 80, 4) if y is None else y
    coords = {
        "gNa": ("gNa", x, {"units": "mS/cm2", "long_name": "sodium conductance"}),
        "gK": ("gK", y, {"units": "mS/cm2"}),
    }
    values = np.arange(len(x) * len(y), dtype=float).reshape(len(x), len(y))
    data = xr.DataArray(
        values, dims=("gNa", "gK"), coords=coords, name="rate", attrs={"units": "Hz", "long_name": "rate"}
    )
    return data if status is None else data.assign_coords(status=(("gNa", "gK"), status))


def mesh_of(ax):
    (mesh,) = [c for c in ax.collections if isinstance(c, QuadMesh)]
    return mesh


def test_a_cell_lies_around_its_point():
    ax = PlotMap(sweep())
    corners = mesh_of(ax).get_coordinates()
    np.testing.assert_allclose(corners[0, :, 0], [70, 90, 110, 130, 150, 170])
    ratio = np.sqrt(16 ** (1 / 3))
    np.testing.assert_allclose(corners[:, 0, 1], [5 / ratio, *(np.geomspace(5, 80, 4) * ratio)])
    np.testing.assert_array_equal(mesh_of(ax).get_array(), sweep().values.T)
    assert (ax.get_xscale(), ax.get_yscale()) == ("linear", "log")
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("gNa, sodium conductance [mS/cm2]", "gK [mS/cm2]")
    assert ax.figure.axes[1].get_ylabel() == "rate [Hz]"


def test_axes_may_be_chosen_and_swapped():
    figure, ax = plt.subplots()
    assert PlotMap(sweep(), x="gK", ax=ax, colorbar=False, cmap="magma") is ax
    assert figure.get_axes() == [ax]
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "linear")
    np.testing.assert_array_equal(mesh_of(ax).get_array(), sweep().values)
    assert mesh_of(ax).get_cmap().name == "magma"


def test_unsorted_axes_and_names_keep_their_values():
    mixed = sweep().isel(gNa=[3, 0, 4, 1, 2])
    np.testing.assert_array_equal(mesh_of(PlotMap(mixed)).get_array(), sweep().values.T)
    named = sweep(x=["a", "b", "c"])
    ax = PlotMap(named)
    assert [text.get_text() for text in ax.get_xticklabels()] == ["a", "b", "c"]
    np.testing.assert_array_equal(mesh_of(ax).get_array(), named.values.T)


def test_what_has_no_number_is_said_and_never_coloured():
    status = np.ones((5, 4), np.uint8)
    status[0, 0], status[1, 1:3], status[4, 3] = 0, 2, 5
    data = sweep(status=status)
    data[2, 2] = np.nan
    ax = PlotMap(data)
    hidden = np.ma.getmaskarray(mesh_of(ax).get_array())
    np.testing.assert_array_equal(hidden, (status != 1).T | np.isnan(data.values).T)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["not run", "failed", "undefined"]
    areas = [sum(np.ptp(box[:, 0]) / 20 for box in patch.get_path().to_polygons()) for patch in ax.patches]
    np.testing.assert_allclose(areas, [1, 3, 1])
    assert ax.patches[1].get_hatch()
    assert PlotMap(sweep(status=np.ones((5, 4)))).get_legend() is None
    np.testing.assert_array_equal(
        np.ma.getmaskarray(mesh_of(PlotMap(data.drop_vars("status"), status=data.status)).get_array()), hidden
    )


def test_sampled_points_are_dots():
    rng = np.random.default_rng(0)
    coords = {"a": ("point", rng.random(50)), "b": ("point", rng.random(50)), "status": ("point", [2] * 5 + [1] * 45)}
    points = xr.DataArray(rng.random(50), dims="point", coords=coords, name="gamma")
    ax = PlotMap(points)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("a", "b")
    dots, crosses = ax.collections
    assert (len(dots.get_offsets()), len(crosses.get_offsets())) == (45, 5)
    np.testing.assert_array_equal(dots.get_array(), points[5:])
    with pytest.raises(DataError, match=r"coordinates \('a', 'b', 'c'\).*Give x and y"):
        PlotMap(points.assign_coords(c=points.a * 2))
    assert PlotMap(points.assign_coords(c=points.a * 2), x="c", y="b").get_xlabel() == "c"


def test_ambiguous_dims_are_named():
    three = sweep().expand_dims(sweep=[1, 2])
    with pytest.raises(DataError, match=r"dims \('sweep', 'gNa', 'gK'\).*mean\('sweep'\)"):
        PlotMap(three)
    PlotMap(three.isel(sweep=[0]))
    with pytest.raises(UnknownNameError, match="Did you mean 'gNa'"):
        PlotMap(sweep(), x="g_Na")
    with pytest.raises(ParameterError, match="both"):
        PlotMap(sweep(), x="gK", y="gK")
    with pytest.raises(DataError, match=r"dataset\.rate"):
        PlotMap(sweep().to_dataset())


def test_lazy_maps():
    lazy = PlotMap(sweep().chunk(gNa=2))
    np.testing.assert_array_equal(mesh_of(lazy).get_array(), sweep().values.T)


@pytest.mark.parametrize(
    ("centres", "expected", "log"),
    [
        ([5.0], [4.75, 5.25], False),
        ([0.0], [-0.5, 0.5], False),
        ([1, 2], [0.5, 1.5, 2.5], False),
        ([1.0, 10.0], [-3.5, 5.5, 14.5], False),
        ([1.0, 2.0, 4.0], [2**-0.5, 2**0.5, 2**1.5, 2**2.5], True),
        ([0.0, 1.0, 4.0], [-0.5, 0.5, 2.5, 5.5], False),
    ],
)
def test_edges(centres, expected, log):
    found, is_log = edges(np.array(centres))
    np.testing.assert_allclose(found, expected)
    assert is_log == log
