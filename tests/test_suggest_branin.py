"Branin's function within forty evaluations, asked one at a time and in batches"
import math
import statistics
import subprocess
import sys
import pandas as pd
import pytest
from deepsweep.suggestions import suggest

SPACE = dict(x=dict(min=-5., max=10.), y=dict(min=0., max=15.))
LEAST = 5/(4*math.pi)                # of the function, at three places


def branin(x, y):
    "Branin (1972) as Dixon and Szego (1978) have it"
    curve = y - 5.1/(4*math.pi**2)*x**2 + 5/math.pi*x - 6
    return curve**2 + 10*(1 - 1/(8*math.pi))*math.cos(x) + 10


def sweep(**more): return dict(method='bayes', metric=dict(name='loss', goal='minimize'), parameters=SPACE | more)


def regret(seed, portion, **more):
    "How far the best of forty evaluations lies above the least value"
    table = pd.DataFrame()
    while len(table) < 40:
        asked = pd.DataFrame(suggest(sweep(**more), table, portion, seed))
        asked['loss'] = [branin(o.x, o.y) for o in asked.itertuples()]
        table = pd.concat([table, asked], ignore_index=True)
    return table['loss'].min() - LEAST


def test_branin_itself():
    for x, y in ((-math.pi, 12.275), (math.pi, 2.275), (9.42478, 2.475)): assert branin(x, y) == pytest.approx(LEAST, abs=1e-5)


@pytest.mark.parametrize('portion, seeds, most', [(1, 10, .05), (5, 4, .25)])
def test_gaussian_process(portion, seeds, most): assert statistics.median(regret(s, portion) for s in range(seeds)) <= most


def test_tpe():
    "A parameter that is no number leaves the search to TPE"
    model = dict(net=dict(values=['a', 'b']))
    assert statistics.median(regret(s, 1, **model) for s in range(10)) <= .7


def test_optuna_is_loaded_when_it_is_asked():
    "It takes longer to load than all the rest"
    code = "import sys, deepsweep, deepsweep.search; print([o for o in sys.modules if o.split('.')[0] == 'optuna'])"
    assert subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True).stdout.strip() == '[]'
