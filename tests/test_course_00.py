"The sentences of the first page, with numbers that make them true and with numbers that would make them false"
import math
import pytest
from deepsweep.data import load_data
from deepsweep.sweep import run_sweep
from pages import cell, load

PAGE = 'studies/00_first_sweep'

@pytest.fixture(scope='module')
def page():
    names = load(PAGE, 'imports', 'explain-words', 'open-words')
    yield names
    names['scratch'].cleanup() if 'scratch' in names else None

@pytest.mark.parametrize('cnn, mlp, n, verdict', [
    (.86, .80, 1000, "the article's order"),
    (.80, .86, 1000, 'the other way round'),
    (.86, .85, 1000, 'may be luck'),
    (.85, .86, 1000, 'may be luck'),
    (.86, .80, 100, 'may be luck'),
    (.86, .85, 100_000, "the article's order"),
])
def test_which_net(page, cnn, mlp, n, verdict):
    said = page['which_net'](dict(CNN=cnn, MLP=mlp), n)
    assert verdict in said and f'{n:,} validation images' in said and f'{100*abs(cnn-mlp):.1f} points apart' in said

@pytest.mark.parametrize('size, score, told', [
    (dict(CNN=10, MLP=20), dict(CNN=.9, MLP=.8), 'The MLP has 20 weights, the CNN 10: here more weights did not help'),
    (dict(CNN=10, MLP=20), dict(CNN=.8, MLP=.9), 'went with a higher score'),
    (dict(CNN=30, MLP=20), dict(CNN=.9, MLP=.8), 'The CNN has 30 weights, the MLP 20: here more weights went with'),
    (dict(CNN=30, MLP=20), dict(CNN=.8, MLP=.9), 'did not help'),
    (dict(CNN=30, MLP=20), dict(CNN=.85, MLP=.85), 'here neither scores higher, so more weights did not help'),
    (dict(CNN=20, MLP=20), dict(CNN=.9, MLP=.8), 'Both have 20 weights.'),
])
def test_which_weights(page, size, score, told):
    assert told in page['which_weights'](size, score)

def test_no_score(page):
    "A rate, or a net, at which every run diverged"
    nan = math.nan
    told = [page['how_fast'](.3, nan, .1), page['how_slow'](.003, nan, nan), page['which_net'](dict(CNN=nan, MLP=.8), 1000)]
    for o in told:
        assert 'no score' in o or 'no run has a score' in o
        assert 'nan' not in o and 'learns' not in o and 'best epoch' not in o and 'Verdict' not in o, o

def test_how_fast(page):
    assert 'too large' in page['how_fast'](.3, .12, .1)
    assert 'still learns' in page['how_fast'](.3, .8, .1) and 'too large jump' not in page['how_fast'](.3, .8, .1)

def test_how_slow(page):
    assert 'still learning' in page['how_slow'](.003, 4, 4)
    assert 'stopped getting better' in page['how_slow'](.003, 3, 4)

@pytest.mark.parametrize('best, told', [(.1, 'inside'), (.3, 'at the border'), (.01, 'at the border')])
def test_how_far(page, best, told):
    assert told in page['how_far']([.01, .1, .3], best)

@pytest.mark.parametrize('valid, test, told', [
    (.86, .80, 'The winner scores 6.00 points less on the test images.'),
    (.80, .86, 'The winner scores 6.00 points more on the test images.'),
    (.86, .86, 'The winner scores as much, to a hundredth of a point, on the test images.'),
    (.86, .80, 'points to luck: luck with the images alone rarely makes so large a gap.'),
    (.80, .86, 'points to luck: luck with the images alone rarely makes so large a gap.'),
    (.86, .85, 'points to luck: a gap like this needs no other reason.'),
    (.86, .86, 'points to luck: a gap like this needs no other reason.'),
])
def test_what_the_test_says(page, valid, test, told):
    said = page['what_the_test_says'](valid, 1000, test, 2000)
    assert told in said and '0.00 points more' not in said and 'so this is' not in said

def test_same_numbers_again(tmp_path):
    "What the page says of one machine; that another one gives other numbers cannot be tested on it"
    sweep = dict(name='again', method='grid', parameters=dict(
        conv_layers={'value': [4]}, kernel_size={'value': 3}, hidden_layers={'value': [8]},
        learning_rate={'values': [.1, .03]}, num_epochs={'value': 2}))
    data = load_data('fashion_mini', n_train=600, n_valid=300)
    losses = []
    for name in ('one', 'two'):
        result = run_sweep(sweep, data, store=str(tmp_path/f'{name}.db'), progress=False)
        losses.append(result.history_table().sort_values(['run', 'epoch'])['valid loss'].tolist())
        result.store.close()
    assert losses[0] == losses[1]

def test_solution_is_off_the_page():
    assert 'return' not in cell(PAGE, 'exercise') and '...' in cell(PAGE, 'project')
