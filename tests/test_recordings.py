"The recordings: every run of a built-in net has the id that its config gives today, and their tables are what they were"
import hashlib, io, re
import numpy as np, pandas as pd, pytest
from deepsweep.config import run_id
from deepsweep.keys import CONFIG_KEYS
from deepsweep.models import model_entry
from deepsweep.runs import load_recorded, recorded_names

BUILT_IN = ['cifar10-fullscale', 'cifar10-laptop', 'cifar10-race', 'fashion-final', 'fashion-seeds', 'mnist-capacity']

def config_of(row):
    "A recorded row as the config that it came from; a table has defaults filled in and gaps where a net has no such key"
    def is_there(v): return not (v is None or isinstance(v, float) and np.isnan(v) or v is pd.NA)
    own = model_entry(row['model']).defaults if row.get('model') else ()
    return {k: v for k in ('model', *CONFIG_KEYS, *own) if k in row and is_there(v := row[k])}

@pytest.mark.parametrize('name', BUILT_IN)
def test_ids(name):
    config, _ = load_recorded(name)
    prints = re.findall(r'[0-9a-f]{64}', config.attrs['provenance'])
    assert prints
    for row in config.to_dict('records'):
        ids = {run_id(config_of(row), p, int(row['seed'])) for p in prints}
        assert row['run'] in ids, row

def test_names(): assert set(recorded_names()) == {*BUILT_IN, 'cifar10-diagnostics', 'cifar10-loader', 'mnist-seconds', 'fashion-search', 'fashion-strix',
                                                            'cifar10-race-long'}      # drawn at random: a table holds six digits of a rate

# Of both tables as they were read by the version before this one: rows, columns, SHA-256 of their CSV text with sorted columns
BEFORE = {
    'cifar10-diagnostics': ((71, 27, '06cd3d7c5d79b6b0'), (1429, 19, 'ebe735f7636dc188')),
    'cifar10-fullscale': ((4, 39, '1b1ac9ff1f934045'), (56, 10, '93ede59875af378d')),
    'cifar10-laptop': ((586, 43, '17a9098b3b54fb33'), (12891, 12, 'b168ec4951158628')),
    'cifar10-loader': ((12, 20, '6faa201f332f238e'), (12, 11, 'ae1a35921cfb08e8')),
    'cifar10-race': ((117, 37, '1d5d252fb62648c8'), (1829, 12, '5af80cf2516edde2')),
    'cifar10-race-long': ((603, 45, 'f665250b853d8c36'), (29055, 10, '0d922400fc4860f3')),
    'fashion-final': ((2, 43, '02466b50e45da8c0'), (37, 10, '9556f8b2334ce173')),
    'fashion-search': ((36, 46, 'd1942683c1d13ad4'), (204, 12, 'dda87e4fb9495338')),
    'fashion-strix': ((74, 53, 'a7c578db52b5d5da'), (765, 14, '2a87e39adfad425a')),
    'fashion-seeds': ((96, 38, 'a64bc3fea587f4d4'), (864, 10, '4ef082e3225f6fc5')),
    'mnist-capacity': ((241, 39, '1e38fe8de01c42c8'), (6953, 10, 'fc56624533e2a7d7')),
    'mnist-seconds': ((15, 19, 'f2e95383b272a62b'), (15, 4, '81e9114242422960')),
}

def digest(table):
    text = table[sorted(table.columns)].to_csv(index=False, float_format='%.9g', lineterminator='\n')
    return len(table), len(table.columns), hashlib.sha256(text.encode()).hexdigest()[:16]

@pytest.mark.parametrize('name', list(BEFORE))
def test_tables(name): assert tuple(map(digest, load_recorded(name))) == BEFORE[name]
