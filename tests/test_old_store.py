"""A store that the kit wrote before studies were rows (`data/store_of_v1.db`, made by commit f73685c): it opens, and nothing in it is lost

It holds four studies on digits: `two nets` (MLPs and CNNs, opened), its final training, `by loss` (with early stops and a diverged
rate; asked to stop) and `a function` (one of three failed).
"""
import shutil, sqlite3
from pathlib import Path
import pandas as pd, pytest
from deepsweep import log
from deepsweep.core import DataError, SealError
from deepsweep.data import load_data
from deepsweep.explore import explore, watch
from deepsweep.report import write_report
from deepsweep.runs import RunStore
from deepsweep.seal import open_test, openings
from deepsweep.sweep import run_sweep, stored_result

OLD = Path(__file__).parent/'data'/'store_of_v1.db'
STUDIES = ['a function', 'by loss', 'two nets', 'two nets final']

@pytest.fixture
def path(tmp_path): return Path(shutil.copy(OLD, tmp_path/'old.db'))

@pytest.fixture(scope='module')
def digits(): return load_data('digits', n_train=300, n_valid=150, n_hold=100)

def raw(path, query):
    with sqlite3.connect(path) as c: return c.execute(query).fetchall()

def values(**p): return {k: {'values' if isinstance(v, list) else 'value': v} for k, v in p.items()}

def test_nothing_is_lost(path):
    queries = ['SELECT run, state, config, best_epoch, attempt, hold_accuracy FROM runs ORDER BY run', 'SELECT count(*), sum(valid_loss), sum(epoch) FROM history',
               'SELECT * FROM labels ORDER BY study, run', 'SELECT * FROM ledger', 'SELECT * FROM plans', 'SELECT study, asked FROM stops']
    before = [raw(path, q) for q in queries]
    store = RunStore(path)
    assert store.studies() == STUDIES
    config, history = store.config_table(), store.history_table()
    store.close()
    assert [raw(path, q) for q in queries] == before and all(before)
    assert len(config) == len(before[0]) and config['run'].is_unique and len(history) == before[1][0][0]
    assert config.set_index('run')['state'].to_dict() == {run: state for run, state, *_ in before[0]}
    failed = config[config['state'] == 'failed']
    assert failed['traceback'].str.contains('too large').all() and len(failed) == 1

@pytest.mark.parametrize('mode', [0o644, 0o444])
def test_it_is_read_by_everything(path, mode, tmp_path):
    path.chmod(mode)
    for study in STUDIES:
        store = RunStore(path)
        assert len(store.config_table(study)) and len(store.history_table(study))
        metric = {'a function': 'err'}.get(study)
        assert 'Best' in explore(store, study, **({} if metric is None else dict(metric=metric))).html()
        assert study in watch(store, study, **({} if metric is None else dict(metric=metric))).html()
        write_report((store.config_table(study), store.history_table(study)), tmp_path/'r.html', metric=metric)
        store.close()

def test_a_study_without_a_row_is_taken_up(path, digits):
    with pytest.raises(DataError, match='give data= as it was then'): stored_result(path, 'two nets')      # the sizes were not noted then
    result = stored_result(path, 'two nets', digits)
    best = result.best_table()
    assert len(best) == 6 and best['valid accuracy'].is_monotonic_decreasing
    model = result.best_model()
    accuracy = float((model(digits.part('valid').images).argmax(1) == digits.y_valid).float().mean())
    assert accuracy == pytest.approx(best['valid accuracy'].iloc[0], abs=1e-6)

def test_the_ledger_still_counts(path, digits):
    result = stored_result(path, 'two nets', digits)
    table = openings(result.store, digits.fingerprint)
    assert len(table) and 'for the record of the old format' in set(table['why'])
    before = table.loc[table['why'] == 'for the record of the old format', 'score'].iloc[0]
    assert open_test(result, 'Again.')['accuracy'] == pytest.approx(before)          # the same configuration: its old score
    with pytest.raises(SealError): open_test(result, 'Another.', run=result.best_table()['run'].iloc[-1])

def test_built_in_runs_are_found_finished(path, digits, capsys):
    two = [dict(name='two nets', method='grid', metric=dict(name='valid accuracy', goal='maximize'), parameters=values(variant='MLP', hidden_layers=[[16], [24]], learning_rate=[.1, .02], num_epochs=3, momentum=.9)),
           dict(name='two nets', method='grid', metric=dict(name='valid accuracy', goal='maximize'), parameters=values(variant='CNN', kernel_size=3, hidden_layers=[[16]], learning_rate=[.1, .02], num_epochs=3))]
    two[1]['parameters']['conv_layers'] = {'value': [4]}
    plans = raw(path, "SELECT count(*) FROM plans WHERE study = 'two nets'")
    attempts = raw(path, 'SELECT run, attempt FROM runs ORDER BY run')
    old = RunStore(path); history = old.history_table('two nets'); old.close()
    result = run_sweep(two, digits, store=path, eval_train=True, progress=True)
    assert '6 of 6 runs already finished' in capsys.readouterr().out
    assert raw(path, "SELECT count(*) FROM plans WHERE study = 'two nets'") == plans and raw(path, 'SELECT run, attempt FROM runs ORDER BY run') == attempts
    pd.testing.assert_frame_equal(result.history_table(), history)
    again = stored_result(path, 'two nets')                                         # by its row, now that it has one
    assert again.objective == result.objective and again.best_table().equals(result.best_table()) and again.data.fingerprint == digits.fingerprint

def test_runs_by_loss_train_once_more(path, digits):
    "They watched accuracy while their sweep was judged by loss; now they watch the loss, so they are other runs. The old ones stay"
    loss = dict(name='by loss', method='grid', metric=dict(name='valid loss', goal='minimize'), parameters=values(hidden_layers=[[16]], learning_rate=[.5, .05, 1e6], num_epochs=4, patience=2))
    before = {run for run, in raw(path, 'SELECT run FROM runs')}
    result = run_sweep(loss, digits, store=path, seeds=2, progress=False)
    assert not before & {r.id for r in result.runs} and before < {run for run, in raw(path, 'SELECT run FROM runs')}

def test_a_function_trains_once_more(path):
    "Its runs are known by another hash; the failed one fails again"
    def train(config):
        for e in (1, 2): log({'err': config['lr']/e, 'acc': 1 - config['lr']/e}, step=e)
        if config['lr'] > .25: raise ValueError('too large')
    sweep = dict(name='a function', method='grid', metric=dict(name='err', goal='minimize'), parameters=values(lr=[.3, .1, .2], variant='x'))
    result = run_sweep(sweep, function=train, store=path, progress=False)
    assert sorted(result.config_table()['state']) == ['failed', 'finished', 'finished'] and result.best_table()['err'].iloc[0] == .05
    assert stored_result(path, 'a function').best_table().equals(result.best_table())
