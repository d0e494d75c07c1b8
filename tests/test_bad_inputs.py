"""Wrong input, in one table: each row is the named error, says the offending value, and leaves nothing behind."""
import os, pickle
from pathlib import Path
import numpy as np, pytest, torch
from torch import nn
from deepsweep.cli import import_name
from deepsweep.core import DataError, DeepsweepError, GeometryError, SealError, StoreError, SweepError
from deepsweep.data import ImageData, TensorLoader, define_dataset, load_data
from deepsweep.models import ConvNet, make_model, register_model
from deepsweep.runs import RunStore, read_runs
from deepsweep.space import check_sweep, sample_runs
from deepsweep.studies import study
from deepsweep.sweep import open_test, run_sweep, stored_result
from deepsweep.trainer import ModelTrainer, load_model, make_trainer, predict, save_model

DIGITS = load_data('digits', n_train=100, n_valid=50)
GRID = dict(method='grid', name='bad', parameters={'learning_rate': {'values': [.1]}, 'num_epochs': {'value': 1}})
PIXELS = np.zeros((6, 8, 8), np.uint8)

def sweep(**changes):
    "Run the small grid with some keys of the dict or arguments changed"
    keys = {k: v for k, v in changes.items() if k in ('method', 'parameters', 'metric', 'name', 'early_terminate', 'run_cap', 'metod')}
    return run_sweep({**GRID, **keys}, DIGITS, **{'store': 'bad.db', **{k: v for k, v in changes.items() if k not in keys}})

def config(**keys): return run_sweep([keys], DIGITS, store='bad.db')

