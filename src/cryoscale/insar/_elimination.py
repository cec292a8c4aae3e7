"""The compiled part of NSBAS: banded eliminations of many pixels side by side.

Per pixel, sum w (u_s - u_r - d)^2 + gamma^2 sum (u_k - B_k p - v_ref t_k)^2 is least over the displacements u (u_0 = 0)
and the parameters p of the temporal model. With H = A'WA + gamma^2 I and X = gamma^2 H^-1 B, a Newton step from (u, p),
where the deviations from the model are e = u - B p - v_ref t, is

    z = H^-1 (A'W (d - A u) - gamma^2 e),    B'(B - X) dp = B'(e + z),    du = z + X dp.

The first step solves, the second refines, for its residuals are those of the observations.

H is the Laplacian of the network of pairs plus a diagonal. It is stored as its couplings (minus its off-diagonals) and
its row sums, in two parts: ``ground`` (coupling to the first epoch) and ``leak`` (gamma^2). Elimination then needs no
subtraction (as Grassmann, Taksar and Heyman do with Markov chains): every factor is right to rounding, even where a
piece of the network hangs by gamma^2 = 1e-8 alone, and a coupling is exactly zero where there is none.

Arrays end in LANES pixels, so that every operation on a row becomes a few vector instructions. Numba's cache follows
changes of the file of the entry point only: so all that is compiled is here.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numba import njit, types
from numba.extending import intrinsic

Array = np.ndarray[Any, Any]
Function = TypeVar("Function", bound=Callable[..., Any])

PARAMETERS, VELOCITY = 4, 1  # offset, velocity, sine, cosine
LANES = 64  # of fewer the compiler makes scalars instead of vectors, of more the scratch outgrows the cache
ROUNDS = 2  # Newton steps: the error against extended precision is 1e-5 mm after one, 1e-10 mm after two
DETERMINED = 1e-11  # least pivot of the parameters that counts, in shares of the sum of squares of their column of B
TINY = 1e-100  # least coupling: products of smaller ones could underflow to none

# Strict arithmetic, no fastmath: what is compiled in this process, loaded from the cache or compiled on another
# machine then gives the same bits (docs/decisions/0004), and it is no slower.
_OPTIONS: Any = {"error_model": "numpy", "nogil": True}
_compiled: Callable[[Function], Function] = njit(**_OPTIONS)
_row: Callable[[Function], Function] = njit(forceinline=True, **_OPTIONS)
_entry: Callable[[Function], Function] = njit(cache=True, **_OPTIONS)


class Problem(NamedTuple):
    """What all pixels share; epochs are counted from 0."""

    first: Array  # (pair,) epoch of the reference
    second: Array  # (pair,) epoch of the secondary, later
    reach: Array  # (epoch,) last epoch that each is coupled to, also during elimination
    width: int  # of the widest reach
    years: Array  # (epoch,)
    design: Array  # (epoch, parameter) B; zero: a parameter that the model has not, an epoch without a constraint
    scale: Array  # (parameter,) sum of squares of a column of B
    gamma2: float
    freedom: int  # constraint rows - parameters + 1; without the pieces of the network, degrees of freedom


class Block(NamedTuple):
    """Scratch memory of LANES pixels."""

    values: Array  # (pair, lane) d, 0 where missing
    weights: Array  # (pair, lane) w, 0 where missing
    rate: Array  # (lane,) v_ref
    coupling: Array  # (epoch, distance, lane), eliminated: in shares of the pivot
    ground: Array  # (epoch, lane), at the end: more than 0 where the displacement is determined
    leak: Array  # (epoch, lane)
    inverse: Array  # (epoch, lane) of the pivot
    response: Array  # (epoch, parameter, lane) X
    normal: Array  # (parameter, parameter, lane) B'(B - X), eliminated: L below and 1 / D on the diagonal
    change: Array  # (parameter, lane) dp
    parameters: Array  # (parameter, lane) p
    errors: Array  # (parameter, lane)
    series: Array  # (epoch, lane) u
    deviation: Array  # (epoch, lane) e
    step: Array  # (epoch, lane) z
    determined: Array  # (lane,) more than 0 where the parameters are
    pieces: Array  # (lane,) disconnected pieces of the network
    used: Array  # (lane,) pairs with data
    misfit: Array  # (lane,) root mean square of d - A u
    variance: Array  # (lane,) of the deviations


@_entry
def solve_blocks(
    block: Block,
    problem: Problem,
    stack: Array,
    weights: Array,
    rate: Array,
    series: Array,
    maps: Array,
    counts: Array,
) -> None:
    """Invert pixel after pixel, LANES at a time, into the last three arrays."""
    for start in range(0, stack.shape[1], LANES):
        _load(block, stack, weights, rate, start)
        _assemble(block, problem)
        _factorise(block, problem)
        _respond(block, problem)
        _reduce(block, problem)
        block.series[:] = 0.0
        block.parameters[:] = 0.0
        for _ in range(ROUNDS):
            _improve(block, problem)
        _diagnose(block, problem)
        if problem.gamma2 == 0.0:
            _mark_grounded(block, problem)
        _store(block, problem, series, maps, counts, start)


@_compiled
def _load(block: Block, stack: Array, weights: Array, rate: Array, start: int) -> None:
    """Gather pixels; lanes beyond the last pixel keep what they have and are never stored."""
    stop = min(start + LANES, stack.shape[1])
    n = stop - start
    for m in range(stack.shape[0]):
        if weights.shape[1] == 1:
            for lane in range(LANES):
                block.weights[m, lane] = weights[m, 0]
        else:
            for lane in range(n):
                block.weights[m, lane] = weights[m, start + lane]
        _take(block.values[m], block.weights[m], stack[m, start:stop])
    for lane in range(n):
        block.rate[lane] = rate[start + lane]


@_compiled
def _assemble(block: Block, problem: Problem) -> None:
    for k in range(problem.reach.size):
        block.coupling[k, : problem.reach[k] - k + 1] = 0.0
    for m in range(problem.first.size):
        r = problem.first[m]
        _add(block.coupling[r, problem.second[m] - r], block.weights[m])
    block.ground[:] = 0.0
    for k in range(1, problem.reach[0] + 1):
        _add(block.ground[k], block.coupling[0, k])
        _add(block.ground[0], block.coupling[0, k])
    block.leak[:] = problem.gamma2


@_compiled
def _factorise(block: Block, problem: Problem) -> None:
    """H = L D L'. The epoch that is left without a tie, and is not the first, is the last of a piece of the network."""
    coupling, inverse = block.coupling, block.inverse
    block.pieces[:] = 1.0
    for k in range(1, problem.reach.size):
        width = problem.reach[k] - k
        inverse[k] = 0.0
        _tie(inverse[k], block.ground[k])
        for i in range(1, width + 1):
            _tie(inverse[k], coupling[k, i])
        _invert_pivot(inverse[k], block.leak[k], block.pieces)
        for i in range(1, width + 1):
            _multiply(coupling[k, i], inverse[k])
            _add_product(block.ground[k + i], coupling[k, i], block.ground[k])
            _add_product(block.leak[k + i], coupling[k, i], block.leak[k])
            for j in range(i + 1, width + 1):
                _add_product(coupling[k + i, j - i], coupling[k, i], coupling[k, j])


