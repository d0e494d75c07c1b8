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
    for cell in ('curves-read', 'explode-read', 'sizes-read'):
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
    def say(table): return page['turn_sentence'](table, .1)
    assert say(curves(-.1, .1)).endswith('The order turns round.') and 'after 94 updates -10.0 points' in say(curves(-.1, .1))
    assert say(curves(-.1, -.05)).endswith('it is still behind.')
    assert say(curves(.1, -.1)).endswith('further behind.')


def test_may_be_best(page):
    may = page['may_be_best']
    assert may(seeds(r0_01=.5, r0_1=.4)) == (.01, [.01])
    best, left = may(seeds(r0_01=.5, r0_02=.5, r0_1=.4))
    assert best in left and left == [.01, .02]


def test_moved_words(page):
    say = page['moved_words']
    assert 'The best rate moves:' in say([.1, .2], [.02, .05])
    assert 'cannot be told:** 0.1 may be' in say([.1, .2], [.02, .1])
    assert 'In the end 0.02 may be the best as well' in say([.1], [.02, .1]) and 'At first' not in say([.1], [.02, .1])
    assert 'At first 0.2 may be the best as well' in say([.1, .2], [.1]) and 'In the end' not in say([.1, .2], [.1])
    assert say([.1], [.1]).endswith('0.1 may be the best at both times.')


def test_advice(page):
    say = page['advice_words']
    assert [say([.02, .05]), say([.1, .2]), say([.05, .1])] == ['it stands', 'it does not stand', 'that cannot be told']
    assert page['advice_sentence']([.1], [.02]) == ('The advice to take .05 or less: at first it does not stand, '
                                                    'in the end it stands.')


def test_live_lines(page):
    told = page['live_lines'](curves(-.1, .1), .1, .02)
    assert 'After 94 updates* 0.1 is the best on average; may be the best: 0.1; you said 0.1' in told
    assert 'to 376 updates,* 0.01 is the best on average; may be the best: 0.01; you said 0.02' in told
    assert 'The best rate moves' in told and 'at first it does not stand, in the end it stands' in told
    told = page['live_lines'](curves(.1, .1), None, None)
    assert 'moves:' not in told and told.count('0.01 is the best') == 2 and 'at first it stands' in told


def test_order_words(page):
    say = lambda *epochs: page['order_words'](pd.Series(epochs, [.02, .05, .1, .2][:len(epochs)]))
    assert say(14., 9., 6., 3.) == 'A larger rate turns earlier, at every step.'
    assert say(14., 9., 3., 3.) == 'A larger rate turns earlier, but for ties: 0.1 with 0.2.'
    assert say(3., 3., 6., 9.) == 'A larger rate turns later, but for ties: 0.02 with 0.05.'
    assert say(3., 9., 6.) == 'The order of the rates is mixed.' and say(3., 3.) == 'All rates turn at the same epoch.'


def test_likeness(page):
    "Runs that share their seed's jumps are told from runs of their own"
    def rows(shared):
        rng, found = np.random.default_rng(0), []
        for seed in range(3):
            luck = rng.normal(size=30)
            for run in range(4):
                own = luck if shared else rng.normal(size=30)
                found += [dict(run=f'{seed}{run}', seed=seed, epoch=e, **{'valid loss': 2 + own[e]}) for e in range(30)]
        return pd.DataFrame(found)
    same, other = page['likeness'](rows(True))
    assert same > .99 and abs(other) < .5
    same, other = page['likeness'](rows(False))
    assert abs(same - other) < .2
    say = page['likeness_sentence']
    assert 'Runs with one seed jump together' in say('CNN', .4, .1) and 'does not make' in say('CNN', .15, .1)
    same, other = page['likeness'](page['sgd']['CNN'])
    assert same > other + .1                                       # as the text below the sentence explains


def test_runs_at_every_epoch(page):
    "The panels of losses have all runs at all epochs, so no jump comes from who is counted"
    for rows in page['sgd'].values():
        counts = rows.groupby(['learning_rate', 'epoch']).size().unstack()
        assert (counts.nunique(axis=1) == 1).all() and counts.notna().all().all()


def test_last_epoch_of_the_cnns(page):
    "The median validation loss of the CNNs jumps up in the last epoch at all four rates, as the caption says"
    medians = page['sgd']['CNN'].pivot_table('valid loss', 'epoch', 'learning_rate', aggfunc='median')
    assert medians.shape == (16, 4) and (medians.loc[15] > medians.loc[14] + .1).all()


def sizes(five=.3, wide=.5):
    "Hold-out accuracy of three seeds: two and five layers at two widths"
    rows = [dict(variant='MLP_SGD', seed=s, depth=d, width=w, **{'hold accuracy': .4 + .01*s + (five - .4)*(d == 5)
            + (wide - .4)*(w == 256) + .0005*(s*d*w % 7)}) for s in range(3) for d in (2, 5) for w in (32, 256)]
    return pd.DataFrame(rows)


