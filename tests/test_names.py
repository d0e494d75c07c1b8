"Names of the user's own: every column of both tables, every label and every usual word, as a parameter and as a metric"
import itertools, json
import pytest
from deepsweep import log
from deepsweep.analysis import join_tables
from deepsweep.core import SweepError
from deepsweep.data import load_data
from deepsweep.keys import KEYS, LABEL_KEYS
from deepsweep.report import write_report
from deepsweep.sweep import run_sweep, stored_result
from deepsweep.tracking import read_wandb_logs

@pytest.fixture(scope='module')
def digits(): return load_data('digits', n_train=60, n_valid=30)

@pytest.fixture(scope='module')
def columns(digits, tmp_path_factory):
    "Every column that the two tables, their join or the ranking of a kit's sweep or of a function's have"
    folder = tmp_path_factory.mktemp('columns')
    kit  = run_sweep([dict(hidden_layers=[4], num_epochs=1, monitor='valid loss')], digits, store=folder/'a.db', eval_train=True)
    mine = run_sweep([dict(x=1)], function=lambda config: log({'acc': .5}), store=folder/'b.db')
    tables = [t for r in (kit, mine) for t in (r.config_table(), r.history_table(), join_tables(r.config_table(), r.history_table()), r.best_table())]
    return sorted({c for t in tables for c in t}) + ['score', 'low', 'high', 'error', 'tags', 'notes', 'num_hidden', 'num_conv', 'study', 'function', 'version', 'fingerprint', 'step', 'index', 'a b c']

def test_every_column_as_a_parameter(columns, tmp_path):
    "Each value trains, arrives, has an id of its own and stands in a column of its own, in every table"
    for key in [*columns, 'method']:
        got = []
        def train(config):
            got.append((config[key], dict(config)))
            log({'acc': config[key]/10})
        train.version = key                                           # `got` changes by being used
        values = [3, 1, 2]
        result = run_sweep([{key: v, 'lr': .1} for v in values], function=train, store=tmp_path/f'{abs(hash(key))}.db', progress=False)
        assert [v for v, _ in got] == values and all(set(c) == {key, 'lr'} for _, c in got), key
        assert len({r.id for r in result.runs}) == 3 and [r.config for r in result.runs] == [{key: v, 'lr': .1} for v in values], key
        for table in (result.config_table(), join_tables(result.config_table(), result.history_table()), result.best_table()):
            assert table.columns.is_unique, key
            mine = [c for c in (key, f'{key} (parameter)') if c in table and set(map(str, table[c])) == {'1', '2', '3'}]
            assert len(mine) == 1, (key, list(table))
        best = result.best_table()
        if key != 'acc': assert best['acc'].tolist() == [.3, .2, .1] and [*map(str, best[mine[0]])] == ['3', '2', '1'], key
        assert stored_result(result.store).best_table().equals(best), key
        assert set(result.config_table()['state']) == {'finished'}, key
        result.store.close()

REFUSED = {'run', 'name', 'variant', 'notes', 'tags', 'study', 'num_hidden', 'num_conv', 'model', 'seed', 'hidden_layers', 'conv_layers', 'epoch', 'updates', 'state', 'best epoch', 'stop reason', 'group', 'attempt', 'device', 'seconds', 'parameters', 'data', 'traceback', 'best by', 'epoch learning rate', 'epoch seconds'}

def test_every_column_as_a_metric_of_a_function(columns, tmp_path):
    "It ranks the runs, or it is a column of the kit and refused by name, before anything trains"
    for name in columns:
        trained, sweep = [], dict(name='m', method='grid', metric=dict(name=name, goal='minimize'), parameters=dict(asked={'values': [.3, .1, .2]}))
        def train(config):
            trained.append(config['asked'])
            for epoch in (1, 2): log({name: config['asked']/epoch}, step=epoch)
        train.version = name
        def call(): return run_sweep(sweep, function=train, store=tmp_path/f'{abs(hash(name))}.db', progress=False)
        if name in REFUSED or name.startswith('hold '):
            with pytest.raises(SweepError, match='may not be named') as e: call()
            assert repr(name) in str(e.value) and not trained
            continue
        rises = name.removesuffix(' (eval)').endswith(' accuracy')                 # the kit's own columns rise, whatever the sweep says
        with pytest.warns() if rises else _nothing(): result = call()
        best = result.best_table()
        top = (.3, .3) if rises else (.1, .05)
        assert best['asked'].iloc[0] == top[0] and best[name].iloc[0] == top[1], (name, best)
        assert best[name].notna().all() and result.objective.name == name
        assert stored_result(result.store).best_table().equals(best), name
        write_report(result, tmp_path/'r.html')
        result.store.close()

class _nothing:
    def __enter__(self): pass
    def __exit__(self, *_): pass

def test_every_column_as_a_metric_of_the_kits_trainer(columns, digits, tmp_path):
    own = {name: (lambda labels, logits: float((logits.argmax(1) != labels).float().mean())) for name in columns}
    taken = {'learning_rate', 'train loss', 'train accuracy', 'valid loss', 'valid accuracy', 'top valid accuracy', 'train loss (eval)', 'train accuracy (eval)'}
    fine = [name for name in columns if name not in REFUSED | taken and not name.startswith('hold ')]
    for name in sorted(set(columns) - set(fine)):
        with pytest.raises(SweepError, match='may not be named') as e: run_sweep([dict(hidden_layers=[4], num_epochs=1)], digits, metrics={name: own[name]}, store=tmp_path/'no.db')
        assert repr(name) in str(e.value)
    assert not (tmp_path/'no.db').exists()
    for name in fine:
        sweep = dict(name='m', method='grid', metric=dict(name=name, goal='minimize'), parameters=dict(hidden_layers={'value': [4]}, num_epochs={'value': 2}, learning_rate={'values': [.5, .001]}))
        result = run_sweep(sweep, digits, metrics={name: own[name]}, store=tmp_path/f'{abs(hash(name))}.db', progress=False)
        best, model = result.best_table(), result.best_model()
        error = float((model(digits.part('valid').images).argmax(1) != digits.y_valid).float().mean())
        assert best[name].iloc[0] == pytest.approx(error) == best[name].min(), name
        assert best.columns.is_unique and best['learning_rate'].tolist().count(.5) == 1, name
        again = stored_result(result.store, data=digits, metrics={name: own[name]})
        assert again.best_table().equals(best), name
        result.store.close()