@_compiled
def _respond(block: Block, problem: Problem) -> None:
    """X = gamma^2 H^-1 B, column by column together."""
    X = block.response
    for k in range(1, problem.reach.size):
        for c in range(PARAMETERS):
            X[k, c] = problem.gamma2 * problem.design[k, c]
    for k in range(1, problem.reach.size):
        for i in range(1, problem.reach[k] - k + 1):
            _add_products(X[k + i], block.coupling[k, i], X[k])
    for k in range(problem.reach.size - 1, 0, -1):
        for c in range(PARAMETERS):
            _multiply(X[k, c], block.inverse[k])
        for i in range(1, problem.reach[k] - k + 1):
            _add_products(X[k], block.coupling[k, i], X[k + i])


@_compiled
def _reduce(block: Block, problem: Problem) -> None:
    """B'(B - X) = L D L'; a vanishing pivot is a parameter that the pairs do not determine."""
    S = block.normal
    S[:] = 0.0
    for k in range(problem.reach.size):
        _add_outer(S, problem.design[k], block.response[k])
    for lane in range(LANES):
        block.determined[lane] = 1.0 if abs(block.rate[lane]) < np.inf else 0.0
    for c in range(PARAMETERS):
        scale = problem.scale[c]
        for lane in range(LANES):
            for d in range(c):
                for e in range(d):
                    S[c, d, lane] -= S[c, e, lane] * S[d, e, lane]
            for d in range(c):
                product = S[c, d, lane]
                S[c, d, lane] *= S[d, d, lane]
                S[c, c, lane] -= product * S[c, d, lane]
            vanishes = not S[c, c, lane] > DETERMINED * scale
            S[c, c, lane] = 0.0 if vanishes else 1.0 / S[c, c, lane]
            if vanishes and scale > 0.0:
                block.determined[lane] = 0.0
    for lane in range(LANES):  # rounding can hide what counting the equations shows
        if problem.gamma2 > 0.0 and problem.freedom < block.pieces[lane]:
            block.determined[lane] = 0.0


