"""Checks of the projects: every way to be wrong that we could think of is caught and told apart, other styles of being
right pass. The runs are invented, so that sixty sweeps take seconds."""
import numpy as np
import pandas as pd
import pytest
from deepsweep.projects_nets import attempt_table, check_brightest, check_rate_edge, check_small_cnn, invent_runs
from deepsweep.runs import RunStore

MLP = dict(hidden_layers=[64, 64], num_epochs=5, weights=55_050, per_epoch=94)
CNN = dict(conv_layers=[8], kernel_size=3, num_epochs=5, weights=1500, per_epoch=94)


def curve(top, epochs=5):
    "An accuracy that rises to `top`"
    return [.1, *np.linspace(.6, top, epochs)]


def nets(kind, tops, seeds=None, **more):
    "A run per score, seeds from 0 on"
    seeds = range(len(tops)) if seeds is None else seeds
    return [kind | dict(seed=s, accuracy=curve(top)) | more for s, top in zip(seeds, tops)]


RIVAL = nets(MLP, [.813, .799, .809]*2)
GOOD = nets(CNN, [.84, .83, .84]*2)


@pytest.fixture
def store(tmp_path):
    store = RunStore(tmp_path/'runs.db')
    yield store
    store.close()


def small(store, rows, rival=RIVAL, **asked):
    "What the check says about invented runs"
    if rival:
        invent_runs(store, 'two_nets', rival)
    invent_runs(store, 'mine', rows)
    return check_small_cnn('mine', store=store, **asked)


SLOW = nets(CNN, [.85]*6, num_epochs=9)
WRONG_SMALL = {      # what is wrong -> runs, a part of the message
    'one run': (nets(CNN, [.86]), 'luck of its seed'),
    'eight settings, one run each': ([o for i in range(8) for o in nets(CNN | dict(learning_rate=.01*(i+1)), [.8 + .01*i])],
                                     'luck of its seed'),
    'two seeds': (nets(CNN, [.85, .85]), 'shares 2 seeds'),
    'three seeds, all far better': (nets(CNN, [.95, .95, .95]), 'shares 3 seeds'),
    'seeds the rival lacks': (nets(CNN, [.85]*6, seeds=range(6, 12)), 'Pairs need equal seeds'),
    'four of six seeds fit': (nets(CNN, [.85]*6, seeds=range(2, 8)), 'shares 4 seeds'),
    'six seeds of six settings': ([nets(CNN | dict(learning_rate=.01*(s+1)), [.85], seeds=[s])[0] for s in range(6)],
                                  'luck of its seed'),
    'a worse net': (nets(CNN, [.70, .71, .70]*2), 'MLP is better'),
    'the interval holds 0': (nets(CNN, [.83, .78, .82]*2), 'cannot be told from luck'),
    'equal to the MLP': (nets(CNN, [.814, .799, .808]*2), 'cannot be told from luck'),
    'a better one was tried once': (nets(CNN, [.83, .78, .82]*2) + nets(CNN | dict(learning_rate=.3), [.9]),
                                    'Only tried so far: learning_rate 0.3'),
    'a good setting, then a worse one repeated': (GOOD + nets(CNN | dict(learning_rate=.3), [.7]*6), 'learning_rate 0.3) minus'),
    'thirteen runs': (GOOD + nets(CNN | dict(learning_rate=.3), [.5]*7), 'budget is 12'),
    'thirteen runs, most of them broken': (GOOD + nets(CNN | dict(learning_rate=9.), [.1]*7, state='diverged'), 'budget is 12'),
    'thirteen runs, most of them errors': (GOOD + nets(CNN | dict(learning_rate=9.), [.1]*7, state='failed'), 'budget is 12'),
    'too many epochs': (SLOW, 'budget is 5 each'),
    'more updates by small batches': (nets(CNN, [.85]*6, batch_size=8, per_epoch=375), 'fewer than its 1875 updates'),
    'too many weights': (nets(CNN, [.85]*6, weights=9098), 'more than 3,000'),
    'one weight too many': (nets(CNN, [.85]*6, weights=3001), 'more than 3,000'),
    'only the small one is bad': (nets(CNN, [.85]*6, weights=9098) + nets(CNN, [.7]*6), 'MLP is better'),
    'an MLP called CNN': (nets(MLP | dict(hidden_layers=[3], weights=2000), [.85]*6, variant='CNN'), 'no CNN'),
    'other images': (nets(CNN, [.99]*6, images='digits'), 'other images'),
    'two sets of images': (GOOD[:5] + nets(CNN, [.85], seeds=[5], images='b'), 'same images'),
    'not ended': (GOOD[:5] + nets(CNN, [.85], seeds=[5], state='interrupted'), 'not ended'),
    'nothing but errors': (nets(CNN, [.85]*6, state='failed'), 'every run stopped with an error'),
    'an error in the place of a seed': (GOOD[:5] + nets(CNN, [.85], seeds=[5], state='failed'), 'shares 5 seeds'),
    'the sixth diverged before it had a score': (GOOD[:5] + [CNN | dict(seed=5, accuracy=[.1], state='diverged')],
                                                 'shares 5 seeds'),
}


