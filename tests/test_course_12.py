"The page on search: what its cells compute, and what its sentences say of other numbers"
import math
import numpy as np
import pandas as pd
import pytest
from pages import cell, load, run_page, solutions

PAGE = 'studies/12_search'


@pytest.fixture(scope='module')
def page():
    return run_page(PAGE)


@pytest.fixture(scope='module')
def solved():
    guesses = (('predict', ('my_better = None', "my_better = 'random'")),
               ('predict', ('my_trials = None', 'my_trials = 100')))
    return run_page(PAGE, solved=True, changed=guesses)


# ---- the project ---------------------------------------------------------------------------------------------------
def check(names, run, score, study='my_search'):
    return names['check_search'](run, score, study, names['coarse'].store)


def test_project_is_open(page):
    assert not page['is_complete'](page['my_search']) and page['my_run'] is page['my_score'] is None
    assert check(page, None, None) == 'not attempted'


def test_solution_is_right(solved):
    assert set(solutions(PAGE)) == {'project-search', 'project'}
    assert check(solved, solved['my_run'], solved['my_score']).startswith('right: learning_rate ')
    assert 'the search is sound' in check(solved, None, None)


def test_wrong_answers_have_their_messages(solved):
    mine, run, score = solved['mine'], solved['my_run'], solved['my_score']
    valid = mine['valid accuracy'].max()
    worst = mine.loc[mine['valid accuracy'].idxmin(), 'run']
    assert 'the validation score by which' in check(solved, run, valid) or math.isclose(valid, score)
    assert 'is not the best; another setting has' in check(solved, worst, score)
    assert 'is no run of this search' in check(solved, 'abc', score)
    assert 'no share' in check(solved, run, 100*score)
    assert 'is not the score of your setting' in check(solved, run, .2)


def test_the_meshes_of_the_page_are_no_project(page):
    "Lists of configs are studies of their own, of too few runs"
    said = check(page, None, None, page['coarse'].study)
    assert said.startswith('not yet: 12 runs of 24'), said


# ---- random search -------------------------------------------------------------------------------------------------
def test_random_search_on_one_screen():
    body = cell(PAGE, 'by-hand').strip().splitlines()[2:]          # without name and docstring
    assert len(body) <= 8


def test_random_search_keeps_what_was_best(page):
    seen = []
    def train(config):
        seen.append(config)
        return -abs(math.log10(config['learning_rate']))
    table = page['random_search'](page['space'], train, 30, seed=3)
    assert len(seen) == len(table) == 30 and table['valid accuracy'].is_monotonic_decreasing
    assert table.iloc[0]['learning_rate'] == min((o['learning_rate'] for o in seen), key=lambda o: abs(math.log10(o)))
    again = page['random_search'](page['space'], train, 30, seed=3)
    assert table.equals(again) and not table.equals(page['random_search'](page['space'], train, 30, seed=4))
    assert table['learning_rate'].between(1e-3, 10).all() and table['l2_weight_decay'].between(1e-6, 1e-2).all()


def test_scales(page):
    value, exponent = page['shares'].values()
    assert value[-1] > .85 and value[:2].sum() < .02 and abs(exponent - .25).max() < .03


def test_lint_sees_both_slips(page):
    lint = page['lint_of']
    assert lint('log-scale key sampled linearly', min=.001, max=10.).startswith('warning: 0.001 to 10 in even steps')
    assert lint('optimum likely on the edge', distribution='log_uniform_values', min=1e-4, max=1e-2).startswith('warning: ')
    good = dict(distribution='log_uniform_values', min=1e-3, max=1.)
    assert lint('log-scale key sampled linearly', **good) == lint('optimum likely on the edge', **good) == ''


def test_the_plane_is_what_its_caption_says(page):
    grid, random = page['on_grid'], page['by_hand']
    assert (len(grid), len(random)) == (9, 9)
    assert grid['learning_rate'].round(9).nunique() == 3 and random['learning_rate'].nunique() == 9
    assert 'decided by the rate' in page['columns_say'](grid)


def test_columns_sentence(page):
    table = pd.DataFrame(dict(learning_rate=[.1, .1, 1., 1.]))
    flat  = page['columns_say'](table.assign(**{'valid accuracy': [.2, .21, .8, .8]}))
    assert 'up to 1.0 points' in flat and '59.5' in flat and 'decided by the rate.' in flat
    steep = page['columns_say'](table.assign(**{'valid accuracy': [.2, .8, .3, .7]}))
    assert 'not by the rate alone' in steep
    assert 'up to 80.0 points' in page['columns_say'](table.assign(**{'valid accuracy': [.8, np.nan, .8, .8]}))


