"Checks of exercises: whatever is handed in, a check answers in a sentence; shortcuts are not right, other styles are"
import itertools
import math
import sys
from fractions import Fraction
import numpy as np
import pandas as pd
import pytest
from deepsweep.lessons import (check_difference, check_expected_best, check_honest_score, check_number, check_rate,
                               check_winner)
from deepsweep.projects_nets import check_brightest
from scipy import stats


def check_largest(answer):
    return check_number(answer, [([3, 1, 2],), ([-5, -4],)], max, [min], '')


CHECKS = [check_winner, check_rate, check_difference, check_honest_score, check_expected_best, check_largest,
          check_brightest]
V, H, T = 'valid accuracy', 'hold accuracy', 'train accuracy'


class Unprintable:
    def __str__(self): raise KeyError('no text')
    __repr__ = __str__


class BadError(Exception):
    def __str__(self): raise KeyError('no text')


ODD = [
    None, ..., math.nan, math.inf, -math.inf, 10**400, -10**400, 1j, np.complex128(1j), '', 'x', '123', b'1',
    True, np.True_, [], (), {}, {1: 2}, {1, 2, 3}, [None]*3, [[1, 2, 3]], (0, -1, 10**400), (0, -1, 1j), (0, pd.NA, 1),
    (0, -math.inf, math.inf), (True, False, True), np.array([1, 2]), np.array(5.), np.array([1.]), np.zeros((2, 3)),
    pd.Series([1]), pd.Series(dtype=float), pd.DataFrame({V: [1.]}), pd.NA, pd.NaT, np.datetime64('2020-01-01'),
    np.timedelta64(1, 's'), Fraction(1, 3), range(10**12), object(), len, int, sys,
]
UNPRINTABLE = [10**5000, Unprintable()]


def empty_generator(*args):
    return
    yield


def raising_generator(*args):
    yield 1
    raise KeyError('rate')


def leaving_generator(*args):
    yield 1
    sys.exit(3)


def endless_generator(*args):
    yield from itertools.count()


def recursive(*args): return recursive(*args)
def leaves(*args): sys.exit()
def leaves_with_text(*args): raise SystemExit('bye')
def raises(*args): raise KeyError('rate')
def raises_unprintable(*args): raise BadError
def stops(*args): raise StopIteration
def not_yet_written(*args): raise NotImplementedError
def untouched(*args): ...
def prints(*args): print('the answer')
def too_few(): return 1
def too_many(a, b, c, d, e): return 1


def spoils(first, *args):
    "Empties what came in, and returns nothing"
    if isinstance(first, pd.DataFrame):
        for column in list(first): del first[column]
    elif isinstance(first, list):
        first.clear()
    else:
        first[:] = 0


CALLS = [
    empty_generator, raising_generator, leaving_generator, endless_generator, recursive, leaves, leaves_with_text, raises,
    raises_unprintable, stops, not_yet_written, untouched, prints, too_few, too_many, spoils, None, 3, 'x', int, print, len,
    lambda *args: map(int, ['x']), lambda *args: iter([1, 2, 3]), lambda *args: args,
]


def is_sentence(said):
    return isinstance(said, str) and (said == 'not attempted' or said.startswith(('not yet: ', 'right: ')))


@pytest.mark.parametrize('check', CHECKS)
def test_odd_answers(check, capsys):
    for i, odd in enumerate(ODD + UNPRINTABLE):
        said = check(lambda *args: odd)
        assert is_sentence(said) and not said.startswith('right'), (i, said)
        said = check(lambda *args, turn=itertools.count(): odd if next(turn) else 1.)   # good, then odd
        assert is_sentence(said) and not said.startswith('right'), (i, said)


@pytest.mark.parametrize('check', CHECKS)
def test_odd_functions(check, capsys):
    for call in CALLS:
        said = check(call)
        assert is_sentence(said) and not said.startswith('right'), (call, said)
    for stub in (untouched, not_yet_written, lambda *args: None, lambda *args: ...):
        assert check(stub) == 'not attempted'
    assert 'SystemExit' in check(leaves) and check(leaves_with_text).endswith('SystemExit: bye')
    assert "KeyError: 'rate'" in check(raising_generator) and 'SystemExit: 3' in check(leaving_generator)
    assert 'TypeError' in check(too_few) and 'TypeError' in check(too_many)
    assert 'returned nothing' in check(prints)


@pytest.mark.parametrize('check', CHECKS)
def test_ctrl_c_goes_through(check):
    def interrupted(*args): raise KeyboardInterrupt
    with pytest.raises(KeyboardInterrupt):
        check(interrupted)


def test_sentence_quotes_the_answer_it_judges():
    turn = itertools.cycle([(0, -1, 1), (0, 1), (0, -1, 1)])
    assert check_difference(lambda df: next(turn)).endswith('yours has 2')
    turn = itertools.cycle([(0, -1, 1), 'three', (0, -1, 1)])
    assert check_difference(lambda df: next(turn)).endswith("yours is 'three', str")


def choose(by):
    return lambda df: df.loc[by(df).idxmax(), 'run']


