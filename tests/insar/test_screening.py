import numpy as np
import pytest
import xarray as xr

from cryoscale.errors import InputError
from cryoscale.insar.closure import Datum, stack_triplets
from cryoscale.insar.quality import pair_statistics
from cryoscale.insar.screening import Verdict, network_statistics, screen_network, screen_pairs
from cryoscale.variables import VARIABLES

TWO_PI = np.float32(2 * np.pi)


def spoil(values, rng):
    """What makes an interferogram bad: a part unwrapped wrongly, no coherence, or a ramp of its own."""
    rows, columns = values.shape
    part = values[:, : rng.integers(columns // 4, 3 * columns // 4)]
    part += TWO_PI * rng.choice([-2, -1, 1, 2])
    kind = rng.integers(3)
    if kind == 1:
        values += 3 * rng.normal(size=values.shape)
    elif kind == 2:
        values += np.linspace(-6, 6, columns) - np.linspace(-3, 3, rows)[:, None]


@pytest.mark.parametrize("share", [0.03, 0.1])
def test_planted_bad_interferograms_are_found(linked_stack, share):
    found, lost = [], []
    for seed in range(5):
        rng = np.random.default_rng(seed)
        phase = linked_stack(60, 4, shape=(16, 20), noise=0.4, missing=0.05, seed=seed)
        phase += (TWO_PI * rng.integers(-2, 3, (phase.sizes["pair"], 1, 1))).astype("float32")
        bad = np.zeros(phase.sizes["pair"], bool)
        bad[rng.choice(bad.size, round(share * bad.size), replace=False)] = True
        for pair in np.flatnonzero(bad):
            spoil(phase.values[pair], rng)
        screening, _ = screen_network(phase)
        found.append(~screening.kept.values[bad])
        lost.append(~screening.kept.values[~bad])
    assert np.concatenate(found).mean() >= 0.95
    assert np.concatenate(lost).mean() <= 0.02


def rule_pair_by_pair(phase, rms_threshold):
    """The rule of LiCSBAS with sets, on phases referred to one area."""
    good, candidates = set(), set()
    for ij, jk, ik in stack_triplets(phase):
        closure = (phase[ij] + phase[jk] - phase[ik]).values
        rms = np.sqrt(np.nanmean(closure.astype(float) ** 2))
        (candidates if rms >= rms_threshold else good).update({ij, jk, ik})
    return candidates - good


@pytest.mark.parametrize("seed", range(4))
def test_verdicts_follow_the_rule(linked_stack, seed):
    rng = np.random.default_rng(seed)
    phase = linked_stack(14, 3, noise=0.6, missing=0.1, seed=seed)
    phase[rng.choice(phase.sizes["pair"], 8, replace=False), :, :3] += TWO_PI
    screening = screen_pairs(network_statistics(phase), datum=Datum.ZERO)
    dropped = set(np.flatnonzero(screening.pairs.verdict == Verdict.CLOSURE))
    assert dropped == rule_pair_by_pair(phase, 1.5)
    assert dropped
    in_loops = np.bincount(stack_triplets(phase).ravel(), minlength=phase.sizes["pair"])
    np.testing.assert_array_equal(screening.pairs.n_pair_loops, in_loops)
    np.testing.assert_array_equal(screening.pairs.n_bad_pair_loops == in_loops, ~screening.kept)


def test_every_reason_is_given(linked_stack):
    phase = linked_stack(16, 3, noise=0.2)
    coherence = xr.full_like(phase, 0.8).assign_attrs(units="1")
    phase[4, :, :5], coherence[17] = np.nan, 0.02
    phase[30, :3] += TWO_PI
    last = phase.assign_coords(secondary=phase.secondary + np.timedelta64(400, "D"))[-1:]
    with_lonely = xr.concat([phase, last], "pair")
    coherence = xr.concat([coherence, coherence[-1:].assign_coords(secondary=last.secondary)], "pair")
    screening, maps = screen_network(with_lonely, coherence)
    expected = {4: Verdict.COVERAGE, 17: Verdict.COHERENCE, 30: Verdict.CLOSURE, 42: Verdict.UNTESTED}
    verdict = screening.pairs.verdict
    assert {int(pair): Verdict(verdict[pair]) for pair in np.flatnonzero(verdict)} == expected
    assert screening.counts == {"kept": 39, "untested": 1, "coverage": 1, "coherence": 1, "closure": 1}
    assert screening.kept.values.sum() == 40
    assert verdict.attrs["flag_meanings"].split()[int(verdict[17])] == "coherence"
    loops = stack_triplets(with_lonely)
    untested = np.isin(loops, [4, 17]).any(axis=1)
    np.testing.assert_array_equal(screening.loops.closure_verdict == 2, untested)
    np.testing.assert_array_equal(screening.loops.closure_verdict == 1, (loops == 30).any(axis=1) & ~untested)
    assert int(maps.n_loop_errors.max()) == 0
    assert int(maps.n_loops.max()) == (~np.isin(loops, [4, 17, 30]).any(axis=1)).sum()


def test_outcome_is_as_registered(linked_stack):
    phase = linked_stack(noise=0.2)
    screening, maps = screen_network(phase, xr.full_like(phase, 0.8).assign_attrs(units="1"))
    for table in (screening.pairs, screening.loops, maps):
        for name, array in table.data_vars.items():
            variable = VARIABLES[str(name)]
            assert (array.dims, array.dtype) == (variable.dims, variable.dtype), name
            assert array.attrs["units"] == variable.units
    assert {"reference", "secondary"} <= set(screening.pairs.coords)
    assert {"first", "second", "third"} == set(screening.loops.coords)


def test_one_pass_over_a_lazy_stack(linked_stack, lazy, assert_lazy):
    phase = linked_stack(noise=0.8, missing=0.2, shape=(20, 30))
    coherence = (phase * 0 + 0.5).fillna(0.1).assign_attrs(units="1")
    with assert_lazy():
        statistics = network_statistics(lazy(phase, y=7, x=8), lazy(coherence, y=5, x=30))
    eager = network_statistics(phase, coherence)
    xr.testing.assert_allclose(statistics.compute(), eager, rtol=1e-6)
    calls = []

    def reduce(dataset):
        calls.append(dict(dataset.sizes))
        return dataset.compute()

    chunked, maps = screen_network(lazy(phase, y=7, x=8), lazy(coherence, y=5, x=30), reduce=reduce)
    assert len(calls) == 1
    assert maps.chunks
    screening, eager_maps = screen_network(phase, coherence)
    xr.testing.assert_allclose(chunked.pairs, screening.pairs)
    xr.testing.assert_identical(maps.compute(), eager_maps)


def test_the_reference_area_is_checked_with_datum_zero(linked_stack):
    phase = linked_stack(8, 3, noise=0.2)
    phase[6] += TWO_PI
    assert bool(screen_network(phase)[0].kept.all())
    kept = screen_network(phase, datum=Datum.ZERO)[0].kept
    assert np.flatnonzero(~kept).tolist() == [6]


def test_shares_are_of_what_any_pair_observes():
    nan = np.nan
    phase = xr.DataArray([[[1.0, nan, nan, nan]], [[1.0, 2.0, nan, nan]], [[nan] * 4]], dims=("pair", "y", "x"))
    coherence = xr.DataArray([[[0.2, nan, 0.9, 0.9]], [[0.2, 0.8, 0.9, 0.9]], [[nan] * 4]], dims=phase.dims)
    statistics = pair_statistics(phase, coherence)
    np.testing.assert_allclose(statistics.observed_share, [0.5, 1.0, 0.0])
    np.testing.assert_allclose(statistics.pair_coherence, [0.2, 0.5, nan])
    empty = pair_statistics(phase * nan)
    assert empty.observed_share.isnull().all()


def test_bad_input_is_refused(linked_stack):
    phase = linked_stack(5, 2)
    statistics = network_statistics(phase)
    with pytest.raises(InputError, match="rms_threshold: 0 rad would find every loop bad"):
        screen_pairs(statistics, rms_threshold=0)
    with pytest.raises(InputError, match="min_coverage: 30 is not between 0 and 1"):
        screen_pairs(statistics, min_coverage=30)
    with pytest.raises(InputError, match="min_coherence: -0.1 is not between 0 and 1"):
        screen_pairs(statistics, min_coherence=-0.1)
    with pytest.raises(InputError, match=r"no interferogram passes \(7 for coverage\)"):
        screen_pairs(network_statistics(phase * np.nan))
    with pytest.raises(InputError, match="its x lies up to .* pixels away"):
        network_statistics(phase, xr.full_like(phase, 0.5).assign_attrs(units="1").assign_coords(x=phase.x + 1))
    with pytest.raises(InputError, match="coherence: has 6 pairs, unwrapped_phase 7"):
        network_statistics(phase, xr.full_like(phase[1:], 0.5).rename("coherence").assign_attrs(units="1"))
