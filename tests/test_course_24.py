"The course page on what held: what its cells compute, and what its sentences say of other numbers"
import pandas as pd
import pytest
from deepsweep.claims import claims_table, rules_table
from deepsweep.statistics import VERDICTS, Difference
from deepsweep.verdicts import VERDICT_WORDS, in_words
from pages import cell, run_page

PAGE = 'studies/24_did_it_hold'


@pytest.fixture(scope='module')
def page():
    return run_page(PAGE)


def test_right_answer_and_predictions_break_nothing():
    names = run_page(PAGE, solved=True, changed=(('predict', ("'C003-14': None", "'C003-14': True")),))
    assert names['check_honest_score'](names['honest_score']).startswith('right')
    assert names['lessons']['you said'].tolist().count('holds') == 1


def test_exercise_is_open(page):
    assert page['check_honest_score'](page['honest_score']) == 'not attempted'
    assert 'hold accuracy' not in cell(PAGE, 'exercise')


def test_every_claim_has_a_verdict_in_words(page):
    claims, table = page['claims'], claims_table('003').set_index('claim')
    assert claims.index.is_unique and len(claims) == 69 == page['counts'].sum()
    assert set(table['verdict']) <= set(VERDICTS) and set(claims['in words']) <= set(VERDICT_WORDS)
    assert set(page['my_verdicts']) == set(page['EIGHT']) <= set(claims.index)
    for o in claims.index:
        assert claims['in words'][o] == in_words(table['verdict'][o], page['rules']['scale'][o])


def test_luck_sentence(page):
    assert '20 of the verdicts' in page['luck_says']([.95]*20) and '**1.0 of them wrong**' in page['luck_says']([.95]*20)
    assert '**0.2 of them wrong**' in page['luck_says']([.99]*20) and 'That is the least' in page['luck_says']([.99])
    assert len(page['levels']) < len(page['decided'])


def test_rules_as_written_and_as_used(page):
    beside = page['beside']
    assert list(beside.index) == list(page['claims'].index) and (beside['as written'] != '').all()
    said = page['rules_say'](pd.DataFrame({'as used': ['EFF', 'EFF', 'not measured'], 'why it differs': ['', 'so', 'no']}))
    assert said == '3 rules: 1 used otherwise than written, 1 as written, 1 not used'
    thoughts = page['second_thoughts'](rules_table('003').set_index('claim'))
    assert 'reading of 03, 62, 68 changed after a look' in thoughts and '34, 35, 38, 43, 47' in thoughts


def test_lessons_quote_whole_claims_once(page):
    assert len(page['LESSONS']) == 15
    numbers = [n for o in page['LESSONS'].values() for n in o]
    assert len(set(numbers)) == len(numbers) == len(page['lessons'])
    table = claims_table('003').set_index('claim')
    for (_, quoted), n in zip(page['lessons'].index, numbers, strict=True):
        assert quoted == f'{table["text"][f"C003-{n:02}"]} ({n})'
    assert {f'C003-{n:02}' for n in numbers} >= set(page['EIGHT'])


def test_lessons_sentence(page):
    says = page['lessons_say'](['holds', 'holds', 'cannot be told'])
    assert says.endswith('3 claims: *holds* 2, *cannot be told* 1.')
    words = {'a': 'holds at our size', 'b': 'does not hold', 'c': 'cannot be told'}
    assert page['guesses_say']({'a': None}, words) == ''
    told = page['guesses_say']({'a': True, 'b': True, 'c': False}, words)
    assert '3 predictions 1 came out; 1 are not decided' in told


def test_forest(page):
    rule = page['Rule'].read
    assert page['scaled'](2., rule('EFF(1 pp)')) == pytest.approx(2) and page['scaled'](.4, rule('EFF(.2 nats)')) == pytest.approx(2)
    assert page['scaled'](2.25, rule('EFF(1.5 times)')) == pytest.approx(2)
    says = page['forest_says']
    rows = pd.DataFrame(dict(low=[-1, .5], high=[2., 3.]), index=['C003-14', 'C003-15'])
    assert '1 of the 2' in says(rows) and ': 14. There' in says(rows)
    assert says(rows.iloc[1:]).endswith('"it counts".')


def test_price_of_choosing(page):
    prices = page['prices']
    assert prices.iloc[0].abs().max() < .1                                       # every line begins near zero
    part, sure = dict(effect=.4, low=-1., high=2., n=3), dict(effect=1.4, low=1., high=2., n=3)
    says = page['price_says']
    assert 'not told from nothing' in says(prices, part) and 'more than nothing' in says(prices, sure)
    single = page['single_says']
    assert 'large enough' in single(1., 2.5) and 'too small' in single(3., 2.5)


def test_one_seed(page):
    says = page['pair_says']
    row = {'net': 'MLP', 'score': 'hold accuracy', 'mean difference': -.3, 'sd of one pair': .9, 'L2 ahead': .36}
    assert '36 % of the single pairs' in says(row) and '-0.3 points' in says(row)
    found = page['found_says']
    assert 'were 0.3 and 0.1 points' in found([1.3, 3.7]) and 'Not all' in found([.2, 3.7])
    flips = page['flips']
    assert (flips['found with 5 seeds'] > .3).all() and flips['L2 ahead'].between(0, 1).all()


def test_tries_sentence(page):
    says = page['tries_says']
    sure, unsure = Difference(.02, .01, .03, 3), Difference(.02, -.01, .05, 3)
    assert 'One of the two' in says(sure, unsure, 3, 11) and '3 of Adam\'s 11' in says(sure, unsure, 3, 11)
    assert 'Both can be told' in says(sure, sure, 3, 11) and 'Neither can' in says(unsure, unsure, 3, 11)
    assert '+2.0 points (+1.0 to +3.0, n = 3)' in says(sure, unsure, 3, 11)


def test_updates(page):
    assert (-(-50_000//32), -(-5_000//32)) == (1563, 157) and 8*157 == 1256 and 32*157 == 5024
    says, table = page['updates_say'], page['updates']
    assert 'early look makes batch norm look better' in says(table.iloc[0], table.iloc[-1])
    assert 'early look' not in says(table.iloc[-1], table.iloc[0])
    assert says(table.iloc[0], table.iloc[-1]).startswith('After 1,256 updates')


def test_cost(page):
    front, total = page['front'], page['cost'].loc['all']
    assert front['mean'].is_monotonic_increasing and front['FLOPs'].is_monotonic_increasing
    assert 0 < total['lost'] < 1 and 0 <= total['after'] < 1
    said = page['cost_says'](dict(lost=.5, seconds=7200, after=.25), front.iloc[0], front.iloc[-1])
    assert said.startswith('50 % of 2.0 hours') and '25 % of the epochs' in said


def test_full_scale(page):
    says = page['full_says']
    scores = pd.Series([.53, .54, .55])
    assert 'lies inside it' in says(scores, .549, 13) and 'lies above it' in says(scores, .9, 13)
    assert 'lies below it, -44.0' in says(scores, .1, 13)
    assert .52 < page['full']['test accuracy'].mean() < .57


def test_legend_hides_no_point():
    assert 'bbox_to_anchor=(1, 1)' in cell(PAGE, 'fig-tradeoff')