def test_size_lines(page):
    gap, say = page['size_gap'], page['size_line']
    worse, better = gap(sizes(), 'MLP_SGD', 'depth', 5, 2), gap(sizes(), 'MLP_SGD', 'width', 256, 32)
    assert abs(worse.mean + .1) < .003 and '**worse**; you said better.' in say('deep', worse, ['better'])
    assert abs(better.mean - .1) < .003 and say('wide', better).endswith('**better**.')
    assert '**cannot be told**' in say('deep', d(-.1, .1)) and 'n = 3' in say('deep', d(-.1, .1))
    lost = sizes()
    lost = lost[~((lost['depth'] == 5) & (lost['width'] == 256))]          # only widths that have both depths count
    assert abs(gap(lost, 'MLP_SGD', 'depth', 5, 2).mean + .1) < .003


def test_turning_sentence(page):
    table = lambda *epochs: pd.DataFrame({'epoch': epochs, 'runs': 5., 'not yet': [2.]+[0.]*(len(epochs)-1)}, [.02, .1, .2][:len(epochs)])
    say = page['turning_sentence']
    assert 'turns earlier, at every step' in say('MLP', table(12., 6., 3.)) and '0.02 at 12 (2 of 5 not yet)' in say('MLP', table(12., 6., 3.))
    assert 'A larger rate turns later' in say('MLP', table(3., 6., 12.))
    assert 'mixed' in say('MLP', table(3., 6., 3.)) and 'same epoch' in say('MLP', table(3., 3.))


def edge(dead, ends, runs=5):
    return pd.DataFrame({'runs': runs, 'dead': dead, 'accuracy, last epoch': ends}, [.1, .2, .4, .8][:len(dead)])


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
    assert table.loc[.8, 'accuracy, best epoch'] > .15 and table.loc[.8, 'accuracy, last epoch'] < .13


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
    inside = words(seeds(r0_005=.3, r0_01=.4, r0_05=.3))
    assert 'average is 0.01; may be the best: 0.01 (n = 3' in inside and '0.005, is clearly behind' in inside
    assert 'no need to go further down' in words(seeds(r0_005=.3, r0_01=.4, r0_05=.4))       # the upper end is no question
    assert 'search downwards is not over' in words(seeds(r0_005=.5, r0_01=.4, r0_05=.3))
    assert 'search downwards is not over' in words(seeds(r0_005=.4, r0_01=.4, r0_05=.4))


def test_verdicts(page):
    names = load(PAGE, 'verdicts', **page)
    lines, claims, shown = names['lines'].reset_index(), names['claims'].set_index('claim'), names['SHOWN']
    quoted = claims.loc[shown, 'text'] + [f' ({o[5:]})' for o in shown]
    assert lines['claim of the article'].drop_duplicates().tolist() == quoted.tolist()
    assert len(lines) == names['clauses']['claim'].isin(shown).sum() and (lines['measured'] != '').all()
    measured = lines.set_index('claim of the article')['measured']
    assert measured['CNN clearly beats MLP on unseen images (14)'].startswith('CNN minus MLP')       # what its sign means
    assert measured['lr .2 and .1 make CNN training explode (22)'].startswith('share of dead runs at .2')
    assert (measured['use lr .05 or less for both (25)'] == 'rate that wins most often (least, largest)').all()
    part = dict(claim='a', rule='EFF(1 pp)', why='this minus that: +1 pp [+0 to +2], n = 3; and: more')
    assert names['what_was_measured'](pd.DataFrame([part]), ['a']) == ['this minus that']
    count = load_defs('verdict-read', **names)['count_sentence']
    assert '3 claims: 2 "holds", 1 "cannot be told"' in count(pd.Series(['holds', 'cannot be told', 'holds']))


def test_rules_are_explained(page):
    "Every rule of the table stands in the text above it"
    from execnb.nbio import read_nb
    from pages import page_path
    text = next(o.source for o in read_nb(page_path(PAGE)).cells if o.id == 'verdict-rules')
    for rule in load(PAGE, 'verdicts', **page)['lines']['rule']:
        assert f'`{rule.split("(")[0]}`' in text, rule


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


def test_solved_page(monkeypatch):
    "The solutions are right answers, and a changed rate breaks nothing"
    names = run_page(PAGE, solved=True, changed=(
        ('live-run', ('rates = [.4, .2, .1, .05, .02]', 'rates = [.3, .1, .01]')),
        ('predict', ('my_edge  = None', 'my_edge  = .4'))))
    store = names['live'].store
    assert names['check_rate'](names['pick_rate']).startswith('right: ')
    for study in ('edge', 'my_edge'):
        assert names['check_rate_edge'](study, store=store).startswith('right: '), study
    monkeypatch.setenv('DEEPSWEEP_STORE', str(store.path))
    shown = names['attempts']('edge')
    chance = shown[shown['why'].eq('it ends at chance')]
    assert len(chance) and (chance['accuracy, last epoch'] < .14).all()              # why and number speak of the same epoch
    assert shown.loc[shown['state'].eq('diverged'), 'accuracy, last epoch'].isna().all()
    assert (shown['accuracy, best epoch'].fillna(0) >= shown['accuracy, last epoch'].fillna(0)).all()
    assert names['attempts']('nobody') == 'Your runs will stand here.'
    means = names['curves'].groupby('updates').mean()
    assert means[.1].iloc[0] > means[.01].iloc[0] + .1                       # far apart at first, as the caption says
    assert abs(means[.1].iloc[-3:].mean() - means[.01].iloc[-3:].mean()) < .06
