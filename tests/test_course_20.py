"""The lesson on two kinds of nets: what its prose says is computed from numbers, and says the contrary of other numbers"""
import itertools
import numpy as np
import pandas as pd
import pytest
import torch
import torch.nn.functional as F
from pages import load, run_page
from deepsweep.statistics import Difference

PAGE = 'studies/20_cifar10_nets'


@pytest.fixture(scope='module')
def light():
    "The names of the cells that train nothing"
    names = load(PAGE, 'imports', 'predict', 'edges', 'size', 'nets')
    for cell in ('weights-read', 'geometry', 'loss', 'loss-bug-code', 'balanced', 'shuffle'):
        names = load(PAGE, cell, **names)
    return names


def test_one_window_is_one_pixel(light):
    by_hand, maps = (light[o] for o in ('by_hand', 'maps'))
    image, upright = light['boot'], light['upright']
    row, col = light['row'], light['col']
    window = (image[0, row:row+3, col:col+3]*upright).sum()
    torch.testing.assert_close(window, maps['left to right'][row, col])
    assert window > 1 and maps['left to right'].shape == (26, 26)


def test_size_formula(light):
    for kernel, padding, stride in itertools.product((1, 3, 5, 7), range(4), (1, 2, 3)):
        assert light['conv_size'](32, kernel, padding, stride) == light['torch_size'](32, kernel, padding, stride)
    assert [light['conv_size'](*o) for o in ((32, 5), (32, 5, 2), (32, 5, 3))] == [28, 32, 34]


def test_geometry_is_the_articles(light):
    g = light['geometry'].set_index(['conv layers', 'padding'])
    article = [(2, 0), (3, 3), (5, 3)]
    assert g.loc[article, 'weights, 256 filters'].tolist() == [2_486_346, 4_125_002, 6_714_186]
    assert g.loc[(5, 3), 'weights, 32 filters'] < g.loc[(2, 0), 'weights, 32 filters']
    into = 'into the head, a filter'
    assert g.loc[[*article, (2, 'same'), (5, 'same')], into].tolist() == [25, 25, 4, 64, 1]


def test_loss_by_hand(light):
    torch.testing.assert_close(light['by_hand'], F.cross_entropy(light['logits'], light['y']))
    assert round(light['printed'].item(), 2) == 3.25 and abs(light['optimised'] - np.log(10)) < 1e-6
    p, one_hot = light['p'], light['one_hot']
    yes_or_no = F.binary_cross_entropy_with_logits(torch.logit(p), one_hot, reduction='sum')
    torch.testing.assert_close(light['printed'], yes_or_no)


def test_balanced(light):
    same, skewed = light['balanced'].iloc[0], light['balanced'].iloc[1]
    assert abs(same['accuracy'] - same['balanced accuracy']) < 1e-9
    assert skewed['accuracy'] > skewed['balanced accuracy'] + .1


def test_shuffling_keeps_every_number(light):
    images, mixed = light['data'].x_train[:50], light['mixed'].x_train[:50]
    assert not torch.equal(images, mixed)
    assert torch.equal(images.flatten(1).sort(1).values, mixed.flatten(1).sort(1).values)
    assert light['mixed'].fingerprint != light['data'].fingerprint


def layers(*weights): return pd.DataFrame({'parameters': weights})


def test_weights_sentence(light):
    say = light['weights_sentence']
    assert 'The MLP has more' in say(layers(90, 10), layers(5, 20), None)
    assert 'The CNN has more' in say(layers(9, 1), layers(5, 20), 'CNN') and 'you said CNN' in say(layers(9), layers(99), 'CNN')
    assert 'That is most of them' in say(layers(90), layers(5, 20), None)
    assert 'Most lie in its filters' in say(layers(90), layers(50, 20), None)


def scores(mlp, cnn):
    "Scores by net, part and seed; each a pair (as they are, shuffled) of triples"
    rows = {(net, seed): {'as they are': pair[0][seed], 'shuffled': pair[1][seed]}
            for net, pair in (('MLP', mlp), ('CNN', cnn)) for seed in range(3)}
    table = pd.DataFrame(rows).T
    return table.rename_axis(['variant', 'seed'])


@pytest.fixture(scope='module')
def say(light):
    names = dict(light, scores=scores(([.8]*3, [.8]*3), ([.8]*3, [.8]*3)))
    return load(PAGE, 'lost-read', **names)


FLAT = [.80, .81, .79], [.801, .809, .791]
LOSES = [.85, .86, .84], [.80, .81, .79]
GAINS = LOSES[::-1]


def test_lost_sentence(say):
    line = lambda table, name: next(o for o in say['lost_sentence'](table, None).splitlines() if f'*{name}' in o)
    assert line(scores(FLAT, LOSES), 'MLP:').endswith('cannot be told from luck.')
    assert line(scores(FLAT, LOSES), 'CNN:').endswith('it lost.')
    assert line(scores(GAINS, FLAT), 'MLP:').endswith('it gained.')
    assert line(scores(FLAT, LOSES), 'CNN minus MLP, as they are').endswith('the CNN is ahead.')
    assert line(scores(LOSES, FLAT), 'CNN minus MLP, as they are').endswith('the MLP is ahead.')
    assert line(scores(FLAT, LOSES), 'CNN minus MLP, shuffled').endswith('cannot be told from luck.')
    assert 'you said 3' in say['lost_sentence'](scores(FLAT, LOSES), 3)
    assert '-5.0 points' in line(scores(FLAT, LOSES), 'CNN:') and 'n = 3' in line(scores(FLAT, LOSES), 'CNN:')


def test_effect_words(say):
    words = say['effect_words']
    for low, high, told in ((.1, .2, 'more'), (-.2, -.1, 'less'), (-.1, .1, 'cannot be told from luck')):
        assert words(Difference((low + high)/2, low, high, 3), 'more', 'less') == told


def test_solved_page():
    "The solutions are right answers, a changed number breaks nothing, and the captions are true"
    names = run_page(PAGE, solved=True, changed=(
        ('predict', ('my_map  = None', 'my_map  = 27')), ('edges', ('row, col = 7, 13', 'row, col = 12, 15'))))
    check = names['check_small_cnn']
    assert names['my_map'] == 27
    store = names['as_is'].store
    assert check('small_cnn', store=store).startswith('right: ')
    assert check('my_cnn', most_weights=2000, store=store).startswith('right: ')
    assert check('two_nets', most_weights=10_000, store=store).startswith('right: ')
    mean = names['scores'].groupby('variant').mean()
    lost = mean['as they are'] - mean['shuffled']
    assert lost['CNN'] > .025 and abs(lost['MLP']) < .025            # what figure and prose say
    assert mean.loc['CNN', 'as they are'] > mean.loc['MLP', 'as they are'] + .02
    assert abs(mean.loc['CNN', 'shuffled'] - mean.loc['MLP', 'shuffled']) < .03
