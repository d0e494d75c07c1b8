"""Which of two values is better: one oracle for every place that decides it

The oracle below is written by hand and knows nothing of the kit. Everything else is recomputed from the history table.
"""
import itertools, math, warnings
import pytest
from deepsweep import log
from deepsweep.cli import main
from deepsweep.data import load_data
from deepsweep.explore import explore, watch
from deepsweep.objective import Objective
from deepsweep.report import write_report
from deepsweep.sweep import run_sweep, stored_result
from deepsweep.trainer import make_trainer

# ---- the oracle -------------------------------------------------------------------------------------------------------
FIXED   = {'valid accuracy': max, 'train accuracy': max, 'top valid accuracy': max, 'valid loss': min, 'train loss': min}      # the kit's own
BY_NAME = {'err': min, 'f1': max, 'neg_log_loss': max, 'drop_in_accuracy': max, 'rmse': min, 'gizmo': min}                     # where no goal is given
GOALS   = {None: None, 'maximize': max, 'minimize': min}
NAMES   = [*FIXED, *BY_NAME]

def better(name, goal=None):
    "`max` or `min`"
    return FIXED.get(name) or GOALS[goal] or BY_NAME[name]

def best_epoch(rows, name, pick):
    "The first epoch of the best finite value; rows in order"
    found = [(r[name], r['epoch']) for r in rows if name in r and r[name] is not None and math.isfinite(r[name])]
    top = pick(v for v, _ in found)
    return next(e for v, e in found if v == top)

def expected(result, name, goal, monitor):
    "The best run, its best epoch and its score, from the history alone"
    watched = monitor or name
    by = better(watched, goal if watched == name else None)
    scores = {}
    for run, rows in result.history_table().groupby('run'):
        rows = rows.sort_values('epoch').to_dict('records')
        at = best_epoch([r for r in rows if r['epoch'] > 0] or rows, watched, by) if result.by_function else best_epoch(rows, watched, by)
        scores[run] = (next(r[name] for r in rows if r['epoch'] == at), at)
    pick = better(name, goal)
    best = pick(v for v, _ in scores.values())
    run = min(run for run, (v, _) in scores.items() if v == best)
    return run, scores[run][1], best

# ---- runs -------------------------------------------------------------------------------------------------------------
def score(shift):
    "A metric that rises and falls again as the weights move; different for each name, the same on every path"
    return lambda labels, logits: round(float(((logits.double().softmax(1)[:, 0]*7 + shift).sin()).mean()), 4)

METRICS = {name: score(i) for i, name in enumerate(BY_NAME)}

@pytest.fixture(scope='module')
def digits(): return load_data('digits', n_train=120, n_valid=60, n_test=30)

def sweep(name, goal, monitor=None, rates=(.5, .05)):
    parameters = dict(hidden_layers={'value': [8]}, learning_rate={'values': list(rates)}, num_epochs={'value': 5})
    if monitor: parameters['monitor'] = {'value': monitor}
    return dict(name='d', method='grid', metric={k: v for k, v in dict(name=name, goal=goal).items() if v}, parameters=parameters)

def seen(result):
    "What a result's table has on top"
    top = result.best_table().iloc[0]
    return top['run'], int(top['best epoch']), top[result.objective.name]

CASES = [(n, g, m) for n, g, m in itertools.product(NAMES, GOALS, (None, 'valid loss', 'f1')) if m != n]

@pytest.mark.filterwarnings('ignore:goal', 'ignore:.* has no goal')
@pytest.mark.parametrize('fuse', [False, True], ids=['trainer', 'fused'])
def test_the_kits_trainers(digits, tmp_path, fuse):
    "Names × goals × monitors: the best run, its best epoch, its score, as run and as stored; its weights have that score"
    for name, goal, monitor in CASES:
        store = tmp_path/f'{name}-{goal}-{monitor}.db'
        result = run_sweep(sweep(name, goal, monitor), digits, metrics=METRICS, store=store, fuse=fuse, progress=False)
        right = expected(result, name, goal, monitor)
        case = name, goal, monitor
        assert seen(result) == right, case
        assert result.goal == ('maximize' if better(name, goal) is max else 'minimize'), case
        table = result.config_table().set_index('run')
        assert int(table.loc[right[0], 'best epoch']) == right[1], case
        assert ('best by' in result.best_table()) == (monitor is not None), case
        again = stored_result(store, data=digits, metrics=METRICS)
        assert seen(again) == right and again.best_table().equals(result.best_table()), case
        if name in METRICS and goal == 'minimize':
            model = result.best_model()
            labels, logits = digits.y_valid, model(digits.part('valid').images)
            assert METRICS[name](labels, logits.detach()) == pytest.approx(right[2], abs=2e-4), case
        result.store.close(); again.store.close()