LABELS = dict(num_hidden=[16, 32, 64], num_conv=[1, 2, 3], variant=['a', 'b', 'c'], name=['resnet', 'vit', 'cnn'], tags=['x', 'y', 'z'], notes=['p', 'q', 'r'])

def test_labels_are_parameters_of_a_function(tmp_path):
    "Case 02: a label of the kit's own configs is a parameter like any other here"
    assert set(LABELS) == set(LABEL_KEYS)
    got = []
    def train(config): got.append(dict(config)); log({'acc': len(got)/10})
    train.version = 1
    for key, values in LABELS.items():
        got.clear()
        result = run_sweep(dict(name=f's_{key}', method='grid', metric=dict(name='acc', goal='maximize'), parameters={key: {'values': values}, 'lr': {'value': .1}}), function=train, store=tmp_path/'l.db', progress=False)
        assert got == [{key: v, 'lr': .1} for v in values]
        column = 'name (parameter)' if key == 'name' else key
        assert sorted(map(str, result.best_table()[column])) == sorted(map(str, values))

def test_a_parameter_and_a_metric_of_one_name(tmp_path):
    def train(config): log({'loss': -config['loss']})
    result = run_sweep(dict(name='s', method='grid', metric=dict(name='loss', goal='minimize'), parameters=dict(loss={'values': [1, 3, 2]})), function=train, store=tmp_path/'s.db', progress=False)
    best = result.best_table()
    assert best['loss'].tolist() == [-3, -2, -1] and best['loss (parameter)'].tolist() == [3, 2, 1]

NEVER = ['val_loss', 'val_accuracy', 'loss', 'acc', 'valid_accuracy', 'f_1', 'hold accuracy', 'hold loss', 'epoch', 'state']

@pytest.mark.parametrize('name', NEVER)
def test_a_metric_that_never_comes_is_refused(name, digits, tmp_path, capsys, monkeypatch):
    "Before anything trains, and by a dry run too"
    from deepsweep.cli import main
    sweep = dict(name='s', method='grid', metric=dict(name=name, goal='minimize'), parameters=dict(hidden_layers={'value': [4]}, num_epochs={'value': 1}))
    with pytest.raises(SweepError, match=name.replace('(', r'\(')): run_sweep(sweep, digits, store=tmp_path/'no.db')
    (tmp_path/'s.json').write_text(json.dumps(sweep))
    for extra in ([], ['--dry-run']):
        with pytest.raises(SystemExit) as e: main(['run', str(tmp_path/'s.json'), '--data', 'digits', '--store', str(tmp_path/'no.db'), '--report', str(tmp_path/'r.html'), *extra])
        assert e.value.code == 2 and name in capsys.readouterr().err
    assert not list(tmp_path.glob('no.db*'))

@pytest.mark.parametrize('name', ['macro f1', 'balanced accuracy', 'log loss', 'f1', 'accuracy', 'balanced_accuracy', 'neg_log_loss', 'matthews_corrcoef', 'f1_weighted', 'recall_macro'])
def test_known_metrics_need_no_code(name, digits, tmp_path):
    "By scikit-learn's own numbers"
    import numpy as np
    from sklearn import metrics as sk
    sweep = dict(name='s', method='grid', metric=dict(name=name), parameters=dict(hidden_layers={'value': [8]}, num_epochs={'value': 4}, learning_rate={'values': [.5, .05]}))
    result = run_sweep(sweep, digits, store=tmp_path/'s.db', progress=False)
    logits = result.best_model()(digits.part('valid').images).detach()
    y, p = digits.y_valid.numpy(), logits.double().softmax(1).numpy()
    labels, guess = np.arange(10), p.argmax(1)
    oracle = {'macro f1': lambda: sk.f1_score(y, guess, average='macro', labels=labels, zero_division=0), 'f1': lambda: sk.f1_score(y, guess, average='macro', labels=labels, zero_division=0),
              'balanced accuracy': lambda: sk.balanced_accuracy_score(y, guess), 'balanced_accuracy': lambda: sk.balanced_accuracy_score(y, guess),
              'log loss': lambda: sk.log_loss(y, p, labels=labels), 'neg_log_loss': lambda: -sk.log_loss(y, p, labels=labels), 'accuracy': lambda: sk.accuracy_score(y, guess),
              'matthews_corrcoef': lambda: sk.matthews_corrcoef(y, guess), 'f1_weighted': lambda: sk.f1_score(y, guess, average='weighted', labels=labels, zero_division=0),
              'recall_macro': lambda: sk.recall_score(y, guess, average='macro', labels=labels, zero_division=0)}[name]()
    best = result.best_table()
    assert best[name].iloc[0] == pytest.approx(oracle, abs=1e-6)
    assert best[name].iloc[0] == (best[name].min() if name == 'log loss' else best[name].max())
