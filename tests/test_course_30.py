"The page on depth and width: what its cells compute, and what its sentences say of other numbers"
import numpy as np
import pandas as pd
import pytest
from deepsweep.claims import claims_table
from pages import cell, run_page

PAGE = 'studies/30_mnist_capacity'


@pytest.fixture(scope='module')
def page():
    return run_page(PAGE)


def check(names, study):
    "What the project's check says of a study of the page"
    return names['check_one_change']([100, 100], study, 'depth_wins', names['live'].store, kept=('input_scale', 'loss'))


def test_solved_page_and_predictions_break_nothing():
    changed = (('predict', ('my_winner  = None', "my_winner  = '10x10'")),)
    names = run_page(PAGE, solved=True, changed=changed)
    said = check(names, 'depth_loses')
    assert said.startswith("right: init 'torch': [100, 100] leads by +")


def test_project_is_open(page):
    store = page['live'].store
    assert check(page, 'depth_loses') == 'not attempted'
    assert check(page, 'depth_wins').startswith('not yet: nothing is changed')
    said = page['check_question']([10]*10, 'depth_wins', store)
    assert said.startswith('right') or 'one side of zero' in said              # five seeds of nets that freeze by luck
    assert page['check_question']([100]*2, 'depth_wins', store).startswith('not yet')
    assert 'torch' not in cell(PAGE, 'project').replace('# ', '')


def test_the_effect_is_seen_live(page):
    means = page['here'].pivot_table('accuracy', 'way', 'net')
    lead = means['10x10'] - means['2x100']
    assert lead['raw, cut'] > .05 and (lead.drop('raw, cut') < -.1).all()


def test_the_recording_says_what_text_and_caption_say(page):
    means = page['mnist'].pivot_table('accuracy', 'way', 'net')
    lead = means['10x10'] - means['2x100']
    assert lead['raw, cut'] > 0 and (lead.drop('raw, cut') < -.03).all()
    spread = {way: np.ptp(page['by_seed'](page['mnist'], way, '2x100')) for way in page['WAYS']}
    assert spread['raw, cut'] > .5 and all(v < .1 for way, v in spread.items() if way != 'raw, cut')
    seeds = page['mnist'].groupby(['way', 'net'])['seed'].nunique()
    assert (seeds.drop([('raw, cut', o) for o in ('2x10', '2x100', '10x10')]) == 5).all() and seeds.loc['raw, cut', '2x100'] == 10


def test_the_article(page):
    sizes = {o.claim: o for o in claims_table('002').itertuples()}
    assert tuple(page['article']['weights']) == (8_070, 89_610, 8_950) and sizes['C002-01'].verdict == 'holds'


def test_clue(page):
    ratio = page['printed'].set_index('net')['loss / share of errors']
    assert ratio['2x100'].between(15.7, 16.1).all() and (ratio.drop('2x100') < 4.5).all()
    assert '16.12' in page['clue_says'](page['printed'])


def test_untrained_nets(page):
    first = page['first']
    raw, scaled = first.loc['0 to 255'], first.loc['0 to 1']
    assert raw['loss'].idxmax() == '2x100' and (raw['loss'] > np.log(10)).all()
    flat = page['every']['images without slope']
    assert raw.loc['2x10', 'images without slope'] > .6 and raw.loc['10x10', 'images without slope'] < .3
    assert flat.loc['0 to 255', '10x10'].min() < .01 and flat.loc['0 to 255', '10x10'].max() > .2
    assert (scaled['images without slope'] == 0).all() and raw.loc['2x100', 'images without slope'] > .1


def scores(**by_net):
    "Scores by way and net; the same in all ways unless given as a dict"
    rows = [dict(way=way, net=net.replace('n', ''), seed=s, accuracy=v + .001*s*(-1)**s)
            for way in ('raw, cut', 'raw, whole loss', 'scaled, cut', 'scaled, whole loss')
            for net, value in by_net.items() for s in range(5) for v in [value[way] if isinstance(value, dict) else value]]
    return pd.DataFrame(rows)


def test_ways_sentence(page):
    says = page['ways_say']
    assert says(scores(n10x10=.8, n2x100=.9), None).endswith('Depth beats width for sure in no way.')
    told = says(scores(n10x10=.9, n2x100=dict.fromkeys(page['WAYS'], .8) | {'scaled, cut': .95}), '2x100')
    assert 'only with *raw, cut* and with *raw, whole loss* and with *scaled, whole loss*' in told and 'you said 2x100' in told
    assert says(scores(n10x10=.9, n2x100=.8), None).endswith('Depth beats width in every way.')
    words = page['lead_words']
    d = page['paired_difference'](pd.Series([.1, -.1, .1]), pd.Series([0., 0, 0]))
    assert words(d) == 'cannot be told from luck'


def test_luck_sentence(page):
    told = page['luck_says'](scores(n2x100=dict.fromkeys(page['WAYS'], .8) | {'raw, cut': .5, 'scaled, cut': .9}))
    assert 'reach from 0.50 to 0.50 in the article' in told and 'from 0.80 to 0.90 in the three others' in told


