"The course page on overfitting, L2 and dropout: what its cells compute, and what its sentences say of other numbers"
import numpy as np
import pandas as pd
import pytest
import torch
from deepsweep.claims import claims_table, rules_table
from deepsweep.models import SeededDropout, SeededDropout2d
from deepsweep.studies import study
from deepsweep.verdicts import in_words, settled_by
from pages import run_page

PAGE = 'studies/22_regularization'


@pytest.fixture(scope='module')
def page():
    return run_page(PAGE)


def test_right_answer_and_changed_number_break_nothing():
    names = run_page(PAGE, solved=True, changed=(('overfit', ("learning_rate=.005", "learning_rate=.02")),
                                                 ('predict', ('my_floor   = None', "my_floor   = 'lower'"))))
    assert names['check_difference'](names['difference']).startswith('right')


def test_exercise_is_open(page):
    assert page['check_difference'](page['difference']) == 'not attempted'


def test_overfitting_shows_in_the_loss(page):
    curves = page['curves']
    last = curves.iloc[-1]
    assert last['train loss'] < .5*curves['train loss'].iloc[0]
    assert last['valid loss'] > 1.1*curves['valid loss'].min()
    assert last['valid accuracy'] > curves['valid accuracy'].max() - .03
    assert last['train accuracy'] > last['valid accuracy'] + .1


def test_temperature_changes_no_answer(page):
    cooled = page['cooled']
    assert cooled['accuracy'].nunique() == 1 and cooled['loss'].iloc[1] <= cooled['loss'].iloc[0] + .01


def test_temperature_sentence(page):
    says, sure = page['temperature_says'], 'mean probability of the answer'
    plain = {'accuracy': .5, 'loss': 3., sure: .9, 'T': 1.}
    cool  = {'accuracy': .5, 'loss': 1.5, sure: .5, 'T': 4.}
    assert '50 % of the loss was confidence' in says(plain, cool)
    assert 'a uniform guess (2.30) would have had the lower loss' in says(plain, cool)
    assert 'uniform guess' not in says(plain | {'loss': 2.}, cool)
    calibrated = says(plain | {'loss': 1.51}, cool)
    assert 'was confidence' not in calibrated and 'little to repair' in calibrated


def test_weight_decay_is_the_penalty_with_its_half(page):
    assert page['off_half'] < 1e-6 and page['off_full'] > 1e-3


def test_half_life(page):
    half_life = page['half_life']
    assert abs((1-.05*.2)**half_life[-1]-.5) < 1e-9 and half_life[-1] < 157/2 and half_life[0] > 13_000
    assert round(float(half_life[-1])) == 69                                       # the recall


def test_what_decay_pulls(page):
    everything, only = page['pulled']('all'), page['pulled']('weights')
    assert np.allclose(everything, .95) and np.isclose(only['matrix'], .95)
    assert np.allclose(only.drop('matrix'), 1) and len(only) == 4
    says = page['bias_says']
    assert says(everything) == 'The biases are pulled too.'
    assert says(only, True) == 'The biases stay as they were; you said True.'


def test_dropout_keeps_the_mean(page):
    for row in page['pd'].DataFrame(page['seen']).to_dict('records'):
        assert abs(row['what is left, times'] - 1/.7) < 1e-4
    one, two = (SeededDropout(.2, seed=0).train()(torch.ones(200, 500)) for _ in range(2))
    assert torch.equal(one, two) and sorted(one.unique().tolist()) == [0, 1.25]
    assert abs(one.mean() - 1) < .01


@pytest.mark.parametrize('layer', [torch.nn.Dropout2d(.3), SeededDropout2d(.3, seed=0)])
def test_dropout_2d_drops_whole_maps(layer):
    maps = torch.rand(100, 16, 8, 8) + .1
    out = layer.train()(maps)
    zero = (out == 0).double().mean((2, 3))
    assert set(zero.unique().tolist()) == {0., 1.} and abs((zero == 1).double().mean() - .3) < .05
    torch.testing.assert_close(out[zero == 0], maps[zero == 0]/.7)