@pytest.mark.parametrize('case', WRONG_SMALL)
def test_wrong_small_nets(store, case):
    rows, part = WRONG_SMALL[case]
    said = small(store, rows)
    assert said.startswith('not yet: ') and part in said


WRONG_RIVALS = {
    'none': ([], 'not in the store'),
    'a CNN': (nets(CNN, [.8]*6), 'not in the store'),
    'nothing but errors': (nets(MLP, [.8]*6, state='failed'), 'not in the store'),
    'one seed': (RIVAL[:1], 'has 1 seed.'),
    'three seeds': (RIVAL[:3], 'has 3 seeds.'),
    'six seeds of six settings': ([o | dict(learning_rate=.01*(i+1)) for i, o in enumerate(RIVAL)], 'has 1 seed.'),
    'hardly trained': (nets(MLP, [.3, .31, .3]*2), 'weak rival'),
    'trained for an epoch': ([o | dict(accuracy=o['accuracy'][:2], num_epochs=1) for o in RIVAL], 'made fewer'),
    'on other images': ([o | dict(images='b') for o in RIVAL], 'other images'),
}


@pytest.mark.parametrize('case', WRONG_RIVALS)
def test_wrong_rivals(store, case):
    rows, part = WRONG_RIVALS[case]
    said = small(store, GOOD, rival=rows)
    assert said.startswith('not yet: ') and part in said


def test_small_messages_tell_misconceptions_apart():
    "Each named belief has its own message; synonyms of one belief share it"
    assert len({part for _, part in [*WRONG_SMALL.values(), *WRONG_RIVALS.values()]}) >= 15
    assert len(WRONG_SMALL) + len(WRONG_RIVALS) >= 20


BAD_RIVALS = {      # beside the one of the page they change nothing
    'a bad rate': [o | dict(learning_rate=.0001, accuracy=curve(.75)) for o in RIVAL],
    'an epoch only': [o | dict(num_epochs=1, accuracy=[.1, .71]) for o in RIVAL],
    'other images': [o | dict(images='b', accuracy=curve(.71)) for o in RIVAL],
    'errors': [o | dict(learning_rate=.3, state='failed', accuracy=curve(.71)) for o in RIVAL],
    'one lucky seed of another setting': [RIVAL[0] | dict(learning_rate=.02, accuracy=curve(.99))],
}


@pytest.mark.parametrize('case', BAD_RIVALS)
def test_the_rival_is_one_setting(store, case):
    for rows in (GOOD, nets(CNN, [.83, .78, .82]*2)):
        said = small(store, rows)
        invent_runs(store, 'two_nets', BAD_RIVALS[case])
        assert check_small_cnn('mine', store=store) == said
    invent_runs(store, 'two_nets', [o | dict(learning_rate=.04, accuracy=curve(.9)) for o in RIVAL])
    assert 'MLP is better' in check_small_cnn('mine', store=store)


RIGHT_SMALL = {
    'six runs': GOOD,
    'a search with another seed first': nets(CNN | dict(learning_rate=.3), [.5], seeds=[9]) + nets(CNN, [.7], seeds=[9]) + GOOD,
    'tries afterwards': GOOD + nets(CNN | dict(learning_rate=.3), [.5], seeds=[9]),
    'an error was tried too': GOOD + nets(CNN | dict(learning_rate=9.), [.2], state='failed'),
    'a large net was tried too': nets(CNN, [.9]*6, weights=9098) + GOOD,
    'an MLP was tried too': nets(MLP | dict(hidden_layers=[8]), [.7]) + GOOD,
    'in two layers with momentum': nets(CNN | dict(conv_layers=[4, 4], momentum=.9), [.84, .83, .84]*2),
    'fewer epochs': nets(CNN | dict(num_epochs=3), [.84, .83, .84]*2),
    'in any order': GOOD[::-1],
    'a net that diverged was tried too': GOOD + nets(CNN | dict(learning_rate=9.), [.2], state='diverged'),
    'early-stopped': nets(CNN, [.84, .83, .84]*2, state='early-stopped'),
}


@pytest.mark.parametrize('case', RIGHT_SMALL)
def test_right_small_nets(store, case):
    assert small(store, RIGHT_SMALL[case]).startswith('right: ')


