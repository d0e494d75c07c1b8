"""Edited code trains anew; old rows stay readable. Here the model comes through standard input or from a file of the user's."""
import subprocess, sys
import pandas as pd
from deepsweep.runs import RunStore

BLOCKS = '''
from torch import nn
class Block(nn.Module):
    def __init__(self, n): super().__init__(); self.fc = nn.Linear(n, n)
    def forward(self, x): return x + self.fc(x).relu()
'''
SCRIPT = '''
from deepsweep.models import register_model
from deepsweep.data import load_data
from deepsweep.sweep import run_sweep
def net(config, data): return nn.Sequential(nn.Flatten(), Block(64), nn.Linear(64, 10))
register_model('mine', net, defaults={})
sweep = dict(method='grid', name='own', parameters=dict(model={'value': 'mine'}, learning_rate={'values': [.1, .2]}, num_epochs={'value': 2}))
result = run_sweep(sweep, load_data('digits', n_train=200, n_valid=100), store='own.db', progress=False)
print(' '.join(result.config_table()['run']))
'''

def train(folder, text):
    p = subprocess.run([sys.executable], input=text, cwd=folder, capture_output=True, text=True)
    assert p.returncode == 0, p.stderr[-2000:]
    return p.stdout.split()

def check(folder, first, again, changed):
    assert first == again and not set(first) & set(changed)
    table = RunStore(folder/'own.db').config_table()
    assert set(table['attempt']) == {1} and len(table) == 4                # two old, two new, none trained twice
    assert len(RunStore(folder/'own.db').history_table()) == 4*3

def test_model_on_standard_input(tmp_path):
    edited = (BLOCKS + SCRIPT).replace('.relu()', '.tanh()')
    check(tmp_path, train(tmp_path, BLOCKS + SCRIPT), train(tmp_path, BLOCKS + SCRIPT), train(tmp_path, edited))

def test_class_in_a_file(tmp_path):
    (tmp_path/'blocks.py').write_text(BLOCKS)
    script = 'import sys; sys.path.insert(0, "."); from torch import nn; from blocks import Block' + SCRIPT
    first, again = train(tmp_path, script), train(tmp_path, script)
    (tmp_path/'blocks.py').write_text(BLOCKS.replace('.relu()', '.tanh()'))
    check(tmp_path, first, again, train(tmp_path, script))