def test_recorded_is_what_the_table_says(page):
    plan = {s['parameters']['variant']['value']: s['parameters']
            for o in ('MLP_SGD_L2', 'CNN_SGD_L2', 'MLP_SGD_DP', 'CNN_SGD_DP') for s in study(o, 'laptop')}

    def values(variant, key):
        return plan[variant][key].get('values', [plan[variant][key].get('value')])

    assert values('MLP_SGD_L2', 'l2_weight_decay') == values('CNN_SGD_L2', 'l2_weight_decay') == [0, *page['strengths']]
    assert values('MLP_SGD_DP', 'drop_out') == [0, .02, .05, .1, .2, .3, .4, .5]
    four = 'MLP_SGD_L2', 'CNN_SGD_L2', 'MLP_SGD_DP', 'CNN_SGD_DP'
    assert [values(o, 'num_epochs')[0] for o in four] == [40, 15, 40, 25]
    assert [len(values(o, 'seed')) for o in four] == [5, 5, 5, 3]
    assert values('MLP_SGD_L2', 'hidden_layers') == [[64]*3] and values('CNN_SGD_L2', 'conv_layers') == [[16]*2]
    assert values('MLP_SGD_L2', 'learning_rate') == [.05] and values('CNN_SGD_L2', 'learning_rate') == [.1]


def test_jumps(page):
    rows = pd.DataFrame({'run': ['a']*6 + ['b']*6, 'epoch': [*range(6)]*2,
                         'train loss (eval)': [5, 1, 1, 1, 1, 4, 5, 1, 1, 1, 1, 1.]})
    ratios = page['jumps'](rows)
    assert ratios.to_dict() == {'a': 4, 'b': 1}
    says = page['jumps_say']
    assert 'Of 2 runs' in says(ratios) and '1 end with' in says(ratios) and 'ratio is 4.0' in says(ratios)
    assert 'close to the median' in says(ratios[['b']])
    real = page['jumps'](page['weak'])
    assert len(real) == 60 and (real > 1.5).sum() > 3                              # what the section is about


def ends(train, valid):
    index = pd.MultiIndex.from_product([train, ['r0', 'r1']], names=['l2', 'run'])
    return pd.DataFrame({'train loss (eval)': np.repeat(list(train.values()), 2),
                         'valid loss': np.repeat(list(valid.values()), 2)}, index)


def test_losses_sentence(page):
    says = page['losses_say']
    rising = says(ends({0: .5, .01: 1., .1: 2.3}, {0: 3., .01: 2., .1: 2.3}), {.1: 5}, 'lower')
    assert '1.00 at 0.01' in rising and '**higher**; you said lower' in rising
    assert 'from 2.50 to 1.00' in rising and 'fail at 0.1 (5)' in rising
    falling = says(ends({0: .5, .01: .3}, {0: 3., .01: 2.}), {})
    assert '**lower**' in falling and 'you said' not in falling and ' fail at' not in falling
    assert '**the same**' in says(ends({0: .5, .01: .51}, {0: 3., .01: 2.}), {})


def test_losses_as_figures_say(page):
    for variant in ('MLP_SGD_L2', 'CNN_SGD_L2'):
        means = page['at_the_end'](variant, 'l2_weight_decay').groupby(level=0).mean()
        assert abs(means.iloc[-1] - np.log(10)).max() < .05                        # both end on the dotted line
        assert means['train loss (eval)'].is_monotonic_increasing or means['train loss (eval)'].diff().min() > -.02
        assert means['valid loss'].loc[.01] < means['valid loss'].loc[0]           # it falls at first
    for variant in ('MLP_SGD_DP', 'CNN_SGD_DP'):
        means = page['at_the_end'](variant, 'drop_out').groupby(level=0).mean()
        assert means['train loss (eval)'].loc[.5] > means['train loss (eval)'].loc[0]
        assert means['valid loss'].loc[.5] - means['train loss (eval)'].loc[.5] < .4
        assert means.loc[.5].max() < 1.9                                           # well below the dotted line