def damaged(kind):
    "A store that cannot be used: truncated, or read-only"
    store = RunStore('damaged.db'); store.add_labels('x', [('r', {})]); store.close()
    if kind == 'truncated': data = open('damaged.db', 'rb').read(); open('damaged.db', 'wb').write(data[:len(data)//2])
    else: os.chmod('damaged.db', 0o444)
    before = open('damaged.db', 'rb').read()
    try: sweep(store='damaged.db')
    finally:
        assert open('damaged.db', 'rb').read() == before                 # left as it was
        os.chmod('damaged.db', 0o644); os.remove('damaged.db')

def foreign():
    open('notes.txt', 'w').write('shopping list')
    try: sweep(store='notes.txt')
    finally: assert open('notes.txt').read() == 'shopping list'; os.remove('notes.txt')

def cleaned(*files):
    "Remove what a case made for itself"
    for o in files: Path(o).unlink(missing_ok=True)

def checkpoint(damage):
    "A checkpoint that was changed, or is none"
    config = {'hidden_layers': [4]}
    save_model('.', make_model(config, DIGITS), 'net', config=config, data=DIGITS)
    try:
        damage(); load_model('net.safetensors')
    finally: cleaned('net.safetensors', 'net.json')

def tamper():
    data = bytearray(Path('net.safetensors').read_bytes()); data[-3] ^= 1; Path('net.safetensors').write_bytes(data)

def pickled():
    try: Path('model.pt').write_bytes(pickle.dumps(print)); load_model('model.pt')
    finally: cleaned('model.pt')

def finished():
    "A small sweep that is done"
    return run_sweep([{'hidden_layers': [4], 'num_epochs': 1}, {'hidden_layers': [8], 'num_epochs': 1}], DIGITS, store='done.db')

def opening(call):
    "Something wrong with the seal of a finished sweep"
    result = finished()
    try: call(result)
    finally: result.store.close(); cleaned('done.db', 'done.db-wal', 'done.db-shm')

def opened_twice(result):
    open_test(result, 'The study is done.')
    other = next(r.id for r in result.runs if r.id != result.best_table()['run'].iloc[0])
    open_test(result, 'Perhaps this one.', run=other)

def draws(**parameter): return sample_runs(dict(method='random', parameters={'x': parameter}), 3, 0)

CASES = {
    # names
    'data set':            (lambda: load_data('cifar'), DataError, "'cifar'"),
    'study':               (lambda: study('MLP_SDG'), SweepError, "'MLP_SDG'"),
    'scale':               (lambda: study('quick', 'tiny'), SweepError, "'tiny'"),
    'model':               (lambda: config(model='resnet'), SweepError, "'resnet'"),
    'key':                 (lambda: config(learning_rte=.1), SweepError, "did you mean 'learning_rate'"),
    'optimizer':           (lambda: config(optimizer='sdg'), SweepError, "'sdg'"),
    'device':              (lambda: sweep(device='tpu9'), DeepsweepError, "'tpu9'"),
    'built-in model':      (lambda: register_model('mlp', lambda c, d: None, defaults={}), SweepError, "'mlp'"),
    # sizes
    'too many images':     (lambda: load_data('digits', n_train=5000), DataError, '5,000'),
    'negative size':       (lambda: load_data('digits', n_valid=-1), DataError, '-1'),
    'batch of none':       (lambda: TensorLoader(DIGITS.part('train'), 0), DataError, '0'),
    'labels out of range': (lambda: ImageData.from_arrays(PIXELS, [0, 1, 2, 0, 1, 7], ['a', 'b', 'c']), DataError, '7'),
    'mixed sizes':         (lambda: ImageData.from_arrays([PIXELS[0], PIXELS[0, :4]], [0, 1]), DataError, '4'),
    'float images':        (lambda: ImageData.from_arrays(PIXELS/255., [0]*6), DataError, 'float64'),
    'no pixel left':       (lambda: ConvNet((1, 8, 8), [4, 4, 4, 4, 4], [8], 10, padding=0), GeometryError, 'conv 2'),
    # configs
    'negative rate':       (lambda: config(learning_rate=-.1), SweepError, '-0.1'),
    'rate as text':        (lambda: config(learning_rate='fast'), SweepError, "'fast'"),
    'NaN':                 (lambda: config(l2_weight_decay=float('nan')), SweepError, 'nan'),
    'width zero':          (lambda: config(hidden_layers=[32, 0]), SweepError, '[32, 0]'),
    'certain dropout':     (lambda: config(drop_out=1), SweepError, 'got 1'),
    'wrong count':         (lambda: config(hidden_layers=[8], num_hidden=2), SweepError, 'got 2'),
    'schedule':            (lambda: make_trainer({'schedule': 'linear'}, DIGITS), SweepError, "'linear'"),
    # sweeps
    'method':              (lambda: sweep(method='gird'), SweepError, "'gird'"),
    'top-level key':       (lambda: sweep(metod='grid'), SweepError, 'metod'),
    'no values':           (lambda: sweep(parameters={'learning_rate': {'values': []}}), SweepError, 'learning_rate'),
    'a range in a grid':   (lambda: sweep(parameters={'learning_rate': {'min': .1, 'max': .2}}), SweepError, 'learning_rate'),
    'no end':              (lambda: sweep(method='bayes', metric={'name': 'valid accuracy'}), SweepError, 'bayes draws for ever'),
    'own controller':      (lambda: sweep(method='custom', run_cap=3), SweepError, 'controller of your own'),
    'seed twice':          (lambda: run_sweep([{'seed': 1}], DIGITS, store='bad.db', seeds=2), SweepError, 'seed'),
    'nothing':             (lambda: run_sweep([], DIGITS, store='bad.db'), SweepError, '[]'),
    # arguments
    'minutes':             (lambda: sweep(max_minutes=-1), SweepError, '-1'),
    'workers':             (lambda: sweep(workers=0), SweepError, '0'),
    'seeds':               (lambda: sweep(seeds=[.5]), SweepError, '0.5'),
    'patience':            (lambda: ModelTrainer(nn.Linear(1, 1), [], None, 1, None, None, patience=0), DeepsweepError, '0'),
    'data':                (lambda: run_sweep(GRID, data=42, store='bad.db'), DataError, 'int'),
    # code of one's own
    'metric':              (lambda: sweep(metrics={'valid loss': len}), SweepError, "'valid loss'"),
    'metrics as a list':   (lambda: sweep(metrics=[len]), SweepError, 'name -> function'),
    'function and model':  (lambda: sweep(function=print, model='cnn'), SweepError, 'must be None'),
    'function':            (lambda: sweep(function='train.py'), SweepError, 'got str'),
    'criterion':           (lambda: sweep(criterion=3), SweepError, 'got int'),
    'no such module':      (lambda: import_name('nowhere:net'), SweepError, "'nowhere'"),
    # distributions
    'range upside down':   (lambda: draws(min=3., max=1.), SweepError, 'parameters.x'),
    'mixed range':         (lambda: draws(min=1, max=2.5), SweepError, 'parameters.x'),
    'no such distribution':(lambda: draws(distribution='log_normale', mu=0, sigma=1), SweepError, 'log_normale'),
    'log of zero':         (lambda: draws(distribution='log_uniform_values', min=0., max=1.), SweepError, '0'),
    'probabilities':       (lambda: draws(values=[1, 2], probabilities=[.5, .6]), SweepError, '0.6'),
    'draws':               (lambda: sample_runs(dict(method='random', parameters={'x': {'value': 1}}), -1, 0), SweepError, '-1'),
    'random without end':  (lambda: sweep(method='random'), SweepError, 'how many'),
    # checkpoints and the seal
    'tampered weights':    (lambda: checkpoint(tamper), DeepsweepError, 'net.safetensors'),
    'truncated weights':   (lambda: checkpoint(lambda: Path('net.safetensors').write_bytes(b'abc')), DeepsweepError, 'net.safetensors'),
    'no facts':            (lambda: checkpoint(lambda: Path('net.json').unlink()), DeepsweepError, 'model='),
    'a pickle':            (pickled, DeepsweepError, 'model.pt'),
    'no checkpoint':       (lambda: load_model('none.safetensors'), DeepsweepError, 'none'),
    'pictures':            (lambda: predict(make_trainer({'hidden_layers': [4]}, DIGITS).model, np.zeros((2, 1, 9, 9), np.uint8)), DataError, '9'),
    'no reason':           (lambda: opening(lambda r: open_test(r, '  ')), SealError, "'  '"),
    'opened twice':        (lambda: opening(opened_twice), SealError, 'The study is done.'),
    'no such run':         (lambda: opening(lambda r: open_test(r, 'x', run='abc')), DeepsweepError, 'abc'),
    'rank':                (lambda: opening(lambda r: r.best_model(3)), DeepsweepError, '3'),
    'no such study':       (lambda: opening(lambda r: stored_result('done.db', 'nostudy', DIGITS)), StoreError, 'nostudy'),
    # stores
    'truncated store':     (lambda: damaged('truncated'), StoreError, 'truncated'),
    'read-only store':     (lambda: damaged('read-only'), StoreError, 'read-only'),
    'no store':            (lambda: read_runs('none.db'), StoreError, "'none.db'"),
    'foreign file':        (foreign, StoreError, "'notes.txt'"),
    'no folder':           (lambda: sweep(store='no/where/x.db'), StoreError, 'does not exist'),
}

def test_enough(): assert len(CASES) >= 40

@pytest.mark.parametrize('name', CASES)
def test_bad_input(name, tmp_path, monkeypatch):
    call, error, text = CASES[name]
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error) as caught: call()
    assert text in str(caught.value), str(caught.value)
    assert list(tmp_path.iterdir()) == []                                  # nothing written
