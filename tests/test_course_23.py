"The course page on batch norm and Adam: what its cells compute, and what its sentences say of other numbers"
import numpy as np
import pandas as pd
import pytest
from deepsweep.claims import claims_table, rules_table
from deepsweep.verdicts import in_words, settled_by
from pages import run_page

PAGE = 'studies/23_batchnorm_adam'
NAN = float('nan')


@pytest.fixture(scope='module')
def page():
    return run_page(PAGE)


def test_right_answer_and_changed_rates_break_nothing():
    names = run_page(PAGE, solved=True, changed=(('run', ('[.1, .01, .001, .0001]', '[.001, .0001]')),
                                                 ('predict', ('my_rates  = None', 'my_rates  = (.1, .1, .1)'))))
    assert names['check_expected_best'](names['expected_best']).startswith('right')
    for scores in names['tries'].values():
        best = names['expected_best']
        if len(scores) > 3:
            assert min(scores) <= best(scores, 1) <= best(scores, 4) <= max(scores)


def test_exercise_is_open(page):
    assert page['check_expected_best'](page['expected_best']) == 'not attempted'


def test_live_figure(page):
    rate = page['live']['learning_rate']
    assert rate['Adam'] < .1 == rate['SGD'] and (rate.drop('Adam') >= .01).all()
    at = page['table'].set_index(['variant', 'learning_rate'])['valid accuracy']
    assert at['Adam', .1] < at['Adam', .001] and at['SGD + batch norm', .01] > at['SGD', .01]
    assert all(at[way, .1] > at[way, .0001] + .02 for way in ('SGD', 'SGD + batch norm'))


def test_live_sentence(page):
    says = page['live_says']
    rate, score = pd.Series({'SGD': .1, 'Adam': .001}), pd.Series({'SGD': .7, 'Adam': .71})
    near = says(rate, score, 1000)
    assert '100 times below' in near and 'Adam leads SGD by 1.0' in near and 'That is within it' in near
    assert 'you said' not in near and 'you said (.1, .1)' in says(rate, score, 1000, '(.1, .1)')
    far = says(rate[::-1].set_axis(['SGD', 'Adam']), pd.Series({'SGD': .9, 'Adam': .71}), 1000)
    assert 'is not below' in far and 'SGD leads Adam by 19.0' in far and 'That is more' in far


def test_by_hand_is_torch(page):
    assert max(page['bn_errors']) < 2e-5 and page['adam_error'] < 1e-7


def test_idle_biases(page):
    assert page['useless'] < 1e-6 < 1e-3 < page['useful'] and page['moved'] < 1e-3


def test_batch_norm_figures(page):
    for kind in ('mlp', 'cnn'):
        curves = {}
        for way in ('plain', 'bn'):
            own = page['arm'](way, kind)
            rows = page['history'][page['history']['run'].isin(own['run']) & (page['history']['epoch'] > 0)]
            curves[way] = rows.groupby('epoch')['valid loss'].median()
        assert curves['bn'].loc[:2].mean() < curves['plain'].loc[:2].mean()          # falls faster in the first epochs
        assert curves['bn'].idxmin() < curves['plain'].idxmin()                      # and turns earlier
    gains = {kind: [page['in_points'](page['by_rate']('bn', kind)[o].dropna(), page['by_rate']('plain', kind)[o].dropna())
                    for o in page['RATES']] for kind in ('mlp', 'cnn')}
    assert all(abs(o['effect']) < 2 for o in gains['mlp']) and all(o['effect'] > 0 for o in gains['cnn'])


def test_learned_sentence(page):
    says = page['learned_says']
    assert says(5, 5).startswith('All 5') and says(0, 5).startswith('None of the 5') and ', 2 learn' in says(2, 5)
    part = page['part_of'].loc[('C003-50', 'never without, two layers'), 'why']
    assert f"of {len(page['plain_2'])} fail against" in part                         # the same runs


def test_numbers(page):
    assert page['numbers'](dict(effect=1.26, low=-.5, high=3, n=4)) == '+1.3 (-0.5 to +3.0, n = 4)'