@_compiled
def _improve(block: Block, problem: Problem) -> None:
    """One Newton step."""
    _residuals(block, problem)
    _deviations(block, problem)
    for k in range(1, problem.reach.size):
        _add_scaled(block.step[k], block.deviation[k], -problem.gamma2)
    _back_substitute(block, problem)
    block.change[:] = 0.0
    for k in range(problem.reach.size):
        _add_gradient(block.change, problem.design[k], block.deviation[k], block.step[k])
    _solve_normal(block.change, block.normal)
    for k in range(1, problem.reach.size):
        _move(block.series[k], block.step[k], block.response[k], block.change)
    for c in range(PARAMETERS):
        _add(block.parameters[c], block.change[c])


@_compiled
def _residuals(block: Block, problem: Problem) -> None:
    """A'W (d - A u)."""
    u, pull = block.series, block.step
    pull[:] = 0.0
    for m in range(problem.first.size):
        r, s = problem.first[m], problem.second[m]
        _add_pull(pull[s], pull[r], block.weights[m], block.values[m], u[s], u[r])
    pull[0] = 0.0


@_compiled
def _deviations(block: Block, problem: Problem) -> None:
    """Deviations e from the temporal model."""
    for k in range(problem.reach.size):
        _deviate(block.deviation[k], block.series[k], problem.design[k], block.parameters)
        _add_scaled(block.deviation[k], block.rate, -problem.years[k])


@_compiled
def _back_substitute(block: Block, problem: Problem) -> None:
    """From the right-hand side to z = H^-1 times it."""
    z = block.step
    for k in range(1, problem.reach.size):
        for i in range(1, problem.reach[k] - k + 1):
            _add_product(z[k + i], block.coupling[k, i], z[k])
    for k in range(problem.reach.size - 1, 0, -1):
        _multiply(z[k], block.inverse[k])
        for i in range(1, problem.reach[k] - k + 1):
            _add_product(z[k], block.coupling[k, i], z[k + i])


@_compiled
def _solve_normal(x: Array, S: Array) -> None:
    for lane in range(LANES):
        for c in range(PARAMETERS):
            for d in range(c):
                x[c, lane] -= S[c, d, lane] * x[d, lane]
        for c in range(PARAMETERS - 1, -1, -1):
            x[c, lane] *= S[c, c, lane]
            for d in range(c + 1, PARAMETERS):
                x[c, lane] -= S[d, c, lane] * x[d, lane]


@_compiled
def _diagnose(block: Block, problem: Problem) -> None:
    """Misfit of the pairs, and errors of the parameters from the deviations: cov p = sigma^2 (B'(B - X))^-1."""
    u = block.series
    block.used[:] = 0.0
    block.misfit[:] = 0.0
    for m in range(problem.first.size):
        r, s = problem.first[m], problem.second[m]
        _add_misfit(block.misfit, block.used, block.weights[m], block.values[m], u[s], u[r])
    for lane in range(LANES):
        block.misfit[lane] = np.sqrt(block.misfit[lane] / block.used[lane])
    _deviations(block, problem)
    block.variance[:] = 0.0
    for k in range(problem.reach.size):
        _add_product(block.variance, block.deviation[k], block.deviation[k])
    for lane in range(LANES):
        freedom = problem.freedom - block.pieces[lane]
        block.variance[lane] = block.variance[lane] / freedom if freedom > 0.0 else np.nan
    for c in range(PARAMETERS):
        block.change[:] = 0.0
        block.change[c] = 1.0
        _solve_normal(block.change, block.normal)
        for lane in range(LANES):
            block.errors[c, lane] = np.sqrt(block.variance[lane] * block.change[c, lane])


@_compiled
def _mark_grounded(block: Block, problem: Problem) -> None:
    """Elimination has passed ties to the first epoch on to later epochs; here earlier ones learn of them."""
    for k in range(problem.reach.size - 1, 0, -1):
        for i in range(1, problem.reach[k] - k + 1):
            _inherit(block.ground[k], block.coupling[k, i], block.ground[k + i])


@_compiled
def _store(block: Block, problem: Problem, series: Array, maps: Array, counts: Array, start: int) -> None:
    """Without a temporal model an epoch is known if it is grounded, with one if the model is."""
    stop = min(start + LANES, series.shape[1])
    for k in range(series.shape[0]):
        known = block.determined if problem.gamma2 > 0.0 else block.ground[k]
        _write(series[k, start:stop], block.series[k], known)
    _add(block.parameters[VELOCITY], block.rate)
    for c in range(PARAMETERS):
        _write(maps[c, start:stop], block.parameters[c], block.determined)
        _write(maps[PARAMETERS + c, start:stop], block.errors[c], block.determined)
    _write(maps[2 * PARAMETERS, start:stop], block.misfit, block.determined)
    for lane in range(stop - start):
        counts[0, start + lane] = block.used[lane]
        counts[1, start + lane] = block.pieces[lane]


