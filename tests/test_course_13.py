"The page on stopping early: what its cells compute, and what its sentences say of other numbers"
import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr
from pages import cell, run_page

PAGE = 'studies/13_stop_early'


@pytest.fixture(scope='module')
def page():
    return run_page(PAGE)


def test_solved_page_and_predictions_break_nothing():
    names = run_page(PAGE, solved=True, changed=(('predict', ('my_rank  = None', 'my_rank = .9')),))
    said = names['check_stopping'](names['my_rule'], names['my_rungs'], names['losses'], names['hold'])
    assert said.startswith('right: on seeds 1 and 2, which took no part'), said


def test_project_is_open(page):
    check = page['check_stopping']
    assert page['my_rungs'] is ... and check(page['my_rule'], ..., page['losses'], page['hold']) == 'not attempted'
    assert check(page['my_rule'], [5, 15], page['losses'], page['hold']) == 'not attempted'
    assert 'min(axis' not in cell(PAGE, 'project') + cell(PAGE, 'project-worked')


def third(scores): return scores.nsmallest(max(1, len(scores)//3)).index
def forgiving(curves, at): return third(curves.loc[curves[at].notna(), :at].min(axis=1))


@pytest.mark.parametrize('rule, rungs, told', [
    (lambda curves, at: third(curves[at]), [5, 15], 'stopped by one bad epoch'),
    (lambda curves, at: third(curves.iloc[:, -1]), [5, 15], 'looks past the rung'),
    (lambda curves, at: curves.loc[curves[at].notna(), :at].min(axis=1).nlargest(5).index, [5, 15], 'keeps the highest losses'),
    (lambda curves, at: curves.index, [5, 15], 'stops no run'),
    (lambda curves, at: curves[at].nsmallest(4), [5, 15], 'is no run of the table'),
    (forgiving, [1], 'the budget is 30%'),
    (forgiving, [1, 3], 'points worse than without a rule'),
    (lambda curves, at: curves.loc[curves[at].notna(), :at].min(axis=1).nsmallest(max(1, round(len(curves)/10))).index, [9],
     'on seed 0 it holds; on 1 and 2, which you did not choose with, its winners'),
    (forgiving, [15, 5], 'behind the one before'),
    (forgiving, [5, 50], 'saves nothing'),
])
def test_each_wrong_answer_has_its_message(page, rule, rungs, told):
    said = page['check_stopping'](rule, rungs, page['losses'], page['hold'])
    assert said.startswith('not yet: ') and told in said, said


def test_the_worked_rule_is_refused(page):
    said = page['check_stopping'](page['at_the_rung'], [1, 3], page['losses'], page['hold'])
    assert 'one bad epoch' in said and page['on_seed_0'].index.tolist() == [0]


def test_rank_correlation_is_spearmans(page):
    early, others, end = page['early'], page['others'], page['end']
    for epoch in (1, 3, 50):
        theirs = np.mean([spearmanr(early[:, s, epoch-1], others[:, s])[0] for s in range(3)])
        assert page['trust'].loc[epoch, 'rank correlation'] == pytest.approx(theirs)
    theirs = np.mean([spearmanr(end[:, s], others[:, s])[0] for s in range(3)])
    assert page['trust'].loc['whole training', 'rank correlation'] == pytest.approx(theirs)
    assert others[4, 0] == pytest.approx((end[4, 1] + end[4, 2])/2)


def test_regret_by_hand(page):
    early, others = page['early'], page['others']
    found = page['regrets'](page['searches'][:2])
    some, seed, epoch = page['searches'][1], 2, 5
    kept = sorted(some, key=lambda o: -early[o, seed, epoch-1])[:9]
    by_hand = others[some, seed].max() - others[kept, seed].max()
    ties = np.sort(early[some, seed, epoch-1])[::-1][8:10]
    assert found.shape == (2, 3, early.shape[2]) and (found >= 0).all()
    assert ties[0] == ties[1] or found[1, seed, epoch-1] == pytest.approx(by_hand)


def trusted(at3, whole, half=.0, rest=.95):
    epochs = [*range(1, 51), 'whole training']
    table = pd.DataFrame({'rank correlation': rest, 'low': rest - .1, 'high': rest + .01, 'better half': half}, epochs)
    table.loc[3, ['rank correlation', 'low', 'high']] = at3
    table.loc['whole training', ['rank correlation', 'low', 'high']] = whole
    return table


def test_trust_sentence(page):
    says, regret = page['tells_say'], pd.DataFrame({'mean': .25, 'worst tenth': 1.5}, range(1, 51))
    told = says(trusted([.7, .6, .8], [.96, .94, .98]), regret, None)
    assert '0.70 (0.60 to 0.80) with the end (you wrote down no guess), a whole training 0.96' in told
    assert 'but it tells something' in told and 'From epoch 4 on' in told and 'loses 0.2 points' in told and '1.5 or more' in told
    assert 'does not know the best' in told
    assert 'something of the best' in says(trusted([.7, .6, .8], [.96, .94, .98], half=.5), regret, None)
    assert 'tells as much as a whole training' in says(trusted([.95, .9, .97], [.96, .94, .98]), regret, .9)
    assert 'you said 0.9' in says(trusted([.95, .9, .97], [.96, .94, .98]), regret, .9)
    assert 'It may tell nothing' in says(trusted([.1, -.1, .3], [.96, .94, .98]), regret, None)
    assert 'No epoch comes within' in says(trusted([.1, -.1, .3], [.96, .94, .98], rest=.8), regret, None)


def test_fade_sentence(page):
    epochs = pd.Series([10, 20, 30])
    assert page['fade_says']([-.01, .1], epochs) == ''
    assert 'number 20 in the median run' in page['fade_says']([.01, .1], epochs)


def test_halving_by_hand(page):
    hand = pd.DataFrame({1: [.5, .4, .3, .2, .1, 0], 2: [.3, .5, .4, 1, 1, 1], 3: [.9, .8, .1, 1, 1, 1]}, list('abcdef'))
    winner, rows = page['halving'](hand, [1, 2])
    # six runs, the bar at place 2 is .3: a, b, c; of these at place 1 of .5 .4 .3: b, c; .8 wins
    assert winner == 'b' and rows['runs'].tolist() == [6, 3, 2] and rows['epochs'].tolist() == [6, 3, 2]
    assert rows['bar'].tolist()[:2] == [.3, .4]
    assert page['halving'](hand, [])[0] == 'd' and page['halving'](hand, [])[1]['epochs'].sum() == 18
    assert len(cell(PAGE, 'halving').splitlines()) <= 16


def test_halving_is_the_kits_rule(page):
    for some in page['searches'][1:8]:
        part = page['first'].iloc[some]
        winner, rows = page['halving'](part, [1, 3, 9, 27])
        theirs = page['halving_replay'](part, page['accuracy'], page['rule'])
        assert theirs['epochs'].sum() == rows['epochs'].sum()
        assert winner in set(theirs.loc[theirs['rung'].isna(), 'run'])


def test_halving_sentence(page):
    some = pd.DataFrame({1: [.1, .2, .3], 2: [.5, .6, .7]}, list('abc'))
    rows = pd.DataFrame(dict(epochs=[3, 1]))
    theirs = pd.DataFrame(dict(run=list('abc'), rung=[1, 1, None], epochs=[1, 1, 2]))
    told = page['halving_says'](rows, 'c', some, theirs)
    assert told.startswith('4 epochs in place of 6, 67%.') and 'best of all' in told and 'stops the same' in told
    told = page['halving_says'](rows, 'b', some, theirs)
    assert 'number 2 of 3' in told and 'rule differs' in told


def test_live_sweep(page):
    stops = page['stops']
    assert set(stops['rung'].dropna()) == {2, 6} and (stops['rung'] == 2).sum() > (stops['rung'] == 6).sum() > 0
    assert stops['rung'].isna().sum() >= 2 and page['trained'] < .5*18*18
    told = page['live_says'](pd.DataFrame(dict(rung=[2, 2, 6, None], missed=[.1, .02, .3, np.nan])), 30, 60)
    assert told.startswith('3 of 4 runs were stopped: 2 at epoch 2, 1 at epoch 6. 30 epochs') and '50%' in told and 'by 2.0 points' in told


def test_bloom_sentence(page):
    says = page['bloom_says']
    kinds = pd.DataFrame(dict(low=[-.9, -.5], high=[-.4, -.1]), ['adam', 'sgd'])
    drop = pd.DataFrame([[0, -1, 1], [5, 2, 8]], [0, .3], ['places gained', 'low', 'high'])
    assert says(kinds, drop).startswith('Within each kind of optimizer') and 'too low, too' in says(kinds, drop)
    kinds.loc['sgd', 'high'] = .1
    told = says(kinds, drop.assign(low=-5))
    assert 'Within 1 of 2 kinds of optimizer (not: sgd)' in told and 'cannot be told here' in told
    kinds.loc['adam', 'high'] = .1
    assert says(kinds, drop).startswith('In no kind of optimizer')


def test_nets_sentence(page):
    nets = pd.DataFrame({'model': ['cnn', 'mlp', 'cnn', 'mlp'], 'epoch 1': [9, 1, 7, 2], 'epoch 3': [3, 1, 2, 4], 'epoch 9': [1, 2, 3, 4], 'end': [1, 2, 3, 4]})
    told = page['nets_say'](nets, 3)
    assert told == ('2 of the best 3 settings are CNNs, of which there are 2 among 4. Their places went from 7 to 9 after epoch 1, '
                    'from 2 to 3 after epoch 3, from 1 to 3 after epoch 9.')
    assert page['nets_say'](nets.assign(model='mlp'), 3) == 'None of the best 3 is a CNN.'


def scheduled(gain):
    rows = [dict(schedule=s, seed=i, rung=2 if s == 'one_cycle' else None, best=.7 + .001*i**2 + gain*(s == 'one_cycle') + .0001*i*(s == 'constant'))
            for s in ('constant', 'one_cycle') for i in range(5)]
    return pd.DataFrame(rows)


def test_schedule_sentence(page):
    says = page['schedule_says']
    told = says(scheduled(.02))
    assert 'stops 5 of 5, of the constant ones 0 of 5' in told and 'one-cycle ends better: +2.0 points' in told and 'n = 5 seeds' in told
    assert 'ends worse' in says(scheduled(-.02)) and 'ends no better' in says(scheduled(.0002))


def test_one_cycle_is_a_late_bloomer_live(page):
    means = page['slow_curves'].groupby(page['slow_runs']['schedule']).mean()
    assert means.loc['one_cycle', 2] < means.loc['constant', 2] - .05 and means.loc['one_cycle', 18] > means.loc['constant', 18]


def row(spent=.2, lost=.1, low=0, high=.2, won_low=.1, won_high=.3):
    return dict(spent=spent, lost=lost, low=low, high=high, fewer=1., won=.2, won_low=won_low, won_high=won_high)


def test_cost_sentences(page):
    table = pd.DataFrame({'a': row(), 'b': row(spent=.1, low=.6, high=.9), 'c': row(spent=.05, low=.3, high=.9, won_low=-.1),
                          'd': row(spent=.01, won_low=-.3, won_high=-.1)}).T
    both = pd.concat({'all nets': table, 'MLPs alone': table.loc[['b', 'c', 'd']]})
    told = page['costs_say'](both, {'all nets': 9, 'MLPs alone': 7}, (None, 1)).splitlines()
    assert 'loses less than 0.5 points; better than fewer' in told[0] and 'loses more than 0.5 points' in told[1]
    assert 'cannot be told; no better than fewer' in told[2] and 'worse than fewer' in told[3] and len(told) == 6
    assert 'For all nets (n = 9 groups): the cheapest' in told[-1] and 'is *a*, with 20% of the epochs' in told[-1]
    assert 'MLPs alone (n = 7 groups): no rule surely' in told[-1] and 'of the loss you said 1' in told[-1]


def test_costs_by_hand(page):
    groups, early, others = page['DEALT']['all nets'], page['early'], page['others']
    assert len(np.unique(groups)) == groups.size and groups.shape[1] == 25
    alone = page['DEALT']['MLPs alone']
    assert set(page['settings'].iloc[alone.ravel()]['model']) == {'mlp'} and len(np.unique(alone)) == alone.size
    lost = []
    for seed in range(3):
        some = pd.DataFrame(early[groups[2], seed], columns=range(1, early.shape[2] + 1))
        winner, rows = page['halving'](some, [1, 3, 9, 27])
        lost.append(100*(others[groups[2][some.max(axis=1).idxmax()], seed] - others[groups[2][winner], seed]))
    assert page['costs']['all nets', '1, 3, 9, 27'][2, 1] == pytest.approx(np.mean(lost))
    fewer = page['fewer_settings']
    # all 25: the best itself, or one that ties with it by validation
    assert abs(fewer(25, groups)).mean() < .1 and (fewer(2, groups) > fewer(12, groups)).mean() > .7
    assert page['costs']['all nets', page['ONE']][0, 0] == pytest.approx((25 + 49)/1250)


def test_figures_say_what_their_captions_say(page):
    trust, regret, table = page['trust'], page['regret'], page['table']
    steps = trust['rank correlation']
    assert steps[10] - steps[1] > 2*abs(steps[50] - steps[10]) and steps.iloc[-1] > .9
    assert trust.loc[1, 'better half'] < .2 and (trust['better half'].iloc[:-1] < steps.iloc[:-1] - .1).all()
    assert regret['mean'][1] > regret['mean'][9] > regret['mean'][27] - 1e-9 and regret['mean'][15] < .2
    assert (regret['worst tenth'][:5] > regret['mean'][:5]).all()
    mixed, alone = table.loc['all nets'], table.loc['MLPs alone']
    assert mixed.loc['1, 3, 9, 27', 'lost'] > 1 and mixed.loc[['5, 15', '9', '27'], 'lost'].max() < .3
    assert mixed.loc['1, 3, 9, 27', 'won_low'] < 0 < mixed.loc['5, 15', 'won_low']       # near the line, and below it
    assert alone.loc[list(page['RULES']), 'lost'].max() < .5


def test_late_bloomers_of_the_recording(page):
    kinds, nets = page['by_kind'], page['nets']
    assert (kinds['high'] < 0).all()
    top = nets[nets['end'] <= 9]
    assert (top['model'] == 'cnn').mean() > .5 and top['epoch 1'].median() > 67      # most of them behind the best third


def test_what_the_solution_says():
    names = run_page('solutions/13_stop_early')
    seen, found = names['seen'], names['found']
    late, early = seen.loc[('[8]', .125)], seen.loc[('[5, 15]', .33)]
    assert late['lost'] < early['lost'] - .005 and abs(late['spent'] - early['spent']) < .03
    forgives = found['best so far']['lost']
    assert all((forgives < found[o]['lost']).all() for o in ('the rung alone', 'median of three'))
