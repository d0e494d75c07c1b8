"The sentences of the page on judging, with numbers that make them true and with numbers that would make them false"
from types import SimpleNamespace
import numpy as np
import pandas as pd
import pytest
from pages import cell, load, run_page, solutions

PAGE = 'studies/01_is_it_real'

@pytest.fixture(scope='module')
def words():
    names = dict(np=np, pd=pd)
    return load(PAGE, 'spread-words', 'mcnemar-words', 'pairs-words', 'split-words', **names)

def test_how_far_apart(words):
    apart = words['how_far_apart']
    assert '5.0 points above the worst' in apart(pd.Series([.80, .85])) and 'says nothing here' in apart(pd.Series([.80, .85]))
    steady = apart(pd.Series([.80, .805]))
    assert 'steadier' in steady and 'says nothing' not in steady
    assert apart(pd.Series([.80, .85]), 2).startswith('**You said 2 points.**')
    assert 'You said' not in apart(pd.Series([.80, .85]))

@pytest.mark.parametrize('first, second, p, told', [
    (70, 30, .001, 'the first net is the better one'),
    (30, 70, .001, 'the second net is the better one'),
    (52, 48, .76, 'too often to rule luck out'),
    (48, 52, .76, 'too often to rule luck out'),
])
def test_mcnemar(words, first, second, p, told):
    said = words['what_disagreements_say'](first, second, p, (first-second)/1000, .02, .03)
    assert told in said and f'{first} images only the first' in said and f'{second} only the second' in said

@pytest.mark.parametrize('low, high, told', [
    (.01, .03, 'The smaller rate is better'),
    (-.03, -.01, 'The larger rate is better'),
    (-.01, .03, 'cannot tell'),
])
def test_pairs(words, low, high, told):
    said = words['what_the_pairs_say'](SimpleNamespace(mean=(low+high)/2, low=low, high=high, n=10), .01, .03)
    assert told in said and sum(o in said for o in ('is better', 'cannot tell')) == 1

@pytest.mark.parametrize('split, told', [([.70, .80, .90], 'more than'), ([.80, .81, .82], 'about as much as'),
                                         ([.810, .8101, .8102], 'less than')])
def test_splits(words, split, told):
    said = words['what_splits_say'](np.array(split), pd.Series([.80, .81, .82]))
    assert told in said and '3 splits' in said

@pytest.fixture(scope='module')
def page():
    "The page with its solutions filled in, run once"
    return run_page(PAGE, solved=True)

def test_what_the_page_says_of_its_runs(page):
    scores = page['scores']
    assert scores.shape == (10, 2) and list(scores) == [.01, .03]
    # section 3 and the caption: .01 is higher and narrower, nearly all lines fall from left to right
    assert scores[.01].mean() > scores[.03].mean() and scores[.01].std() < scores[.03].std()
    assert (scores[.01] > scores[.03]).sum() >= 8
    # section 5: counting in pairs is never wider by much
    assert page['paired'] < page['unpaired'] and page['only_first'] + page['only_second'] > 20

def test_solutions_are_right(page):
    assert set(solutions(PAGE)) == {'blanks', 'project'}
    check = page['check_question']
    store = f"{page['scratch'].name}/deepsweep.db"
    assert check(page['dropout_answer'], 'dropout_question', store).startswith('right')
    assert check(page['my_answer'], 'my_question', store).startswith('right')
    assert check(page['answer'], 'ten_seeds', store).startswith('right')

def test_solution_is_off_the_page():
    assert '...' in cell(PAGE, 'blanks') and '...' in cell(PAGE, 'project')
