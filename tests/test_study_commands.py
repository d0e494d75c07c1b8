"Studies at hand: `show`, `compare`, `merge` and `export` by the command line; merges that are killed, and stores of older versions"
import shutil, signal, sqlite3, subprocess, sys
from pathlib import Path
import optuna, pandas as pd, pytest
from deepsweep.core import log
from deepsweep.exchange import merge_stores
from deepsweep.runs import RunStore
from deepsweep.seal import openings
from deepsweep.sweep import run_sweep, stored_result
from test_cli_journeys import command, rows

OLD = Path(__file__).parent/'data'/'store_of_v1.db'
TABLES = dict(runs='run', history='run, epoch', studies='study', labels='study, run, labels', plans='study, number', ledger='study, fingerprint, number')

def train(config):
    for epoch in (1, 2, 3): log({'error': abs(config['lr'] - .1) + 1/epoch}, step=epoch)

def half(path, *rates):
    "Train some rates of one study into a file"
    sweep = dict(name='rates', method='grid', metric=dict(name='error', goal='minimize'), parameters=dict(lr={'values': list(rates)}))
    run_sweep(sweep, function=train, store=path, progress=False).store.close()
    return path

def everything(path):
    with sqlite3.connect(path) as c: return {name: c.execute(f'SELECT * FROM {name} ORDER BY {key}').fetchall() for name, key in TABLES.items()}

# ---- the command line ----------------------------------------------------------------------------------------------
TRAIN = '''
import deepsweep
def train(config):
    for epoch in (1, 2): deepsweep.log({'val_loss': abs(config['lr'] - .1)/config['width'] + .1/epoch}, step=epoch)
'''

def sweep_file(folder, name, width, rates):
    text = f'method: grid\nname: {name}\nmetric: {{name: val_loss, goal: minimize}}\nparameters:\n  lr: {{values: {rates}}}\n  width: {{value: {width}}}\n'
    (folder/f'{name}.yaml').write_text(text)

def test_two_people_and_one_table(tmp_path):
    "Two train, one merges, looks at some runs, compares, and hands the study on"
    (tmp_path/'mine.py').write_text(TRAIN)
    for name, width, rates, file in (('narrow', 1, [.01, .1], 'a.db'), ('wide', 4, [.01, .1, .3], 'b.db')):
        sweep_file(tmp_path, name, width, rates)
        command(tmp_path, 'run', f'{name}.yaml', '--function', 'mine:train', '--store', file, '--report', 'r.html')
    told, _ = command(tmp_path, 'merge', 'b.db', '--store', 'a.db')
    assert 'study: 1 added' in told and 'run: 3 added' in told
    told, _ = command(tmp_path, 'show', '--store', 'a.db', '--csv', '--where', 'lr<0.3', '--where', 'width=4', '--top', 1)
    assert [(o['lr'], o['width'], o['study']) for o in rows(told)] == [('0.1', '4', 'wide')]
    table = rows(command(tmp_path, 'compare', 'narrow', 'wide', '--store', 'a.db', '--csv')[0])
    assert [(o['study'], o['runs'], o['pairs']) for o in table] == [('narrow', '2', '0'), ('wide', '3', '2')]
    assert float(table[1]['difference']) == pytest.approx((.09/4 - .09)/2)
    command(tmp_path, 'export', 'wide', '--format', 'optuna', '--out', 'o.db', '--store', 'a.db')
    study = optuna.load_study(study_name='wide', storage=f"sqlite:///{tmp_path/'o.db'}")
    assert len(study.trials) == 3 and study.best_value == pytest.approx(.05) and study.best_params['lr'] == .1

# ---- merging -------------------------------------------------------------------------------------------------------
KILLED = '''
import os, signal, sys
from deepsweep import exchange
merge, calls = exchange._merge_run, []
def one(*args):
    merge(*args)
    calls.append(1)
    if len(calls) == 2: os.kill(os.getpid(), signal.SIGKILL)
exchange._merge_run = one
exchange.merge_stores(*sys.argv[1:])
'''

def test_a_merge_killed_in_the_middle_has_merged_nothing(tmp_path):
    a, b = half(tmp_path/'a.db', .01, .1), half(tmp_path/'b.db', .1, .2, .3, .4)
    before = everything(a)
    done = subprocess.run([sys.executable, '-c', KILLED, str(a), str(b)])
    assert done.returncode == -signal.SIGKILL and everything(a) == before
    table = merge_stores(a, b)
    assert table[table['kind'] == 'run']['action'].value_counts().to_dict() == dict(added=3, equal=1)
    whole = everything(a)
    assert set(merge_stores(a, b)['action']) == {'equal'} and everything(a) == whole
    result = stored_result(a, 'rates')
    assert len(result.best_table()) == 5 and result.best_table()['lr'].iloc[0] == .1
    result.store.close()

def test_merging_both_ways_gives_the_same_runs(tmp_path):
    a, b = half(tmp_path/'a.db', .01, .1), half(tmp_path/'b.db', .1, .3)
    merge_stores(a, b); merge_stores(b, a)
    runs = [[(o[0], o[4]) for o in everything(file)['runs']] for file in (a, b)]
    assert runs[0] == runs[1] and len(runs[0]) == 3

@pytest.mark.parametrize('mode', [0o644, 0o444])
def test_an_old_store_is_merged_and_stays_as_it_is(tmp_path, mode):
    old = Path(shutil.copy(OLD, tmp_path/'old.db'))
    old.chmod(mode)
    before = old.read_bytes()
    new = half(tmp_path/'new.db', .1)
    merge_stores(new, old)
    assert old.read_bytes() == before and {o.name for o in tmp_path.iterdir() if o.name.startswith('old')} == {'old.db'}
    store, there = RunStore(new), RunStore(old)
    assert store.studies() == sorted([*there.studies(), 'rates'])
    for study in there.studies():
        assert store.label_rows(study) == there.label_rows(study) and store.plans(study) == there.plans(study)
        pd.testing.assert_frame_equal(store.history_table(study), there.history_table(study))
        ours, theirs = store.config_table(study), there.config_table(study)
        pd.testing.assert_frame_equal(ours, theirs)
    assert openings(store)[['study', 'run', 'why', 'score']].equals(openings(there)[['study', 'run', 'why', 'score']])
    store.close(); there.close()
    again = everything(new)
    assert set(merge_stores(new, old)['action']) == {'equal', 'kept'} and everything(new) == again      # kept: the one that failed in both

def test_runs_are_merged_into_an_old_store(tmp_path):
    old = Path(shutil.copy(OLD, tmp_path/'old.db'))
    table = merge_stores(old, half(tmp_path/'new.db', .1))
    assert set(table['action']) == {'added'}
    result = stored_result(old, 'rates')
    assert len(result.best_table()) == 1
    result.store.close()
