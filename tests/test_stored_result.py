"""`stored_result(store)` in a fresh process and another folder gives what `run_sweep` gave: best run, objective, tables, images"""
import json, os, pickle, subprocess, sys
from pathlib import Path
import numpy as np, pandas as pd, pytest
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent

MAKE = r'''
import sys, json, pickle, warnings
from pathlib import Path
import numpy as np, torch
from torch import nn
from deepsweep import log
from deepsweep.data import load_data
from deepsweep.sweep import run_sweep, stored_result
from deepsweep.studies import study, study_data

def values(**p): return {k: {'values' if isinstance(v, list) and not k.endswith('layers') else 'value': v} for k, v in p.items()}
def grid(name, metric=None, **p): return dict(name=name, method='grid', parameters=values(**p), **({} if metric is None else {'metric': metric}))

def net(config, data, width_factor=1): return nn.Sequential(nn.Flatten(), nn.Linear(int(np.prod(data.shape)), 4*width_factor), nn.Tanh(), nn.Linear(4*width_factor, len(data.classes)))
def err(labels, logits): return float((logits.argmax(1) != labels).float().mean())
def train(config):
    for epoch in (1, 2, 3): log({'rmse': abs(config['C'] - 2)/epoch, 'epoch': epoch})

def digits(): return load_data('digits', n_train=150, n_valid=60, n_test=40)

def studies(here):
    "name -> (arguments of `run_sweep`, further arguments of `stored_result`)"
    error = dict(name='err', goal='minimize')
    yaml = 'name: from yaml\nmethod: random\nmetric: {name: valid loss, goal: minimize}\nrun_cap: 3\nparameters:\n  hidden_layers: {value: [6]}\n  num_epochs: {value: 2}\n  learning_rate: {min: 0.01, max: 0.5}\n'
    from deepsweep.space import read_sweep_yaml
    small = load_data('fashion_mini', n_train=120, n_valid=50)
    larger = load_data('fashion_mini', n_train=200, n_valid=50, n_hold=40, seed=3)
    return {
        'one scale':   (dict(sweep=grid('one scale', hidden_layers=[6], learning_rate=[.1, .01], num_epochs=2), data=small), {}),
        'other scale': (dict(sweep=grid('other scale', hidden_layers=[6], learning_rate=[.1, .01], num_epochs=2), data=larger), {}),
        'folder':      (dict(sweep=grid('folder', hidden_layers=[5], learning_rate=[.1, .3], num_epochs=2), data=load_data(str(here/'pictures'), size=(9, 7), n_valid=12, n_test=8)), {}),
        'own model':   (dict(sweep=grid('own model', width_factor=[1, 2], learning_rate=.1, num_epochs=2, model='net'), data=digits(), model=net), dict(model=net)),
        'own metric':  (dict(sweep=grid('own metric', error, hidden_layers=[6], learning_rate=[.3, .01], num_epochs=3), data=digits(), metrics={'err': err}), dict(metrics={'err': err})),
        'function':    (dict(sweep=grid('function', dict(name='rmse', goal='minimize'), C=[1., 2.5, 4.]), function=train), {}),
        'list':        (dict(sweep=[dict(hidden_layers=[6], learning_rate=.1, num_epochs=2, variant='a', name='list'), dict(hidden_layers=[6], learning_rate=.1, num_epochs=2, variant='b', name='list'), dict(conv_layers=[3], hidden_layers=[6], kernel_size=3, num_epochs=2, name='list')], data=digits(), seeds=[3, 4]), {}),
        'from yaml':   (dict(sweep=read_sweep_yaml(yaml), data=digits(), search_seed=5), {}),
        'fused':       (dict(sweep=grid('fused', dict(name='macro f1'), hidden_layers=[6], learning_rate=[.3, .1, .03], num_epochs=3, patience=2), data=digits(), fuse=True, eval_train=True), {}),
    }

def facts(result):
    "What two results must have in common"
    data = result.data
    best = result.best_table()
    made = {} if result.by_function else {'weights': [p.detach().numpy() for p in result.best_model().parameters()]}
    return dict(study=result.study, best=best, config=result.config_table(), history=result.history_table(), plan=result.plan_table().drop(columns='runs'),
                objective=(result.objective.name, result.objective.goal, result.objective.is_given), runs=[(r.id, json.dumps(r.config, sort_keys=True), json.dumps(r.labels, sort_keys=True)) for r in result.runs],
                data=None if data is None else (data.name, data.fingerprint, data.hold_fingerprint, data.test.fingerprint, data.shape, tuple(data.classes), len(data.x_train)), **made)
'''
RUN = MAKE + r'''
here = Path(sys.argv[1])
for name, (how, _) in studies(here).items(): pickle.dump(facts(run_sweep(**how, store=here/f'{name}.db', progress=False)), open(here/f'{name}.pkl', 'wb'))
'''
READ = MAKE + r'''
here = Path(sys.argv[1])
for name, (_, more) in studies(here).items(): pickle.dump(facts(stored_result(here/f'{name}.db', **more)), open(here/f'{name}.again', 'wb'))
'''
NAMES = ['one scale', 'other scale', 'folder', 'own model', 'own metric', 'function', 'list', 'from yaml', 'fused']

@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    here, away = tmp_path_factory.mktemp('here'), tmp_path_factory.mktemp('away')
    rng = np.random.default_rng(0)
    for c in ('cat', 'dog', 'owl'):
        (here/'pictures'/c).mkdir(parents=True)
        for i in range(20): Image.fromarray(rng.integers(0, 255, (20, 16, 3), dtype=np.uint8)).save(here/'pictures'/c/f'{i}.png')
    for code, where in ((RUN, here), (READ, away)):
        script = here/('run.py' if code is RUN else 'read.py')       # user code needs a source
        script.write_text(code)
        done = subprocess.run([sys.executable, str(script), str(here)], cwd=where, env=dict(os.environ, PYTHONPATH=str(ROOT), OMP_NUM_THREADS='1'), capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-3000:]
    return here

@pytest.mark.parametrize('name', NAMES)
def test_stored_result(name, folder):
    a, b = (pickle.load(open(folder/f'{name}.{end}', 'rb')) for end in ('pkl', 'again'))
    assert set(a) == set(b)
    for key in a:
        if isinstance(a[key], pd.DataFrame): pd.testing.assert_frame_equal(a[key], b[key], check_exact=True)
        elif key == 'weights': assert len(a[key]) and all(np.array_equal(p, q) for p, q in zip(a[key], b[key], strict=True))
        else: assert a[key] == b[key], key
    assert a['best']['run'].iloc[0] and len(a['history'])
    if name == 'folder': assert a['data'][4] == (3, 9, 7)
    if name == 'function': assert a['objective'] == ('rmse', 'minimize', True) and a['data'] is None