def best_of(rows):
    "The run with the best score among some rows"
    return lambda df: choose(lambda d: d[V])(rows(df))


RUN_SHORTCUTS = [
    *(best_of(lambda df, e=e: df[df['epoch'] == e]) for e in range(6)),
    *(best_of(lambda df, e=e: df[df['epoch'] <= e]) for e in range(4)),
    *(best_of(lambda df, e=e: df[df['epoch'] >= e]) for e in range(2, 6)),
    choose(lambda df: df[V]-df[T]), choose(lambda df: df[V]+df[T]), choose(lambda df: (df[V]-df[T]).abs()),
    choose(lambda df: df[V]+df['test accuracy']), choose(lambda df: df[V]-df['valid loss']),
    choose(lambda df: df[V]-df['train loss']), choose(lambda df: df[V]/df['valid loss']),
    choose(lambda df: df[V]-df['test accuracy']),
    *(lambda df, how=how: df.groupby('run')[V].agg(how).idxmax() for how in
      ('mean', 'sum', 'median', 'min', 'std', 'var', 'first', 'last', 'count', 'prod', 'skew')),
    lambda df: df.groupby('run')[V].agg(np.ptp).idxmax(),
    lambda df: df.sort_values('epoch').groupby('run')[V].agg(lambda v: v.diff().max()).idxmax(),
    lambda df: df.sort_values('epoch').groupby('run')[V].agg(lambda v: v.iloc[-1]-v.iloc[0]).idxmax(),
    lambda df: df.nlargest(2, V)['run'].iloc[-1],
    *(lambda df, k=k: sorted(set(df['run']))[k] for k in range(11)),
    *(lambda df, k=k: df['run'].iloc[k] for k in range(60)),
]


def test_winner_shortcuts():
    for i, pick in enumerate(RUN_SHORTCUTS):
        assert check_winner(pick).startswith('not yet'), (i, check_winner(pick))
    for e in range(5):
        assert 'one epoch only' in check_winner(best_of(lambda df, e=e: df[df['epoch'] == e]))
    assert 'gap between' in check_winner(choose(lambda df: df[V]-df[T]))


def rate_by(over='mean', per='max', key='run', rows=lambda df: df, by=lambda df: df[V]):
    def pick(df):
        d = rows(df)
        d = d.assign(by=by(d))
        return getattr(d.groupby(['learning_rate', key])['by'].agg(per).groupby('learning_rate'), over)().idxmax()
    return pick


def seeds(*chosen): return lambda df: df[df['seed'].isin(chosen)]
def epochs(*chosen): return lambda df: df[df['epoch'].isin(chosen)]


ONE_RUN = [*(rate_by(rows=seeds(s)) for s in range(3)), *(rate_by(o, key=k) for o in ('first', 'last') for k in ('run', 'seed'))]
RATE_SHORTCUTS = [
    *ONE_RUN, *(rate_by(rows=seeds(*o)) for o in itertools.combinations(range(6), 2)), rate_by(rows=seeds(4)),
    *(rate_by(rows=epochs(e)) for e in range(6)),
    *(rate_by(rows=epochs(*range(e))) for e in range(2, 5)), *(rate_by(rows=epochs(*range(e, 6))) for e in range(2, 5)),
    *(rate_by(o, key=k) for o in ('min', 'max', 'sum', 'median', 'std', 'count') for k in ('run', 'seed')),
    *(rate_by(over, per) for over in ('mean', 'max', 'min', 'median', 'sum') for per in
      ('mean', 'median', 'min', 'first', 'last', 'sum', 'std')),
    *(rate_by(by=o) for o in (lambda df: df[V]-df[T], lambda df: df[V]+df[T], lambda df: df[T],
                              lambda df: df['test accuracy'], lambda df: df[V]+df['test accuracy'])),
    lambda df: df.groupby(['learning_rate', 'epoch'])[V].mean().idxmax()[0],
    lambda df: df.groupby(['learning_rate', 'epoch'])[V].median().idxmax()[0],
    lambda df: df.groupby('learning_rate')[V].agg(lambda v: v.nlargest(3).mean()).idxmax(),
    *(lambda df, k=k: sorted(set(df['learning_rate']))[k] for k in range(13)),
    *(lambda df, k=k: df['learning_rate'].iloc[k] for k in range(60)),
    *(lambda df, k=k: df.sort_values('run')['learning_rate'].unique()[k] for k in range(13)),
]


def test_rate_shortcuts():
    for i, pick in enumerate(RATE_SHORTCUTS):
        assert check_rate(pick).startswith('not yet'), (i, check_rate(pick))
    for pick in ONE_RUN:
        assert 'by one of its runs' in check_rate(pick)
    assert 'poorest run' in check_rate(rate_by('min')) and 'median' in check_rate(rate_by('median'))


def interval(n=None, factor=None, root=None, ddof=1):
    def difference(df):
        wide = df.pivot(index='seed', columns='drop_out', values=V)
        d = (wide[.2] - wide[0]).dropna()
        half = (factor or stats.t.ppf(.975, (n or len(d))-1)) * d.std(ddof=ddof)/(root or len(d))**.5
        return d.mean(), d.mean()-half, d.mean()+half
    return difference


