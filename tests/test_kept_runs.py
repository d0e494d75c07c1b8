"A kill costs seconds: groups, rounds with a stop rule, and searches go on from their last snapshot"
import json, os, signal, subprocess, sys, textwrap, time
from pathlib import Path
import pandas as pd
import pytest
from deepsweep.data import load_data
from deepsweep.runs import RunStore
from deepsweep.sweep import run_sweep

GROUP = dict(name='kept', method='grid', metric={'name': 'valid accuracy', 'goal': 'maximize'},
    parameters=dict(hidden_layers={'value': [16]}, learning_rate={'values': [.4, .3, .2, .1, .05, .03, .02, .01]},
                    drop_out={'value': .1}, optimizer={'value': 'adam'}, num_epochs={'value': 40}))
CLIMB  = GROUP | dict(name='climb', early_terminate={'type': 'hyperband', 'min_iter': 5, 'eta': 2})
SEARCH = dict(name='asked', method='bayes', run_cap=24, metric=GROUP['metric'], parameters=dict(
    hidden_layers={'values': [[8], [16]]}, learning_rate={'distribution': 'log_uniform_values', 'min': .001, 'max': 1.}, num_epochs={'value': 12}))
CODE = textwrap.dedent('''
    import json, sys, time
    from deepsweep.data import load_data
    from deepsweep.keep import Keeper
    from deepsweep.sweep import run_sweep
    sweep, db, slow = json.loads(sys.argv[1]), sys.argv[2], float(sys.argv[3])
    import deepsweep.member as m
    write = m.Member._write
    def slowly(self, row):                     # so that a kill falls into the middle
        write(self, row)
        time.sleep(slow)
    m.Member._write = slowly
    run_sweep(sweep, load_data('digits', n_train=200, n_valid=100), store=db, keep_every=.2, progress=False)
''')

def rows(store):
    table = store.history_table().drop(columns=['seconds'])
    return table.set_index(['run', 'epoch']).sort_index()

def killed(sweep, db, epochs, slow=.01):
    "Train in another process, and kill it once so many epochs are stored and something has saved itself"
    child = subprocess.Popen([sys.executable, '-c', CODE, json.dumps(sweep), str(db), str(slow)])
    deadline = time.monotonic() + 120
    try:
        while time.monotonic() < deadline and child.poll() is None:
            time.sleep(.05)
            if not db.exists(): continue
            store = RunStore(db)
            try: n = len(store.history_table())
            except Exception: continue
            finally: store.close()
            if n >= epochs and list(Path(f'{db}.kept').glob('*.safetensors')): break
        assert child.poll() is None, 'it ended before it was killed'
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()

@pytest.mark.parametrize('sweep, epochs', [(GROUP, 120), (CLIMB, 60), (SEARCH, 120)], ids=['group', 'rungs', 'search'])
def test_killed_and_taken_up(tmp_path, sweep, epochs):
    data = load_data('digits', n_train=200, n_valid=100)
    whole = run_sweep(sweep, data, store=tmp_path/'whole.db', progress=False)
    killed(sweep, tmp_path/'killed.db', epochs)
    saved = {}
    for o in Path(f"{tmp_path/'killed.db'}.kept").glob('*.safetensors'):
        run, _, epoch = o.stem.rpartition('-')
        saved[run] = max(saved.get(run, 0), int(epoch))
    assert saved
    again = run_sweep(sweep, data, store=tmp_path/'killed.db', progress=False)
    want, got = whole.config_table().set_index('run'), again.config_table().set_index('run')
    assert list(want.index) == list(got.index)
    assert dict(want['state']) == dict(got['state'])
    pd.testing.assert_frame_equal(rows(whole.store), rows(again.store), atol=1e-4, rtol=1e-3)
    assert not Path(f"{tmp_path/'killed.db'}.kept").exists()         # nothing is left behind