def test_small_sentence(page):
    says = page['small_says']
    assert 'may be too simple' in says(scores(n2x10=.6), None) and 'is not too simple' in says(scores(n2x10=.93), .7)
    worse = dict.fromkeys(page['WAYS'], .8) | {'raw, whole loss': .5}
    assert 'the whole loss alone harms it: 0.800 becomes 0.500' in says(scores(n2x10=worse), None)
    assert 'the whole loss alone helps it' in says(scores(n2x10=worse | {'raw, whole loss': .9}), None)
    assert 'the whole loss alone does not change it' in says(scores(n2x10=.8), None)


def test_equal_sizes(page):
    ways = dict.fromkeys(page['WAYS'], .8)
    told = page['equal_says'](scores(n10x10=ways | {'raw, cut': .9, 'scaled, cut': .7}, n2x11=.8))
    assert told.count('**the deep net is ahead**') == 1 and told.count('the shallow net is ahead') == 1
    lead = page['mnist'].pivot_table('accuracy', 'way', 'net')
    lead = lead['10x10'] - lead['2x11']
    assert (lead[['raw, cut', 'raw, whole loss']] > .05).all() and (lead[['scaled, cut', 'scaled, whole loss']] < -.02).all()
    means = page['mnist'].pivot_table('accuracy', 'way', 'net').loc
    assert all(means['raw, whole loss'][o] < means['raw, cut'][o] - .05 for o in ('2x10', '2x11'))


def test_culprit(page):
    says, ways = page['culprit_says'], dict.fromkeys(page['WAYS'], .7)
    assert 'only together (you said loss)' in says(scores(n10x10=ways | {'raw, cut': .9}, n2x100=.8), 'loss')
    for wide in (.8, .7): assert 'nobody: the deep net does not lead' in says(scores(n10x10=ways, n2x100=wide), None)
    told = says(scores(n10x10=ways | {'raw, cut': .9, 'scaled, cut': .9}, n2x100=.8), None)
    assert 'ends with 2 of 3 mendings' in told


def test_sizes_sentence(page):
    def grid(width, depth):
        return pd.DataFrame([dict(seed=s, width=w, depth=d, accuracy=.8 + width*(w == 100) + depth*(d == 10)*(w == 10) + .001*s)
                             for s in range(3) for w in (10, 30, 100) for d in (1, 2, 5, 10)])
    told = page['sizes_say'](grid(.1, -.1))
    assert 'width helps' in told and '- width 10: -10.0' in told and told.count('depth hurts') == 1
    told = page['sizes_say'](grid(-.1, .1))
    assert 'width hurts' in told and told.count('depth helps') == 1


def test_later_sentences(page):
    slow, fast = pd.Series([.1, .5, .9], [1, 2, 3]), pd.Series([.9, .91, .92], [1, 2, 3])
    assert 'is not the best' in page['rates_say']({1e-4: slow, 1e-3: fast}) and '0.001: 1' in page['rates_say']({1e-4: slow, 1e-3: fast})
    assert 'smallest rate is the best' in page['rates_say']({1e-4: fast, 1e-3: slow})
    told = page['long_says'](pd.Series([2., 1., 3.], [1, 2, 3]), pd.Series([.5, .9, .8], [1, 2, 3]))
    assert 'least at epoch 2' in told and '3.0 times' in told and '-10.0 points' in told and 'does also get worse' in told
    kept = page['long_says'](pd.Series([2., 1., 3.], [1, 2, 3]), pd.Series([.5, .8, .9], [1, 2, 3]))
    assert 'does not get worse' in kept
    assert 'too sure' not in page['long_says'](pd.Series([2., 1., .5], [1, 2, 3]), pd.Series([.5, .8, .9], [1, 2, 3]))
    told = page['batch_says']({'2x10': {64: .9, 1024: .8}, '10x10': {64: .7, 1024: .8}})
    assert '2x10 +10.0, 10x10 -10.0' in told
    tops = page['batches']
    assert tops['10x10'][64] - tops['10x10'][1024] > .05 and all(o[64] > o[1024] for o in tops.values())


def test_bias_and_variance(page):
    parts = page['parts']
    assert np.allclose(parts['bias²'] + parts['variance'], parts['expected squared error'])
    assert parts['bias²'].idxmax() == 1 and parts['variance'].idxmax() == 15 and parts['expected squared error'].idxmin() == 2
    x, drawn = page['x'], page['drawn']
    for degree in (1, 2, 15):
        assert abs(np.polynomial.Polynomial.fit(x, drawn[degree][0], degree)(x) - drawn[degree][0]).max() < 1e-6


def test_every_claim_is_shown_once(page):
    table = claims_table('002')
    assert list(dict.fromkeys(page['lines'].reset_index()['claim of the article'])) == [
        f'{o.text} ({o.claim[5:]})' for o in table.itertuples()]
