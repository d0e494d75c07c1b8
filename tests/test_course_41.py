"The course page on W&B: what its cells compute, and what its sentences say of other numbers"
import pandas as pd
import pytest
from pages import run_page

pytest.importorskip('wandb')
PAGE = 'studies/41_wandb'


@pytest.fixture(scope='module')
def page():
    return run_page(PAGE, solved=True)


def test_right_answer(page):
    check = page['check_winner']
    assert check(page['pick_winner']).startswith('right')
    wrong = lambda df: df[df['epoch'] == df['epoch'].max()].set_index('run')['valid accuracy'].idxmax()
    assert 'last epoch only' in check(wrong)


def test_files_hold_what_the_store_holds(page):
    ours = page['result'].best_table()
    theirs = page['df_history_max_test_acc'].set_index('name')['valid accuracy']
    assert (theirs.loc[ours['run']].to_numpy() == ours['valid accuracy'].to_numpy()).all()
    assert len(page['df_history_summary']) == len(page['result'].history_table())
    assert set(page['df_config_summary']['state']) == {'finished'} and page['epochs'] == 25
    assert page['equal'] and len(page['config']) == 10


def test_best_so_far(page):
    assert (page['top'] == page['at_best'].loc[page['top'].index]).all() and len(page['best']) == 10
    assert (page['at_best'] >= page['at_last']).all() and page['at_end'] < 10


LABEL = dict(a='32, rate 0.1', b='128, rate 0.2')
BEST, LAST = pd.Series(dict(a=.80, b=.79)), pd.Series(dict(a=.70, b=.75))


def test_what_came_out(page):
    says = page['came_out_says']
    assert says(1, 10, True) == 'The best epoch is the last one in 1 of 10 runs, and the same run is on top of the two orders.'
    assert 'another run is' in says(1, 10, False)


@pytest.mark.parametrize('count, guess, told', [
    (3, True, ' You said: 3 of them, and "the same run on top" is True.'),
    (0, False, ' You said: 0 of them, and "the same run on top" is False.'),
    (3, None, ' You said: 3 of them.'),
    (None, False, ' You said: "the same run on top" is False.'),
    (None, None, 'of the two orders.'),
])
def test_what_was_guessed(page, count, guess, told):
    said = page['came_out_says'](1, 10, True, count, guess)
    assert said.endswith(told) and 'None' not in said


def test_winners(page):
    says = page['winners_say']
    assert 'value* 128, rate 0.2: it stands at 0.750 at the end and had 0.790' in says(LABEL, BEST, LAST)
    assert 'value* the same' in says(LABEL, BEST, BEST)


def test_fall(page):
    said = page['fall_says'](LABEL, BEST, LAST)
    assert 'lower by 7.0 points on average, by 10.0 for 32, rate 0.1' in said and 'agree to -1.00' in said


def test_sure(page):
    says = page['sure_says']
    assert 'nobody can tell' in says(BEST, 1000) and 'do not explain it' in says(BEST, 1_000_000)


def test_goal(page):
    assert 'marks 32, rate 0.1 as the best run, at 0.700' in page['goal_says'](LABEL, LAST)