def test_difference_shortcuts():
    assert check_difference(interval()).startswith('right')
    for factor in (1.96, 2, 2.0, 2.262, 2.365, 2.447, 2.571, 2.776, 2.78, 3.182, 4.303):
        assert check_difference(interval(factor=factor)).startswith('not yet'), factor
    for n in range(2, 13):
        assert 'one factor for every table' in check_difference(interval(n=n)), n
        assert check_difference(interval(root=n)).startswith('not yet'), n
    assert 'one factor for every table' in check_difference(interval(factor=2.776))


def score_by(by):
    return lambda df: df.loc[by(df).idxmax(), H]


SCORE_SHORTCUTS = [
    *map(score_by, (lambda df: df[V]+df[H], lambda df: df[V]-df[H], lambda df: (df[V]-df[H]).abs(), lambda df: df[V]*df[H],
                    lambda df: df[H]-df[V], lambda df: -(df[V]-df[H]).abs(), lambda df: df[V]-df[T],
                    lambda df: (df[V]-df[T]).abs(), lambda df: df[V]+df[T], lambda df: df[H]+df[T], lambda df: df[H]-df[T],
                    lambda df: df[T], lambda df: df[H], lambda df: -df[V], lambda df: -df[H], lambda df: -df[T],
                    lambda df: df[[V, H]].max(axis=1), lambda df: df[[V, H]].min(axis=1), lambda df: df[[V, H, T]].sum(axis=1),
                    lambda df: df[V]/df[H], lambda df: df[H]/df[V], lambda df: df[V].isna()*1)),
    lambda df: df[H].max(), lambda df: df[H].mean(), lambda df: df[H].median(), lambda df: df[V].max(), lambda df: df[V].mean(),
    lambda df: (df[V].max()+df[H].max())/2, lambda df: df[[V, H]].max(axis=1).max(),
    *(lambda df, k=k: df[H].iloc[k] for k in range(8)), *(lambda df, k=k: df.sort_values('run')[H].iloc[k] for k in range(8)),
    *(lambda df, k=k: df.loc[10+k, H] for k in range(8)),
]


def test_score_shortcuts():
    for i, answer in enumerate(SCORE_SHORTCUTS):
        assert check_honest_score(answer).startswith('not yet'), (i, check_honest_score(answer))
    assert 'both scores together' in check_honest_score(SCORE_SHORTCUTS[0])
    assert all('gap between the two' in check_honest_score(o) for o in SCORE_SHORTCUTS[1:3])


def in_place(answer):
    "A right answer that spoils its argument"
    def spoiling(df):
        df['k'] = 1
        df.index = range(len(df))[::-1]
        found = answer(df)
        del df[V]
        return found
    return spoiling


def loop_winner(df):
    best, top = None, -1
    for _, row in df.iterrows():
        if row[V] > top: best, top = row['run'], row[V]
    return best


RIGHT = {
    check_winner: [
        choose(lambda df: df[V]), in_place(choose(lambda df: df[V])), loop_winner,
        lambda df: df.set_index('run')[V].idxmax(), lambda df: df.nlargest(1, V)['run'].item(),
        lambda df: df[df[V] == df[V].max()]['run'].values[0], lambda df: df.dropna().sort_values(V)['run'].iloc[-1],
        lambda df: df.groupby('run')[V].max().sort_values().index[-1], lambda df: np.str_(loop_winner(df)),
        lambda df: df.pivot(index='run', columns='epoch', values=V).max(axis=1).idxmax(),
    ],
    check_rate: [
        rate_by(), rate_by(key='seed'), in_place(rate_by()), lambda df: np.float32(rate_by()(df)),
        lambda df: Fraction(rate_by()(df)), lambda df: np.array(rate_by()(df)),
        lambda df: df.loc[df.groupby('run')[V].idxmax()].groupby('learning_rate')[V].mean().idxmax(),
        lambda df: df.pivot_table(index='seed', columns='learning_rate', values=V, aggfunc='max').mean().idxmax(),
    ],
    check_difference: [
        interval(), in_place(interval()), lambda df: list(interval()(df)), lambda df: np.array(interval()(df)),
        lambda df: pd.Series(interval()(df)), lambda df: (o for o in interval()(df)),
        lambda df: tuple(np.array(o) for o in interval()(df)),
        lambda df: tuple(round(o, 7) for o in interval()(df)),
    ],
    check_honest_score: [
        score_by(lambda df: df[V]), in_place(score_by(lambda df: df[V])), lambda df: df.nlargest(1, V)[H].item(),
        lambda df: df.set_index('run')[H][df.set_index('run')[V].idxmax()],
        lambda df: df.fillna(0).sort_values(V)[H].values[-1],
    ],
}


@pytest.mark.parametrize('check', RIGHT)
def test_other_styles_are_right(check):
    for i, answer in enumerate(RIGHT[check]):
        assert check(answer).startswith('right'), (i, check(answer))
