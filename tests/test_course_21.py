"""The lesson on rates and sizes: its sentences are held against numbers that would make them false"""
import numpy as np
import pandas as pd
import pytest
from pages import load, run_page
from deepsweep.statistics import Difference

PAGE = 'studies/21_rates_and_sizes'
NOT_LIVE = ('recorded', 'explode', 'sizes-table', 'border', 'stop')


@pytest.fixture(scope='module')
def page():
    "The names of the cells on recorded runs, and of the sentences; nothing is trained"
    names = load(PAGE, 'imports', 'predict', 'article-sweep', 'recorded')
    names |= load_defs('live-curves', **names)
    names |= load_defs('live-read', **names)
    for cell in NOT_LIVE[1:]:
        names |= load(PAGE, cell, **names)
    for cell in ('curves-read', 'explode-read'):
        names |= load(PAGE, cell, **names)
    return names


def load_defs(cell_id, **names):
    "The functions of a cell, without what it does with them"
    import ast
    from pages import cell
    tree = ast.parse(cell(PAGE, cell_id))
    tree.body = [o for o in tree.body if isinstance(o, ast.FunctionDef)]
    exec(compile(tree, cell_id, 'exec'), names)
    return names


def d(low, high): return Difference((low + high)/2, low, high, 3)


def test_turn_words(page):
    say = page['turn_words']
    assert say(d(-.2, -.1), d(.1, .2), d(.2, .4)) == 'The order turns round.'
    assert 'gains; in the end the two cannot' in say(d(-.2, -.1), d(-.1, .1), d(.05, .2))
    assert 'it is still behind' in say(d(-.3, -.2), d(-.2, -.1), d(.05, .2))
    assert 'it is ahead' in say(d(-.1, .1), d(.1, .2), d(.05, .2))
    assert 'cannot be told' in say(d(-.2, -.1), d(-.1, .1), d(-.01, .2))
    assert 'further behind' in say(d(-.1, .1), d(-.3, -.2), d(-.3, -.1))


def curves(early, late):
    "Curves of two rates, .01 and .1: small minus large goes from `early` to `late` in 4 steps, three seeds"
    rows = []
    for step in range(4):
        for seed in range(3):
            gap = (early if step == 0 else late) + .001*(seed - 1)
            rows.append({'updates': 94*(step+1), 'seed': seed, .01: .5 + gap, .1: .5})
    return pd.DataFrame(rows).set_index(['updates', 'seed'])


def test_turn_sentence(page):
    say = page['turn_sentence']
    assert say(curves(-.1, .1)).endswith('The order turns round.') and 'after 94 updates -10.0 points' in say(curves(-.1, .1))
    assert say(curves(-.1, -.05)).endswith('it is still behind.')
    assert say(curves(.1, -.1)).endswith('further behind.')
    assert page['best_rates'](curves(-.1, .1)) == (.1, .01)


def test_turning_sentence(page):
    table = lambda *epochs: pd.DataFrame({'epoch': epochs, 'runs': 5., 'not yet': [2.]+[0.]*(len(epochs)-1)}, [.02, .1, .2][:len(epochs)])
    say = page['turning_sentence']
    assert 'A larger rate turns earlier' in say('MLP', table(12., 6., 3.)) and '0.02 at 12 (2 of 5 not yet)' in say('MLP', table(12., 6., 3.))
    assert 'A larger rate turns later' in say('MLP', table(3., 6., 12.))
    assert 'same epoch' in say('MLP', table(3., 6., 3.))


def edge(dead, ends, runs=5):
    return pd.DataFrame({'runs': runs, 'dead': dead, 'last epoch, mean': ends}, [.1, .2, .4, .8][:len(dead)])


def test_edge_sentence(page):
    say = page['edge_sentence']
    assert 'At none of these rates' in say(edge([0, 0, 0, 2], [.4, .4, .3, .2]), None)
    assert 'die is 0.8 (4 of 5)' in say(edge([0, 0, 0, 4], [.4, .4, .3, .1]), .8)
    assert 'die is 0.2 (3 of 5)' in say(edge([0, 3, 5, 5], [.4, .2, .1, .1]), None)
    assert 'can cripple: at 0.4' in say(edge([0, 0, 0, 4], [.4, .4, .3, .1]), None)
    assert 'cripple' not in say(edge([0, 0, 0, 4], [.4, .4, .4, .1]), None)
    assert 'you said 0.8' in say(edge([0, 0, 0, 4], [.4, .4, .3, .1]), .8)


def test_recorded_edge(page):
    "Four of five nets at .8 end at chance, though each of them was above it once"
    table = page['by_edge']
    assert table['dead'].to_dict() == {.02: 0, .05: 0, .1: 0, .2: 0, .4: 0, .8: 4}
    assert table.loc[.8, 'best epoch, mean'] > .15 and table.loc[.8, 'last epoch, mean'] < .13