def test_limits_are_asked_for(store):
    assert 'more than 1,000' in small(store, GOOD, most_weights=1000)
    assert 'budget is 2' in check_small_cnn('mine', store=store, most_runs=2)
    assert 'deserves 7' in check_small_cnn('mine', store=store, least_seeds=7)
    assert check_small_cnn('mine', store=store, most_weights=1500).startswith('right')


def test_not_attempted(store, tmp_path):
    invent_runs(store, 'two_nets', RIVAL)
    assert check_small_cnn('mine', store=store) == check_rate_edge('mine', store=store) == 'not attempted'
    nowhere = tmp_path/'nothing.db'
    assert check_small_cnn('mine', store=nowhere) == check_rate_edge('mine', store=nowhere) == 'not attempted'
    assert not nowhere.exists() and attempt_table('mine', nowhere).empty


# ---- the edge of the rate -----------------------------------------------------------------------------------------
ENDS = {'+': curve(.7), '-': [.1, .5, .3, .1, .1, .1], 'c': [.1, .5, .35, .34, .35, .35]}


def at(rate, ends, **more):
    "Runs at one rate that learn (+), die (-) or are crippled (c), seeds from 0 on"
    usual = dict(learning_rate=rate, num_epochs=5, hidden_layers=[64, 64], per_epoch=94)
    return [usual | dict(seed=i, accuracy=ENDS[o]) | more for i, o in enumerate(ends)]


FOUND = at(.5, '++') + at(1.5, '--')
LOST = dict(loss=[2.3, float('nan')], accuracy=[.1, float('nan')], state='diverged')
WRONG_EDGE = {
    'one run': (at(.5, '+'), 'one rate'),
    'one rate, two ends': (at(.8, '+-'), 'one rate'),
    'all learn': (at(.1, '++') + at(.5, '++'), 'at every rate'),
    'crippled is not dead': (at(.1, '++') + at(.5, 'cc'), 'at every rate'),
    'all die': (at(2, '--') + at(5, '--'), 'at no rate you tried does the net learn'),
    'some die everywhere': (at(.5, '+-') + at(1, '+-'), 'at no rate you tried does the net learn'),
    'some die at the top': (at(.5, '++') + at(1, '+-'), 'zone between'),
    'slow is not dead': (at(1e-5, '--') + at(.5, '++'), 'Too slow'),
    'slow is not dead, three rates': (at(1e-6, '-') + at(1e-5, '--') + at(.1, '++'), 'Too slow'),
    'far apart': (at(.01, '++') + at(10, '--'), 'factor of 1e+03'),
    'a little too far': (at(.5, '++') + at(2.1, '--'), 'factor of 4.2'),
    'a linear grid': (at(.1, '+') + at(1.1, '-') + at(2.1, '-') + at(3.1, '-') + at(4.1, '-'), 'Rates multiply'),
    'one seed at both ends': (at(.5, '+') + at(1.5, '-'), 'at 0.5 and 1.5 you have one run'),
    'one seed below': (at(.5, '+') + at(1.5, '--'), 'at 0.5 you have one run'),
    'one seed above': (at(.5, '++') + at(1.5, '-'), 'at 1.5 you have one run'),
    'luck below': (at(.1, '++') + at(.5, '-') + at(1., '++'), 'a larger rate, it learns'),
    'two nets': (at(.5, '++') + at(1.5, '--', hidden_layers=[8]), 'differ in hidden_layers'),
    'momentum too': (at(.5, '++') + at(1.5, '--', momentum=.9), 'differ in momentum'),
    'another optimizer': (at(.5, '++') + at(1.5, '--', optimizer='adam'), 'differ in optimizer'),
    'other batches': (at(.5, '++') + at(1.5, '--', batch_size=256), 'differ in batch_size'),
    'longer at one end': (at(.5, '++') + at(1.5, '--', num_epochs=8), 'differ in num_epochs'),
    'too short': (at(.5, '++', per_epoch=20) + at(1.5, '--', per_epoch=20), 'learn for a while'),
    'nine runs': (FOUND + at(3, '--') + at(6, '--') + at(9, '-'), 'budget is 8'),
    'not ended': (at(.5, '++') + at(1.5, '--', state='interrupted'), 'not ended'),
    'an error is no death': (at(.5, '++') + at(1.5, '--', state='failed'), 'one rate'),
    'other images at one end': (at(.5, '++') + at(1.5, '--', images='b'), 'same images'),
}


def edge(store, rows, **asked):
    invent_runs(store, 'mine', rows)
    return check_rate_edge('mine', store=store, **asked)


@pytest.mark.parametrize('case', WRONG_EDGE)
def test_wrong_edges(store, case):
    rows, part = WRONG_EDGE[case]
    said = edge(store, rows)
    assert said.startswith('not yet: ') and part in said


