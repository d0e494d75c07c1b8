"The stop rule by epoch against W&B's own, of the package `sweeps`: pip install --no-deps sweeps jsonref (it asks for numpy<2 and runs with 2)"
import itertools
import numpy as np, pytest
from deepsweep.objective import Objective
from deepsweep.recordings import load_recorded
from deepsweep.stopping import make_stopper, metric_curves

sweeps = pytest.importorskip('sweeps')
EPOCHS = 15
GOALS = 'maximize', 'minimize'

def worst_for_lost(curves, goal):
    "Runs without a finite value in some epoch get one curve that is worse than all: W&B passes such values over and counts the others"
    worst = curves.min(axis=None) - 1 if goal == 'maximize' else curves.max(axis=None) + 1
    whole = np.isfinite(curves).all(axis=1)
    return curves.where(whole, worst, axis=0)

def recorded(name, metric, goal):
    "Run -> its first 15 values, of a recording; those of 15 epochs or more, and those that diverged on the way"
    config, history = load_recorded(name)
    curves = metric_curves(history, metric).iloc[:, :EPOCHS].replace([np.inf, -np.inf], np.nan)
    return {run: [float(v) for v in row] for run, row in worst_for_lost(curves, goal).iterrows()}

def theirs(spec, goal, at, mine, earlier):
    "Names of the runs that W&B would stop: those of the batch run and have logged up to the rung, the others are done"
    def run(name, values, state): return sweeps.SweepRun(name=name, state=state, history=[dict(m=v) for v in values])
    runs = [run(o, v[:at], sweeps.RunState.running) for o, v in mine.items()]
    runs += [run(o, v, sweeps.RunState.finished) for o, v in earlier.items()]
    config = dict(method='grid', metric=dict(name='m', goal=goal), early_terminate=spec, parameters=dict(a=dict(values=[1])))
    return {o.name for o in sweeps.stop_runs(config, runs)}

def replay(spec, goal, batches):
    "Both rules through all batches and rungs, those that were dropped leave; gives how often each rung dropped one"
    stopper, earlier, dropped = make_stopper(spec, Objective('m', goal), EPOCHS), {}, {}
    for batch in batches:
        left = dict(batch)
        for at in stopper.rungs():
            before = earlier.setdefault(at, {})
            found = stopper.decide(at, left, before)
            assert set(found) == theirs(spec, goal, at, left, before), (spec, goal, at)
            assert all(o.rung == at for o in found.values())
            before |= left
            left = {run: v for run, v in left.items() if run not in found}
            dropped[at] = dropped.get(at, 0) + len(found)
    return dropped

def in_batches(curves, sizes):
    runs = list(curves.items())
    ends = np.cumsum([0, *sizes, len(runs)])
    return [dict(runs[a:b]) for a, b in itertools.pairwise(ends) if runs[a:b]]

@pytest.mark.parametrize('name, metric', list(itertools.product(('cifar10-race', 'cifar10-laptop'), ('valid accuracy', 'valid loss'))))
@pytest.mark.parametrize('goal, strict, eta', list(itertools.product(GOALS, (True, False), (2, 3))))
def test_stops_what_wandb_stops(name, metric, goal, strict, eta):
    curves = recorded(name, metric, goal)
    down = dict(type='hyperband', max_iter=EPOCHS, s=2, eta=eta, strict=strict)
    up = dict(type='hyperband', min_iter=1, eta=eta, strict=strict)
    for spec, sizes in itertools.product((up, down), ((), (1, 7, 20))):
        dropped = replay(spec, goal, in_batches(curves, sizes))
        assert sum(dropped.values()) > 0 and list(dropped) == make_stopper(spec, Objective('m', goal)).rungs(EPOCHS)

@pytest.mark.parametrize('goal', GOALS)
def test_mirrored_runs_stop_alike(goal):
    curves, other = recorded('cifar10-race', 'valid accuracy', goal), GOALS[1 - GOALS.index(goal)]
    turned = {run: [-v for v in values] for run, values in curves.items()}
    for strict, at in itertools.product((True, False), (1, 3, 9)):
        spec = dict(type='hyperband', min_iter=1, strict=strict)
        assert theirs(spec, goal, at, curves, {}) == theirs(spec, other, at, turned, {})
        assert set(make_stopper(spec, Objective('m', other)).decide(at, turned)) == theirs(spec, goal, at, curves, {})

@pytest.mark.parametrize('keys', [dict(min_iter=1), dict(min_iter=2, eta=2), dict(min_iter=1, eta=1.5), dict(max_iter=27, s=2), dict(max_iter=27, s=9),
                                  dict(max_iter=5, s=2, eta=2), dict(max_iter=20, s=4, eta=1.3), dict(min_iter=3, max_iter=9, s=1)])
def test_same_rungs(keys):
    spec = dict(type='hyperband', **keys)
    run = sweeps.SweepRun(name='a', state=sweeps.RunState.running, history=[dict(m=1.)])
    sweeps.stop_runs(dict(metric=dict(name='m', goal='minimize'), early_terminate=spec), [run])
    bands = {o for o in run.early_terminate_info['bands'] if o < 1000}
    assert make_stopper(spec, Objective('m', 'minimize')).rungs(1000) == sorted(bands)

@pytest.mark.parametrize('seed', range(20))
def test_ties_and_odd_numbers(seed):
    "Few different values, so that most runs tie; any eta"
    rng = np.random.default_rng(seed)
    n, eta = int(rng.integers(1, 40)), float(rng.uniform(1.1, 6))
    curves = {f'r{i}': rng.integers(0, 4, EPOCHS).astype(float).tolist() for i in range(n)}
    for goal, strict in itertools.product(GOALS, (True, False)):
        spec = dict(type='hyperband', min_iter=1, eta=eta, strict=strict)
        replay(spec, goal, in_batches(curves, (n//3,)))

def test_where_they_have_no_rung_neither_have_we():
    spec = dict(type='hyperband', max_iter=2, s=1, eta=3)
    with pytest.raises(ValueError): theirs(spec, 'minimize', 1, dict(a=[1.]), {})
    with pytest.raises(ValueError, match='must have a rung'): make_stopper(spec, Objective('m', 'minimize'))
