"The sentences of the first page, with numbers that make them true and with numbers that would make them false"
import pytest
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
])
def test_which_weights(page, size, score, told):
    assert told in page['which_weights'](size, score)

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
    (.86, .80, 'less on the test images'),
    (.80, .86, 'more on the test images'),
    (.86, .80, 'more than two sets of images differ by alone'),
    (.86, .85, 'alone can differ by that much'),
])
def test_what_the_test_says(page, valid, test, told):
    assert told in page['what_the_test_says'](valid, 1000, test, 2000)

def test_solution_is_off_the_page():
    assert 'return' not in cell(PAGE, 'exercise') and '...' in cell(PAGE, 'project')