# Rows: operations on one quantity of all lanes.


def _declare_distinct(_context: Any) -> Any:
    """Tell the compiler that the arrays of the calling function do not overlap, as C's ``restrict`` does."""

    def declare(context: Any, builder: Any, _signature: Any, _arguments: Any) -> Any:
        for argument in builder.function.args:
            if str(argument.type) in ("double*", "float*"):
                argument.add_attribute("noalias")
        return context.get_dummy_value()

    return types.void(), declare


_distinct: Any = intrinsic(_declare_distinct)  # without it, every row operation first makes sure


@_row
def _take(values: Array, weights: Array, observed: Array) -> None:
    _distinct()
    for lane in range(observed.size):
        present = (abs(observed[lane]) < np.inf) & (weights[lane] > 0.0) & (weights[lane] < np.inf)
        values[lane] = observed[lane] if present else 0.0
        weights[lane] = weights[lane] if present else 0.0


@_row
def _add(out: Array, a: Array) -> None:
    _distinct()
    for lane in range(LANES):
        out[lane] += a[lane]


@_row
def _add_scaled(out: Array, a: Array, factor: float) -> None:
    _distinct()
    for lane in range(LANES):
        out[lane] += factor * a[lane]


@_row
def _multiply(out: Array, a: Array) -> None:
    _distinct()
    for lane in range(LANES):
        out[lane] *= a[lane]


@_row
def _add_product(out: Array, a: Array, b: Array) -> None:
    _distinct()
    for lane in range(LANES):
        out[lane] += a[lane] * b[lane]


@_row
def _add_products(out: Array, a: Array, b: Array) -> None:
    _distinct()
    for lane in range(LANES):
        for c in range(PARAMETERS):
            out[c, lane] += a[lane] * b[c, lane]


@_row
def _tie(total: Array, coupling: Array) -> None:
    _distinct()
    for lane in range(LANES):
        coupling[lane] = max(coupling[lane], TINY) if coupling[lane] > 0.0 else 0.0
        total[lane] += coupling[lane]


@_row
def _invert_pivot(ties: Array, leak: Array, pieces: Array) -> None:
    _distinct()
    for lane in range(LANES):
        pivot = ties[lane] + leak[lane]
        pieces[lane] += 0.0 if ties[lane] > 0.0 else 1.0
        ties[lane] = 1.0 / pivot if pivot > 0.0 else 0.0


@_row
def _add_outer(S: Array, design: Array, response: Array) -> None:
    _distinct()
    for lane in range(LANES):
        for c in range(PARAMETERS):
            rest = design[c] - response[c, lane]
            for d in range(c + 1):
                S[c, d, lane] += design[d] * rest


@_row
def _add_pull(later: Array, earlier: Array, weights: Array, values: Array, second: Array, first: Array) -> None:
    _distinct()
    for lane in range(LANES):
        pull = weights[lane] * (values[lane] - (second[lane] - first[lane]))
        later[lane] += pull
        earlier[lane] -= pull


@_row
def _add_misfit(squares: Array, used: Array, weights: Array, values: Array, second: Array, first: Array) -> None:
    _distinct()
    for lane in range(LANES):
        misfit = values[lane] - (second[lane] - first[lane]) if weights[lane] > 0.0 else 0.0
        squares[lane] += misfit * misfit
        used[lane] += 1.0 if weights[lane] > 0.0 else 0.0


@_row
def _deviate(out: Array, series: Array, design: Array, parameters: Array) -> None:
    _distinct()
    for lane in range(LANES):
        out[lane] = series[lane]
        for c in range(PARAMETERS):
            out[lane] -= design[c] * parameters[c, lane]


@_row
def _add_gradient(gradient: Array, design: Array, deviation: Array, step: Array) -> None:
    _distinct()
    for lane in range(LANES):
        for c in range(PARAMETERS):
            gradient[c, lane] += design[c] * (deviation[lane] + step[lane])


@_row
def _move(series: Array, step: Array, response: Array, change: Array) -> None:
    _distinct()
    for lane in range(LANES):
        for c in range(PARAMETERS):
            step[lane] += response[c, lane] * change[c, lane]
        series[lane] += step[lane]


@_row
def _inherit(known: Array, coupling: Array, source: Array) -> None:
    _distinct()
    for lane in range(LANES):
        known[lane] = 1.0 if (coupling[lane] > 0.0) & (source[lane] > 0.0) else known[lane]


@_row
def _write(out: Array, row: Array, known: Array) -> None:
    _distinct()
    for lane in range(out.size):
        out[lane] = row[lane] if known[lane] > 0.0 else np.nan