def test_spread(page):
    torch_, he, norm = (page['spread'][o] for o in page['starts'])
    assert torch_['layer 8'] < .1*torch_['layer 1'] and he['layer 8'] > .3*he['layer 1'] and norm['layer 8'] > .1
    assert min(he['first gradient'], norm['first gradient']) > 10*torch_['first gradient']
    says = page['spread_says']
    assert 'Both remedies' in says(torch_, he, norm)
    assert "Only He's weights" in says(torch_, he, torch_) and 'Only batch norm' in says(torch_, torch_, norm)
    flat = he.copy()
    flat['layer 8'] = .9*flat['layer 1']
    assert 'Neither remedy' in says(torch_, torch_, torch_) and 'nothing has to be mended' in says(flat, he, norm)


def test_plateau_sentence(page):
    says = page['plateau_says']
    assert 'Either remedy' in says(3925, 157, 157) and 'Either remedy' in says(NAN, 157, 157)
    assert 'Only batch norm' in says(3925, NAN, 157) and "Only He's weights" in says(300, 157, 400)
    assert 'Neither remedy' in says(100, 157, NAN) and 'not within the run' in says(100, 157, NAN)


def gain(low, high):
    return dict(effect=(low+high)/2, low=low, high=high, n=3)


def test_both_halves_of_the_rescue(page):
    says, share = page['both_say'], page['share_says']
    unsure, sure = gain(-3, 24), gain(3, 8)
    assert 'batch norm adds to the score beyond them' in says([(unsure, sure), (unsure, sure)])
    assert 'owes something to both' in says([(sure, sure), (sure, sure)])
    assert 'do not show that batch norm adds' in says([(sure, sure), (sure, unsure)])
    told = share(.2, unsure, gain(-8, -3))
    assert 'not told from zero' in told and 'below zero' in told and 'above zero' in share(.2, sure, sure)


def test_scale(page):
    ratio = page['first']['ratio']
    assert abs(ratio['SGD, rate .05'] - 1000) < 1e-3 and (abs(ratio.iloc[1:] - 1) < .01).all()
    assert abs(page['first']['loss x 1']['Adam, rate .001'] - .001) < 1e-5
    says = page['scale_says']
    assert 'cannot be why' in says(1000, 1.0) and 'could be a reason' in says(1000, 30.) and 'you said 5' in says(1000, 1., 5)
    length = page['length_says']
    assert 'not a small step' in length(.001) and 'not a small step' not in length(.1)
    assert .05*page['rms'] < .001                                   # Adam's step at its usual rate is the longer one


def test_adam_figures(page):
    for kind in ('mlp', 'cnn'):
        hold = page['by_rate']('adam', kind).mean()
        assert .0002 <= hold.idxmax() <= .002 and hold[.02] < .25 and hold.iloc[-1] < .15


def test_place_sentence(page):
    says = page['place_says']
    assert says(dict(effect=20., low=20., high=100.)) == '20 is likeliest, 20 to 100 are likely'
    assert says(dict(effect=20., low=20., high=20.)) == '20 wins in all likely draws of seeds'


def test_verdicts_are_those_of_the_table_and_stand_once(page):
    lines = page['lines'].reset_index()
    table = claims_table('003').set_index('claim')
    scales = rules_table('003').set_index('claim')['scale']
    quoted = lines.drop_duplicates('claim of the article')
    for id, (_, row) in zip(page['SHOWN'], quoted.iterrows(), strict=True):
        assert row['claim of the article'] == f'{table["text"][id]} ({id[5:]})'
        assert row['verdict'] == in_words(table['verdict'][id], scales[id])
    order = 'does not hold', 'not at this scale', 'cannot be told', 'not measured', 'holds'
    for id in page['SHOWN']:                                        # a claim falls with one of its parts
        parts = set(page['part_of'].loc[[id], 'verdict'])
        assert next(o for o in order if o in parts) == table['verdict'][id], id
    other = [o for o in page['SHOWN'] if table['verdict'][o] == 'not at this scale']
    assert settled_by(page['SHOWN'], claims_table('003')).count('\n') == len(other) - 1


def test_bug(page):
    grid = page['expand_grid'](page['printed'])
    assert (len(page['listed']), len(set(page['listed'])), len(grid), len(page['ours'])) == (11, 9, 9, 11)
    assert set(page['ours']) - set(page['listed']) == {.1, .2}


def test_tries(page):
    gift, says = page['gift'], page['tries_say']
    assert abs(gift(1, 1)) < .05 and abs(gift(1, 4) - 1.029) < .03 and abs(gift(1, 9) - 1.485) < .03
    assert '2.1 for the best of 4' in says(2.) and '3.0 for the best of 9' in says(2.)
    assert np.isfinite(page['sd'])