def test_speed_sentence(page):
    says = page['speed_says']
    assert 'which is slower' in says('MLP', 1.6, 1.9, .5, .01) and 'about at its least' in says('MLP', 1.6, 1.9, .5, .01)
    assert 'which is faster' in says('MLP', 1.9, 1.6, .5, .01)
    assert 'so it has turned up' in says('MLP', 1.6, 1.9, .5, .3)


def effect(low, high):
    return pd.Series(dict(effect=(low+high)/2, low=low, high=high))


def test_two_sets_sentence(page):
    says = page['two_sets_say']
    assert 'only the validation interval' in says(effect(1, 2), effect(-1, 3))
    assert 'only the hold-out interval' in says(effect(-1, 2), effect(1, 3))
    assert 'both intervals exclude zero' in says(effect(1, 2), effect(-3, -1))
    assert 'both cover zero' in says(effect(-1, 2), effect(-3, 1))


def test_parts_sentence(page):
    row = {'dropout in': 'head only', 'rate': .1, 'n': 3}
    says = page['parts_say']
    assert 'excluded by head only at 0.1' in says(pd.DataFrame([row | dict(low=1., high=3.)]))
    assert 'inside all' in says(pd.DataFrame([row | dict(low=-1., high=3.)]))
    assert '1.0 to 2.0 points' in says(pd.DataFrame([row | dict(low=1., high=3.), row | dict(low=-3., high=1.)]))


def test_modes(page):
    modes, says = page['modes'], page['mode_says']
    assert (modes['train accuracy (eval)'] > modes['train accuracy'])[modes.index >= .2].all()
    assert modes.loc[.5, 'train accuracy (eval)'] - modes.loc[.5, 'train accuracy'] > .03    # the figure's alt text
    assert 'closed more' in says(modes) and 'you said' not in says(modes)
    assert 'you said higher' in says(modes, guess='higher')
    level = modes.assign(**{'train accuracy (eval)': modes['train accuracy']})
    assert 'closed more' not in says(level)


def test_verdicts_are_those_of_the_table_and_stand_once(page):
    lines  = page['lines'].reset_index()
    table  = claims_table('003').set_index('claim')
    scales = rules_table('003').set_index('claim')['scale']
    quoted = lines.drop_duplicates('claim of the article')
    assert len(quoted) == len(page['SHOWN'])
    for id, (_, row) in zip(page['SHOWN'], quoted.iterrows()):
        assert row['claim of the article'] == f'{table["text"][id]} ({id[5:]})'
        assert row['verdict'] == in_words(table['verdict'][id], scales[id])
    settled = settled_by(page['SHOWN'], claims_table('003'))
    other = [id for id in page['SHOWN'] if table['verdict'][id] == 'not at this scale']
    assert other and settled.count('\n') == len(other) - 1 and 'five seeds' in settled


def test_single_runs_sentence(page):
    says = page['single_runs_say']
    assert 'lie within' in says({'MLP, L2': .3}, dict(MLP=3., CNN=4.)) and 'beyond' not in says({'MLP, L2': .3}, dict(MLP=3., CNN=4.))
    beyond = says({'MLP, L2': .3, 'CNN, dropout': 5.}, dict(MLP=3., CNN=4.))
    assert '0.3 (MLP, L2) points lie within' in beyond and '5 (CNN, dropout) points go beyond' in beyond
    assert says(page['GAPS'], page['equal']).count('points lie within') == 1


def test_gains_and_confidence(page):
    part = dict(effect=1.234, low=-1., high=3., n=5)
    assert page['gain_says']('L2', part) == '- *L2:* +1.2 points (-1.0 to 3.0, n = 5).'
    assert page['gain_says']('L2', part, 2).endswith('; you said 2.')
    assert '122 % above' in page['confidence_says'](1.22, 1.3) and '1.3 points' in page['confidence_says'](1.22, 1.3)
    assert page['up'] > .5 and page['down'] < 5