# ---- which settings matter -----------------------------------------------------------------------------------------
def test_rank_correlations(page):
    from scipy.stats import spearmanr
    rng  = np.random.default_rng(0)
    a, b = rng.random(20), rng.random(20)
    config = pd.DataFrame({'variant': 'net', 'a': a, 'b': b, 'hold accuracy': a + .1*b})
    table = page['rank_correlations'](config, ['a', 'b']).set_index('key')
    assert table['n'].tolist() == [20, 20] and table.loc['b', 'r'] == pytest.approx(spearmanr(b, a + .1*b)[0])
    r, half = table.loc['b', 'r'], 1.96/math.sqrt(17)
    assert table.loc['b', 'low'] == pytest.approx(math.tanh(math.atanh(r) - half))
    real = page['matter'].set_index(['net', 'key'])
    own  = page['config'][page['config']['variant'] == 'dense']
    assert real.loc[('dense', 'learning_rate'), 'r'] == pytest.approx(spearmanr(own['learning_rate'], own['hold accuracy'])[0])


def test_keys_sentence(page):
    def table(*rows): return pd.DataFrame(rows, columns=['net', 'key', 'r', 'low', 'high', 'n'])
    says = page['keys_say']
    one = says(table(('a', 'x', -.8, -.9, -.6, 18), ('a', 'y', .1, -.3, .5, 18), ('b', 'x', .7, .4, .9, 18)))
    assert one.count('no other can be told from 0') == 2 and one.endswith('In both nets it is `x`.')
    two = says(table(('a', 'x', .8, .6, .9, 18), ('a', 'y', .5, .1, .8, 18), ('b', 'y', .7, .4, .9, 18)))
    assert 'told from 0 as well: y' in two and two.endswith('do not agree on the first.')
    assert '`learning_rate`' in says(page['matter']).split('. ')[-1]


# ---- the hill ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize('both', [False, True])
@pytest.mark.parametrize('w', [.1, .25, .5])
def test_chance_to_miss_is_what_dice_say(page, both, w):
    rng, k, n = np.random.default_rng(1), 3, 20_000
    start = rng.random((n, 2, 1))/k
    axes  = (np.arange(k)/k + start)                                # (n, 2, k): laid down anywhere
    hits  = (axes < w).any(2)                                       # by symmetry the hill begins at 0
    grid  = hits.all(1) if both else hits[:, 0]
    spots = rng.random((n, k*k, 2)) < w
    random = (spots.all(2) if both else spots[..., 0]).any(1)
    expected = page['chance_to_miss'](w, k, both)
    assert abs(1 - grid.mean() - expected[0]) < .012 and abs(1 - random.mean() - expected[1]) < .012


def test_miss_sentence_and_caption(page):
    miss, w = page['chance_to_miss'], np.linspace(.01, .6, 60)
    one, two = miss(w, 3, False), miss(w, 3, True)
    assert (one[1][w < .31] < one[0][w < .31]).all() and (one[0][w > 1/3] == 0).all() and one[1][w > 1/3].min() > 0
    assert (two[0] < two[1]).all() and (two[1] - two[0])[w < .1].max() < .01
    told = page['miss_says'](3)
    assert 'at every width' in told and '0.33' in told and f"{page['turn_of'](3, False):.2f}" in told
    assert page['turn_of'](3, False) < 1/3 and page['turn_of'](10, False) > .099


