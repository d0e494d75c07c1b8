"The CIFAR-10 study as a whole: its recorded runs are those its dicts ask for, and its pages show what the article showed"
import json, re
from pathlib import Path
import pytest
from deepsweep.analysis import best_table, join_tables
from deepsweep.runs import load_recorded
from deepsweep.studies import study
from deepsweep.sweep import sweep_runs

PAGES = Path(__file__).parents[1]/'nbs'/'studies'
TEN   = 'MLP_SGD CNN_SGD MLP_SGD_L2 CNN_SGD_L2 MLP_SGD_DP CNN_SGD_DP MLP_SGD_BN CNN_SGD_BN MLP_Adam CNN_Adam'.split()

# The article's three figures of the data: labels of the training files, labels of the part that chooses (two panels of one figure), a grid of images
DATA = {'10_look_at_images': ['fig-classes', 'fig-batch']}
# Its 23 figures of results, by the labels of those that answer their questions here: several of the article's may share one
FIGURES = {
    '21_rates_and_sizes': ['fig-mlp-sgd-training', 'fig-cnn-sgd-training', 'fig-rates', 'fig-mlp-sizes', 'fig-cnn-sizes'],
    '22_regularization': ['fig-l2-losses', 'fig-l2-scores', 'fig-dp-losses', 'fig-dp-scores'],
    '23_batchnorm_adam': ['fig-bn-losses', 'fig-bn-gain', 'fig-adam-losses', 'fig-adam-scores']}
TABLES = {
    '21_rates_and_sizes': ['best-mlp-sgd', 'best-cnn-sgd']}

# Configurations with a run at chance (best validation accuracy under .127), by variant: too large a decay or rate for the net, or too deep a plain one
AT_CHANCE = {      # (learning rate, weight decay, dropout)
    'MLP_SGD_L2': [(.05, .1, 0), (.05, .2, 0)],
    'CNN_SGD_L2': [(.1, .05, 0), (.1, .1, 0), (.1, .2, 0)],
    'MLP_Adam':   [(.05, 0, 0), (.1, 0, 0), (.2, 0, 0)],
    'CNN_Adam':   [(.02, 0, 0)]}

def cells(page): return json.loads((PAGES/f'{page}.ipynb').read_text())['cells']

def test_figures_are_there():
    for page, labels in [*DATA.items(), *FIGURES.items()]:
        drawn = {m[1] for c in cells(page) if (m := re.search(r'#\| label: (\S+)', ''.join(c['source'])))
                 and any({'image/png', 'image/jpeg'} & set(o.get('data', {})) for o in c.get('outputs', []))}
        assert not set(labels) - drawn, page

def test_tables_are_there():
    for page, ids in TABLES.items():
        shown = {c['id'] for c in cells(page) if c.get('outputs')}
        assert not set(ids) - shown, page

@pytest.fixture(scope='module')
def recorded(): return load_recorded('cifar10-laptop')

def test_recorded_runs_are_the_studys(recorded):
    config, history = recorded
    images = config.attrs['provenance'].split()[-1]
    assert len(images) == 64
    for name in TEN + ['CIFAR10_more', 'CIFAR10_long']:
        asked = {(r.id, r.labels['variant']) for r in sweep_runs(study(name), images)}
        assert asked == set(config.loc[config['study'] == name, ['run', 'variant']].itertuples(index=False, name=None)), name
    race, _ = load_recorded('cifar10-race')
    assert {r.id for r in sweep_runs(study('CIFAR10_race'), images)} == set(race['run'])
    long, _ = load_recorded('cifar10-race-long')
    few = re.search(r'[0-9a-f]{64}', long.attrs['provenance'])[0]
    assert {r.id for r in sweep_runs(study('CIFAR10_race_long'), few, seeds=3)} == set(long['run'])
    assert set(history['run']) == set(config['run'])
    done = config[config['state'] == 'finished']
    assert done['hold accuracy'].notna().all() and history['train loss (eval)'].notna().mean() > .99

def test_every_family_learns(recorded):
    df = join_tables(*recorded)
    for name in TEN: assert best_table(df[df['study'] == name])['valid accuracy'].max() >= .3, name      # chance is .1

def test_runs_at_chance_are_the_known_ones(recorded):
    config, history = recorded
    top = history.groupby('run')['valid accuracy'].max()
    low = config[config['run'].map(top) < .127]
    found = {v: sorted({(r.learning_rate, r.l2_weight_decay, r.drop_out) for r in rows.itertuples()}) for v, rows in low.groupby('variant')}
    assert found == AT_CHANCE