@pytest.mark.parametrize('monitor', [dict(name='err', goal='minimize'), dict(name='err', goal='maximize'), dict(name='gizmo', goal='maximize'), 'rmse', 'f1', 'valid loss'])
def test_patience_and_best_epoch_of_a_trainer_alone(digits, monitor):
    name, goal = (monitor, None) if isinstance(monitor, str) else (monitor['name'], monitor['goal'])
    trainer = make_trainer(dict(hidden_layers=[8], learning_rate=.5, num_epochs=30, patience=2, monitor=monitor), digits, metrics=METRICS)
    trainer.train(include_test_scores=True, early_stopping=True)
    values, pick = [r[name] for r in trainer.history], better(name, goal)
    best = 0
    for at, value in enumerate(values):                                     # played by hand
        if pick(value, values[best]) != values[best]: best = at
        if at - best == 2: break
    assert (trainer.best_epoch, len(values)-1) == (best, at)
    assert (trainer.state == 'early-stopped') == (at < 30)

VALUES = {.3: [.2, .9, .4], .1: [.5, .6, .1], .2: [.3, .8, .7]}             # parameter -> values by epoch

@pytest.mark.filterwarnings('ignore:goal', 'ignore:.* has no goal')
def test_functions_report_command_line_and_panels(tmp_path, capsys):
    "Names × goals: a training function's best run, in every place that names one"
    for name, goal in itertools.product(NAMES, GOALS):
        def train(config):
            for epoch, value in enumerate(VALUES[config['x']], 1): log({name: value}, step=epoch)
        folder = tmp_path/f'{name} {goal}'
        folder.mkdir()
        metric = {k: v for k, v in dict(name=name, goal=goal).items() if v}
        result = run_sweep(dict(name='d', method='grid', metric=metric, parameters=dict(x={'values': list(VALUES)})), function=train, store=folder/'d.db', progress=False)
        pick = better(name, goal)
        scores = {x: pick(v) for x, v in VALUES.items()}
        x = next(k for k, v in scores.items() if v == pick(scores.values()))
        run, epoch, value = seen(result)
        case = name, goal
        assert (result.config_table().set_index('run').loc[run, 'x'], epoch, value) == (x, VALUES[x].index(scores[x])+1, scores[x]), case
        again = stored_result(folder/'d.db')
        assert again.by_function and again.objective == result.objective and again.best_table().equals(result.best_table()), case
        told = f'reached {name} {value:.3f} in epoch {epoch}'
        assert told in write_report(result, folder/'a.html').read_text(), case
        for source in (result, result.store):
            assert f'Best {name}: {value:.4g} at epoch {epoch}, run {run}' in explore(source).html(), case
        assert f'Best {name} so far: {value:.4g}' in watch(result.store).html(), case
        result.store.close(); again.store.close()
        capsys.readouterr()
        with pytest.raises(SystemExit): main(['show', '--store', str(folder/'d.db')])
        assert run in capsys.readouterr().out.splitlines()[1].split(), case
        with pytest.raises(SystemExit): main(['report', '--store', str(folder/'d.db'), '--out', str(folder/'b.html')])
        assert told in (folder/'b.html').read_text(), case

def test_the_oracle_and_the_class_agree():
    for name, goal in itertools.product(NAMES, GOALS):
        assert Objective(name, goal).goal == ('maximize' if better(name, goal) is max else 'minimize'), (name, goal)

def test_a_corrected_goal_is_said(digits, tmp_path, capsys):
    "As a warning where no line is shown"
    with pytest.warns(UserWarning, match="goal 'minimize' was read as 'maximize', as valid accuracy asks"):
        run_sweep(sweep('valid accuracy', 'minimize'), digits, store=tmp_path/'a.db', progress=False)
    run_sweep(sweep('valid accuracy', 'minimize'), digits, store=tmp_path/'b.db', progress=True)
    assert "goal 'minimize' was read as 'maximize'" in capsys.readouterr().out
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        run_sweep(sweep('err', 'maximize'), digits, metrics=METRICS, store=tmp_path/'c.db', progress=False)