def test_table_of_the_recording(page):
    "What the table beside the article says"
    config, history, runs = page['config'], page['history'], page['runs']
    mlp, cnn = (runs[runs['variant'] == o] for o in ('MLP_SGD', 'CNN_SGD'))
    assert history.loc[history['run'].isin(mlp['run']), 'updates'].max() == 2355 and 156_300 == 100*-(-50_000//32)
    assert set(mlp['hidden_layers'].map(len)) == {1, 2, 3, 5} and set(runs['learning_rate']) == {.2, .1, .05, .02}
    assert set(cnn['conv_layers'].map(tuple)) == {(8, 8), (16, 16), (32, 32), (8, 8, 8), (16, 16, 16)}
    assert set(runs['seed']) == {0, 1, 2} and len(mlp) == 192 and len(cnn) == 60      # 48 and 15 a rate, as captions say


def test_borders(page):
    at_border = page['at_border']
    assert at_border(page['article_tried'], page['article_took']) == ['width', 'filters', 'conv_layers']
    found = {}
    for variant in ('MLP_SGD', 'CNN_SGD'):
        tried, best = page['winner'](page['runs'], variant)
        found[variant] = best, at_border(tried, best)
    assert found['MLP_SGD'] == (dict(depth=1, width=256, learning_rate=.02), ['depth', 'width', 'learning_rate'])
    assert found['CNN_SGD'] == (dict(depth=2, width=32, learning_rate=.05), ['depth', 'width'])
    assert at_border({'a': [1, 2, 3]}, {'a': 2}) == []


@pytest.fixture(scope='module')
def words(page):
    return load_defs('border-read', **page)['border_words']


def seeds(**means):
    "Scores of three seeds by rate; seeds differ by a point, the same at every rate, and a little more"
    jitter = np.array([[-.01, 0, .01]]).T + np.random.default_rng(0).normal(0, .0005, (3, len(means)))
    return pd.DataFrame(jitter + np.array(list(means.values())), columns=[float(k[1:].replace('_', '.')) for k in means])


def test_border_words(words):
    assert 'Both ends are clearly behind' in words(seeds(r0_005=.3, r0_01=.4, r0_05=.3))
    assert '0.01 is clearly the best (n = 3' in words(seeds(r0_005=.3, r0_01=.4, r0_05=.3))
    assert 'An end of the range, 0.05, is among' in words(seeds(r0_005=.3, r0_01=.4, r0_05=.4))
    assert 'An end of the range, 0.005, is among' in words(seeds(r0_005=.5, r0_01=.4, r0_05=.3))
    assert '0.005 and 0.05' in words(seeds(r0_005=.4, r0_01=.4, r0_05=.4))


def test_verdicts(page):
    names = load(PAGE, 'verdicts', **page)
    verdicts, claims = names['verdicts'], names['claims']
    assert verdicts.index.is_unique and (verdicts['the article claims'] == claims.loc[verdicts.index, 'text']).all()
    assert (verdicts['verdict'] == claims.loc[verdicts.index, 'verdict']).all()
    row = dict(rule='EFF(1 pp) 99 %', effect=7.91, low=.5, high=15.3, n=3)
    assert names['measured'](row) == '+7.91 (0.50 to 15.30, 99 %) points'
    assert names['measured'](row | dict(rule='TREND(.1)')) == '+7.91 (0.50 to 15.30)'
    assert names['measured'](row | dict(rule='NULL(3 epochs)')) == '+7.91 (0.50 to 15.30) epochs'
    assert 'failed 0.25' in names['measured'](row | dict(rule='FAIL', effect=.25))
    assert names['measured'](row | dict(rule='RANGE', low=.02, high=.1)) == 'best rates 0.02 to 0.1'
    count = load_defs('verdict-read', **names)['count_sentence']
    assert '3 claims: 2 "holds", 1 "cannot be told"' in count(pd.DataFrame({'verdict': ['holds', 'cannot be told', 'holds']}), None)


def test_verdicts_stand_once():
    "No verdict is typed into the page's prose"
    from execnb.nbio import read_nb
    from pages import page_path
    for o in read_nb(page_path(PAGE)).cells:
        if o.cell_type == 'markdown' and o.id != 'verdict-h':
            assert '**Holds' not in o.source and '**Does not' not in o.source, o.id


def test_stop(page):
    assert {b: page['stops_at'](b) for b in (13, 1, 0)} == {13: 38, 1: 26, 0: 26} and page['stops_at'](80) == 100


def test_article_sweep(page):
    assert len(page['expand_grid'](page['article'])) == 16
    ours = page['study']('MLP_SGD', 'laptop')[0]
    assert ours['metric'] == dict(name='valid accuracy', goal='maximize')
    assert [len(page['expand_grid'](o)) for o in page['study']('MLP_SGD', 'full')] == [64] or sum(
        len(page['expand_grid'](o)) for o in page['study']('MLP_SGD', 'full')) == 64


def test_solved_page():
    "The solutions are right answers, and a changed rate breaks nothing"
    names = run_page(PAGE, solved=True, changed=(
        ('live-run', ('rates = [.2, .1, .05, .02, .01]', 'rates = [.3, .1, .01]')),
        ('predict', ('my_edge  = None', 'my_edge  = .4'))))
    store = names['live'].store
    assert names['check_rate'](names['pick_rate']).startswith('right: ')
    for study in ('edge', 'my_edge'):
        assert names['check_rate_edge'](study, store=store).startswith('right: '), study
    means = names['curves'].groupby('updates').mean()
    assert means[.1].iloc[0] > means[.01].iloc[0] + .1                       # far apart at first, as the caption says
    assert abs(means[.1].iloc[-3:].mean() - means[.01].iloc[-3:].mean()) < .06
