"""Training of the user's own, killed with `kill -9` in the middle and resumed: the table of a sweep that nobody disturbed."""
import os, signal, sqlite3, subprocess, sys, time
import pytest

HEAD = '''
import sys, time, torch
from torch import nn
import deepsweep
from deepsweep.data import define_dataloader, define_dataset, load_data
from deepsweep.models import MLPNet_2_layer
from deepsweep.sweep import run_sweep
from deepsweep.trainer import ModelTrainer, make_trainer
digits = load_data('digits', n_train=400, n_valid=200)
values = lambda **kw: {k: {'values' if isinstance(v, list) else 'value': v} for k, v in kw.items()}
def show(result):
    columns = [c for c in result.history_table() if c != 'seconds']
    print(result.history_table()[columns].to_csv(), result.best_table().to_csv())
'''
CASES = dict(
    residual='''
class Residual(nn.Module):
    def __init__(self, n): super().__init__(); self.a = nn.Linear(n, n)
    def forward(self, x): return x + self.a(x).relu()
def resnet(config, data, width_factor=1):
    n = 16*width_factor
    return nn.Sequential(nn.Flatten(), nn.Linear(64, n), Residual(n), nn.Dropout(.1), nn.Linear(n, 10))
sweep = dict(method='grid', name='own', parameters=values(width_factor=[1, 2, 3], learning_rate=.1, num_epochs=12))
show(run_sweep(sweep, digits, model=resnet, store=sys.argv[1], progress=False))
''', fastai='''
from fastai.callback.core import Callback
from fastai.metrics import accuracy
def train(config):
    trainer = make_trainer(dict(hidden_layers=[config['width']]), digits, device='cpu')
    class Report(Callback):
        order = 60
        def after_epoch(self): deepsweep.log({'valid accuracy': float(self.recorder.values[-1][-1])}, step=self.epoch+1)
    learn = trainer.learner(cbs=Report(), metrics=accuracy)
    with learn.no_bar(), learn.no_logging(): learn.fit_one_cycle(6, .1)
show(run_sweep(dict(method='grid', name='own', parameters=values(width=[8, 16, 32])), function=train, store=sys.argv[1], progress=False))
''', sklearn='''
from sklearn.ensemble import RandomForestClassifier
def train(config):
    model = RandomForestClassifier(config['trees'], random_state=config['seed'])
    model.fit(digits.x_train.flatten(1), digits.y_train)
    deepsweep.log({'valid accuracy': model.score(digits.x_valid.flatten(1), digits.y_valid)}, step=1); time.sleep(.3)
show(run_sweep(dict(method='grid', name='own', parameters=values(trees=[5, 20, 40])), function=train, seeds=2, store=sys.argv[1], progress=False))
''', article='''
def train_mlp_2(config=None):
    train_loader, valid_loader = define_dataloader(*define_dataset(normalize=True, name='digits'), batch_size=32)
    model = MLPNet_2_layer(fc_hidden_1=config['hidden_layers'][0], drop_out=config['drop_out'], shape=(1, 8, 8))
    optimizer = torch.optim.SGD(model.parameters(), lr=config['learning_rate'], weight_decay=config['l2_weight_decay'])
    trainer = ModelTrainer(model, train_loader, valid_loader, config['num_epochs'], nn.CrossEntropyLoss(), optimizer, test_label='valid',
                           on_epoch=[lambda t, row: deepsweep.log({k: v for k, v in row.items() if k != 'epoch'}, step=row['epoch'])])
    trainer.train(include_test_scores=True, early_stopping=True)
sweep = dict(method='grid', name='MLP_sweep', parameters=values(variant='MLP_SGD', hidden_layers=[(16,), (32,)], num_epochs=8, learning_rate=[.1, .05], l2_weight_decay=0, drop_out=.1))
show(run_sweep(sweep, function=train_mlp_2, store=sys.argv[1], progress=False))
''')

def start(folder, case, store):
    (folder/'own.py').write_text(HEAD + CASES[case])
    return subprocess.Popen([sys.executable, 'own.py', store], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=dict(os.environ, OMP_NUM_THREADS='1'))

def rows(path):
    try: return sqlite3.connect(f'file:{path}?mode=ro', uri=True).execute('SELECT count(*) FROM history').fetchone()[0]
    except sqlite3.Error: return 0

@pytest.mark.parametrize('case', CASES)
def test_killed_and_resumed(case, tmp_path):
    whole = start(tmp_path, case, 'whole.db').communicate()[0]
    p = start(tmp_path, case, 'killed.db')
    while rows(tmp_path/'killed.db') < 3 and p.poll() is None: time.sleep(.01)
    p.send_signal(signal.SIGKILL); p.wait()
    states = dict(sqlite3.connect(tmp_path/'killed.db').execute('SELECT run, state FROM runs').fetchall())
    assert 'running' in states.values(), 'the child was too quick to be killed'
    assert start(tmp_path, case, 'killed.db').communicate()[0] == whole and whole.count('\n') > 6