def test_edge_messages_tell_misconceptions_apart():
    assert len(WRONG_EDGE) >= 20 and len({part for _, part in WRONG_EDGE.values()}) >= 15


RIGHT_EDGE = {
    'two rates': FOUND,
    'exactly the factor': at(.5, '++') + at(2, '--'),
    'with a zone': at(.5, '++') + at(.8, '+-') + at(1.5, '--'),
    'by halves from far': at(.01, '+') + at(10, '-') + at(.5, '++') + at(1.5, '--'),
    'not a number': at(.5, '++') + at(1.5, '--', **LOST),
    'crippled counts as alive': at(.5, 'cc') + at(1.5, '--'),
    'slow ones below': at(1e-6, '-') + at(.5, '++') + at(1.5, '--'),
    'in any order': FOUND[::-1],
    'a CNN': at(.5, '++', hidden_layers=[], conv_layers=[8]) + at(1.5, '--', hidden_layers=[], conv_layers=[8]),
    'other names for the parts': at(.5, '++', variant='low') + at(1.5, '--', variant='high'),
}


@pytest.mark.parametrize('case', RIGHT_EDGE)
def test_right_edges(store, case):
    assert edge(store, RIGHT_EDGE[case]).startswith('right: ')


def test_messages_name_no_rate_that_works(store):
    "What a check says of a failed search holds only rates that were tried"
    said = edge(store, at(.01, '++') + at(10, '--'))
    assert not {'0.5', '1.5', '0.3', '1 '} & set(said.replace(',', ' ').split())


# ---- the brightest class ------------------------------------------------------------------------------------------
def best(fn):
    "The class with the largest `fn(its images)`"
    return lambda x, y, names: names[max(range(len(names)), key=lambda c: float(fn(x[y == c])))]


WRONG_BRIGHT = {
    'sum': (best(lambda o: o.float().sum()), 'added up'),
    'sum of image means': (best(lambda o: o.float().mean((1, 2, 3)).sum()), 'added up'),
    'number of images': (best(len), 'added up'),
    'brightest image': (best(lambda o: o.float().mean((1, 2, 3)).max()), 'single image'),
    'brightest pixel': (best(lambda o: o.max()), 'brightest pixel'),
    'contrast': (best(lambda o: o.float().std()), 'contrast'),
    'contrast of images': (best(lambda o: o.float().std((1, 2, 3)).mean()), 'contrast'),
    'darkest': (best(lambda o: -o.float().mean()), 'darkest'),
    'first class': (lambda x, y, names: names[0], 'first class'),
    'first image': (lambda x, y, names: names[int(y[0])], 'first image'),
    'last class': (lambda x, y, names: names[-1], 'another class'),
    'number for a name': (lambda x, y, names: int(y[0]), 'yours is'),
    'tensor': (lambda x, y, names: y[0], 'Tensor'),
    'a score': (lambda x, y, names: x.float().mean().item(), 'float'),
    'typed in': (lambda x, y, names: 'Bag', 'is no class'),
    'the letter': (lambda x, y, names: 'a', 'is no class'),
    'mean of bytes': (best(lambda o: o.mean()), 'raised RuntimeError'),
    'no such name': (lambda x, y, names: data.classes, 'raised NameError'),
    'two arguments': (lambda x, y: 'a', 'raised TypeError'),
    'no function': (3, 'raised TypeError'),
    'sums of rows': (best(lambda o: o.float().sum((1, 2, 3)).sum()), 'added up'),
}


@pytest.mark.parametrize('case', WRONG_BRIGHT)
def test_wrong_brightest(case):
    fn, part = WRONG_BRIGHT[case]
    said = check_brightest(fn)
    assert said.startswith('not yet: ') and part in said


def by_table(x, y, names):
    level = pd.Series(x.numpy().reshape(len(x), -1).mean(1)).groupby(y.numpy()).mean()
    return names[int(level.idxmax())]


def by_loop(x, y, names):
    sums, counts = [0.]*len(names), [0]*len(names)
    for image, label in zip(x, y):
        sums[int(label)] += float(image.double().mean())
        counts[int(label)] += 1
    return names[int(np.argmax(np.array(sums)/counts))]


@pytest.mark.parametrize('fn', [best(lambda o: o.float().mean()), best(lambda o: o.numpy().mean()), by_table, by_loop])
def test_right_brightest(fn):
    assert check_brightest(fn).startswith('right: ')


def test_untouched_brightest():
    def left_over(x, y, names): raise NotImplementedError
    for stub in (left_over, lambda x, y, names: None, lambda x, y, names: ...):
        assert check_brightest(stub).startswith('not attempted')