# ---- replays -------------------------------------------------------------------------------------------------------
def test_layouts(page):
    rng = np.random.default_rng(0)
    for _ in range(50):
        grid = page['lay_grid']((13, 3), (3, 3), rng)
        rows, columns = np.unravel_index(grid, (13, 3))
        assert len(set(grid)) == 9 and set(columns) == {0, 1, 2}
        assert len(steps := set(np.diff(sorted(set(rows))))) == 1 and steps == {4}
        random = page['lay_random']((13, 3), (3, 3), rng)
        assert len(set(random)) == 9 and random.max() < 39
        moved = page['lay_shifted']((13, 3), (3, 3), rng)
        assert 7 <= len(moved) <= 9 and moved.max() < 39
    starts = {page['lay_grid']((13, 3), (1, 3), np.random.default_rng(s))[0]//3 for s in range(300)}
    assert starts == set(range(13))                                 # anywhere
    rates = [len(set(page['lay_shifted']((13, 3), (3, 3), np.random.default_rng(s))//3)) for s in range(50)]
    assert np.mean(rates) > 4                                       # more rates at the same cost


def test_a_replay_chooses_by_validation(page):
    valid = np.array([[.5], [.9], [.7]])
    true  = np.array([.9, .1, .5])
    every = lambda shape, counts, rng: np.arange(3)
    assert page['replay']((valid, true, [3]), every, (3,), 0) == .1


def test_the_plane_holds_every_training(page):
    valid, true, shape = page['race']
    assert (valid.shape, true.shape, shape) == ((39, 3), (39,), [13, 3]) and not np.isnan(valid).any()
    from deepsweep.runs import load_recorded
    config, history = load_recorded('cifar10-race')
    rate, decay = sorted(set(config['learning_rate']))[6], sorted(set(config['l2_weight_decay']))[1]
    own = config[config['learning_rate'].eq(rate) & config['l2_weight_decay'].eq(decay)]
    assert true[6*3 + 1] == pytest.approx(own['hold accuracy'].mean())
    tops = history[history['epoch'] > 0].groupby('run')['valid accuracy'].max()
    assert sorted(valid[6*3 + 1]) == pytest.approx(sorted(own['run'].map(tops)))


def test_compare_finds_a_planted_difference(page):
    true = np.zeros((12, 3))
    true[4] = 1.                                                    # one good rate of twelve
    plane = (np.repeat(true.reshape(-1, 1), 2, axis=1), true.ravel(), [12, 3])
    o = page['compare'](plane, (3, 3), n=400)
    assert o['grid'] == pytest.approx(1/4, abs=.06) and o['n'] == 400
    assert o['random'] == pytest.approx(1 - math.comb(33, 9)/math.comb(36, 9), abs=.06) and o['low'] > .1
    wide = np.zeros((12, 3))
    wide[4:8] = 1.                                                  # as wide as the step
    o = page['compare']((np.repeat(wide.reshape(-1, 1), 2, axis=1), wide.ravel(), [12, 3]), (3, 3), n=400)
    assert o['grid'] == 1 and o['high'] < 0


def laid(*rows): return pd.DataFrame(rows, columns=['values', 'runs', 'minus', 'low', 'high', 'n'])


def test_verdict(page):
    says = page['verdict_says']
    told = says(laid(('1 × 3', 3, .06, .05, .07, 1000), ('3 × 3', 9, -.003, -.004, -.002, 1000)), 'random')
    assert '3 runs, 1 × 3: **random**, +6.00 points (5.00 to 7.00, n = 1000 replays)' in told
    assert 'With nine runs: grid (you said random)' in told and '**depends on the budget**' in told
    assert told.endswith('more than half a point with 3 runs.')
    same = says(laid(('1 × 3', 3, .003, .001, .004, 9), ('3 × 3', 9, .003, .002, .004, 9)), None)
    assert 'is **random** at every budget' in same and same.endswith('at no budget.') and 'no guess' in same
    open_ = says(laid(('3 × 3', 9, .0, -.01, .01, 9)), None)
    assert 'With nine runs: cannot be told' in open_
    assert page['is_large'](next(laid(('', 1, -.02, -.03, -.006, 9)).itertuples()))


def test_what_the_page_says_of_the_race(page):
    by = {o.runs: page['winner'](o) for o in page['laid'].itertuples()}
    assert by[3] == 'random' and by[9] == 'grid'
    large = {o.runs: page['is_large'](o) for o in page['laid'].itertuples()}
    assert large == {3: True, 6: False, 9: False, 12: False}        # alt text of the figure


def test_why(page):
    true = np.zeros((12, 3))
    true[4:7] = 1.
    table = page['hill_table']((None, true.ravel(), [12, 3]))
    assert table['width of the hill'].eq(3).all() and table['step'].tolist() == [12, 6, 4, 3]
    assert table['grid misses'].tolist() == pytest.approx([.75, .5, .25, 0])
    assert table['random misses'][1] == pytest.approx(math.comb(27, 3)/math.comb(36, 3))
    told = page['why_says'](table)
    assert 'From 4 rates on' in told and 'is no longer than' in told and '3 of the rates' in told
    assert page['why_says'](table.iloc[:3]) == 'No grid here is sure to touch the hill.'
    assert 'is longer than' in page['why_says'](table.assign(step=[12, 6, 4, 4]))


def test_shifted_sentence(page):
    base = laid(('', 3, .06, .05, .07, 9), ('', 9, .0, -.01, .01, 9))
    told = page['shifted_says'](laid(('', 3, .04, .03, .05, 9), ('', 9, -.02, -.03, -.01, 9)), base)
    assert '- 3 runs: **shifted**' in told and '- 9 runs: **grid**' in told
    assert 'helps with 3 runs and harms with 9 runs' in told and 'at no budget.' in told
    told = page['shifted_says'](laid(('', 3, .07, -.01, .15, 9), ('', 9, .02, -.01, .05, 9)), base)
    assert 'helps at no budget and harms at no budget' in told and 'with 3, 9 runs.' in told


def test_nets_sentence(page):
    told = page['nets_say'](laid(('2 × 2', 4, .001, -.001, .003, 9)))
    assert 'cannot be told' in told and 'stays within 0.5 points' in told
    assert 'may be worth more than 0.5 points' in page['nets_say'](laid(('2 × 2', 4, .01, .004, .02, 9)))
    valid, true, shape = page['nets_plane']
    assert valid.shape == (64, 3) and shape == [4, 4, 4]


# ---- how many ------------------------------------------------------------------------------------------------------
def test_trials_needed(page):
    needed = page['trials_needed']
    assert [needed(q) for q in (.05, .1, .01)] == [59, 29, 299]
    for share, sure in ((.05, .95), (.2, .9), (.01, .99), (.5, .5)):
        n = needed(share, sure)
        assert 1 - (1 - share)**n >= sure > 1 - (1 - share)**(n - 1)
    rng = np.random.default_rng(0)
    for keys in (1, 5):                                             # the number of settings does not enter
        drawn = rng.random((4000, 59, keys))
        good  = drawn.prod(2) if keys > 1 else drawn[..., 0]
        limit = np.quantile(rng.random((100_000, keys)).prod(1), .95)
        assert abs((good > limit).any(1).mean() - .95) < .015


def test_kept(page):
    kept = page['kept']
    assert (kept['hit'] - kept['by the formula']).abs().max() < .05          # a thousand replays
    assert (kept['kept'] <= kept['hit']).all() and kept['points below the best'].is_monotonic_decreasing
    true  = np.arange(10.)/100
    clear = page['kept_table']((true[:, None], true, [10]), counts=(5, 20), replays=300)
    assert (clear['kept'] == clear['hit']).all()                             # no noise: what is hit is kept


def test_kept_sentence(page):
    def table(hit, kept, below):
        return pd.DataFrame({'hit': hit, 'kept': kept, 'points below the best': below}, index=[10, 59])
    told = page['kept_says'](table([.4, .95], [.3, .6], [.9, .4]), 100)
    assert '59 trials' in told and 'you said 100' in told and 'in 95 % of' in told and 'kept in 60 %' in told
    assert 'what is hit is not always kept' in told and 'Yet 10 trials' in told
    sure = page['kept_says'](table([.4, .95], [.4, .95], [3., 2.]), None)
    assert 'not always kept' not in sure and 'None of these comes' in sure


# ---- mesh, border, refinement --------------------------------------------------------------------------------------
def test_edge_by_hand(page):
    table = lambda best: pd.DataFrame({'lr': [.001, .01, .1], 'valid accuracy': [.5 + .1*(i == best) for i in range(3)]})
    assert [page['edge_of'](table(i), 'lr') for i in range(3)] == ['low', None, 'high']


def test_the_mesh_found_its_border(page):
    at = lambda table: page['border_table'](table).set_index('key')['at']['learning_rate']
    assert (at(page['coarse']), at(page['finer']), at(page['long'])) == ('high edge', 'high edge', 'inside')
    assert page['edge_of'](page['tried'], 'learning_rate') == 'high'
    assert page['third'].best_table()['learning_rate'].min() > page['finer'].best_table()['learning_rate'].max()
    assert page['third'].best_table()['valid accuracy'].max() < page['finer'].best_table()['valid accuracy'].max()
    assert len(page['coarse'].runs) == 12 and set(page['long']['num_epochs']) == {6}


def test_edges_sentence(page):
    def table(*rows): return pd.DataFrame(rows, columns=['learning_rate', 'valid accuracy'])
    coarse, inside = table((.001, .5), (.01, .7)), table((.01, .72), (.1, .8), (1., .4))
    told = page['edges_say'](coarse, inside)
    assert told.startswith('**Warning:') and '+8.0 points' in told and told.endswith('Now it lies inside.')
    still = page['edges_say'](coarse, table((.01, .72), (.1, .8)))
    assert still.endswith('It still lies at the high edge: go on.')
    calm = page['edges_say'](table((.001, .5), (.01, .7), (.1, .6)), inside)
    assert calm.startswith('The best rate of the mesh lies inside.')


def test_the_honest_score_comes_with_the_winner(page):
    chosen, long = page['chosen'], page['long']
    assert chosen['valid accuracy'] == long['valid accuracy'].max() and 0 < chosen['hold accuracy'] < 1
    rows = page['finer'].config_table().drop_duplicates('run').set_index('run')['hold accuracy']
    assert rows[chosen['run']] == chosen['hold accuracy']


def test_predictions_are_told(solved):
    said = load(PAGE, 'predict')['said']
    assert said(None) == 'you wrote down no guess' and said('grid') == 'you said grid'
    assert solved['my_better'] == 'random' and solved['my_trials'] == 100
