import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cryoscale.errors import InputError
from cryoscale.stats import fit_cdf, match_cdf

SETTINGS = settings(max_examples=40, deadline=None)  # the first example compiles

RATE = {"units": "mm a-1"}


def maps(shape=(60, 80), *, seed=0, dtype="float32"):
    """A rate over all of a scene, and another one, distorted and noisy, over its eastern half."""
    rng = np.random.default_rng(seed)
    source = rng.normal(-5, 4, shape)
    reference = 1.4 * source + 0.02 * source**2 + 2 + rng.normal(0, 1, shape)
    reference[:, : shape[1] // 2] = np.nan
    source[rng.random(shape) < 0.1] = np.nan
    return (
        xr.DataArray(values.astype(dtype), dims=("y", "x"), name=name, attrs=RATE)
        for name, values in {"velocity": source, "alos2_rate": reference}.items()
    )


def numpy_match(source, reference, levels):
    """The obvious way, for data in memory, between the first and the last level."""
    valid = np.isfinite(source) & np.isfinite(reference)
    x, y = (np.quantile(a[valid].astype("float64"), levels, method="hazen") for a in (source, reference))
    return np.where((source >= x[0]) & (source <= x[-1]), np.interp(source, x, y), np.nan)


def test_it_equals_numpy_on_data_in_memory():
    source, reference = maps(dtype="float64")
    matched = match_cdf(source, reference)
    expected = numpy_match(source.values, reference.values, np.arange(1, 100) / 100)
    inner = np.isfinite(expected)
    assert inner.mean() > 0.85
    np.testing.assert_allclose(matched.values[inner], expected[inner], rtol=1e-12, atol=1e-12)


def test_the_result_has_the_distribution_of_the_reference():
    source, reference = maps((200, 300))
    matched = match_cdf(source, reference)
    overlap = np.isfinite(source.values) & np.isfinite(reference.values)
    levels = np.linspace(0.01, 0.99, 67)
    before, ours, theirs = (np.quantile(array.values[overlap], levels) for array in (source, matched, reference))
    assert np.abs(before - theirs).max() > 2
    assert np.abs(ours - theirs).max() < 0.1
    assert np.isfinite(matched.values[:, :150]).sum() == np.isfinite(source.values[:, :150]).sum()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_chunks_do_not_change_a_bit(dtype):
    source, reference = maps(dtype=dtype)
    fitted, matched = fit_cdf(source, reference), match_cdf(source, reference)
    for chunks in ({"y": 60, "x": 9}, {"y": 13, "x": 29}):
        assert fit_cdf(source.chunk(chunks), reference.chunk({"y": 25})) == fitted
        xr.testing.assert_identical(match_cdf(source.chunk(chunks), reference).compute(), matched)


def test_the_fit_computes_and_the_transfer_does_not(assert_lazy):
    source, reference = maps()
    fitted = fit_cdf(source.chunk(20), reference.chunk(20))
    with assert_lazy():
        fitted(source.chunk(20))


def test_the_mask_restricts_the_fit_only():
    source, reference = maps()
    where = xr.DataArray(np.arange(60) < 30, dims="y").broadcast_like(source)
    masked = fit_cdf(source, reference, where)
    assert masked == fit_cdf(source.where(where), reference) != fit_cdf(source, reference)
    assert np.isfinite(masked(source).values).sum() == np.isfinite(source.values).sum()


@SETTINGS
@given(arrays("float64", (2, 120), elements=st.floats(-1e3, 1e3)), arrays("float64", 50, elements=st.floats(-1e4, 1e4)))
def test_it_never_decreases(samples, values):
    fitted = fit_cdf(xr.DataArray(samples[0]), xr.DataArray(samples[1]))
    probes = np.concatenate([values, samples[0], fitted.source, np.nextafter(fitted.source, np.inf)])
    mapped = fitted(xr.DataArray(np.sort(probes))).values
    assert (np.diff(mapped) >= 0).all()


@SETTINGS
@given(st.floats(0.1, 10), st.floats(-100, 100))
def test_a_line_is_found_beyond_all_data(slope, offset):
    source = xr.DataArray(np.random.default_rng(0).normal(0, 10, 2000))
    fitted = fit_cdf(source, slope * source + offset)
    probes = xr.DataArray([-1000.0, -10.0, 0.0, 10.0, 1000.0])
    np.testing.assert_allclose(fitted(probes), slope * probes + offset, rtol=1e-9, atol=1e-9)


def test_an_outlier_does_not_tilt_the_tail():
    source = xr.DataArray(np.linspace(-10, 10, 100_001))
    reference = source.copy(data=source.values.copy())
    reference[0] = -1e6
    assert fit_cdf(source, reference).slopes[0] == pytest.approx(1.0, rel=1e-9)


def test_equal_sources_are_shifted():
    reference = xr.DataArray(np.linspace(0, 10, 201))
    fitted = fit_cdf(xr.full_like(reference, -3.0), reference)
    assert fitted(xr.DataArray([-4.0, -3.0, 7.0])).values.tolist() == pytest.approx([4.0, 5.0, 15.0])


def test_an_equal_reference_is_given_everywhere():
    source = xr.DataArray(np.linspace(0, 10, 201))
    assert set(match_cdf(source, xr.full_like(source, 2.5)).values) == {2.5}


def test_ties_at_the_edge_keep_differences():
    values = np.concatenate([np.zeros(300), np.linspace(1, 10, 700)])
    source, reference = xr.DataArray(values), xr.DataArray(np.linspace(-1, 1, 1000))
    fitted = fit_cdf(source, reference)
    assert fitted.slopes[0] == 1.0
    assert float(fitted(xr.DataArray(0.0))) == pytest.approx(-0.7, abs=0.01)  # middle of the first 30 %
    assert float(fitted(xr.DataArray(-2.0))) == pytest.approx(-2.7, abs=0.01)


def test_too_small_an_overlap_is_an_error():
    source, reference = maps()
    few = reference.where(reference.notnull() & (xr.DataArray(np.arange(60) == 5, dims="y")))
    message = r"velocity and alos2_rate: have both a value at \d\d positions only, and 100 are needed"
    with pytest.raises(InputError, match=message):
        match_cdf(source, few)
    assert fit_cdf(source, few, minimum=10).count == int((few + source).notnull().sum())
    with pytest.raises(InputError, match="at 0 positions only, and 0 are needed"):
        fit_cdf(source, reference * np.nan, minimum=0)


def test_another_unit_is_an_error():
    source, reference = maps()
    with pytest.raises(InputError, match="alos2_rate: is in 'm a-1', but velocity is in 'mm a-1'"):
        match_cdf(source, reference.assign_attrs(units="m a-1"))


def test_another_grid_is_an_error():
    source, reference = maps()
    with pytest.raises(InputError, match="alos2_rate: lies on another grid than velocity"):
        match_cdf(source, reference[:, 1:])


@pytest.mark.parametrize("levels", [[], [0.5, 0.5], [0.0, 0.5], [0.5, 1.0], [0.7, 0.3], [0.5, np.nan]])
def test_levels_must_increase_between_0_and_1(levels):
    source, reference = maps()
    with pytest.raises(InputError, match="quantiles: must increase and lie between 0 and 1"):
        fit_cdf(source, reference, quantiles=levels)


def test_a_mask_of_numbers_is_an_error():
    source, reference = maps()
    with pytest.raises(InputError, match="where: is float32, but a mask must be bool"):
        fit_cdf(source, reference, xr.ones_like(source).rename(None))


@pytest.mark.parametrize("skewed", [False, True])
def test_it_agrees_with_pytesmo(skewed):
    """With as many values in a tail as we take quantiles of it, the lines of the tails are the same too."""
    peer = pytest.importorskip("pytesmo.cdf_matching", reason="the extra 'test' brings pytesmo")
    rng = np.random.default_rng(0)
    source = rng.normal(-5, 4, 10_000)
    reference = 1.3 * source + rng.normal(0, 2, 10_000)
    if skewed:
        source = -np.exp(source / 8)
    beyond = np.concatenate([source, source.min() - np.arange(5.0), source.max() + np.arange(5.0)])
    expected = peer.CDFMatching(nbins=100, linear_edge_scaling=True).fit(source, reference).predict(beyond)
    ours = fit_cdf(xr.DataArray(source), xr.DataArray(reference))(xr.DataArray(beyond))
    np.testing.assert_allclose(ours, expected, atol=1e-11)
