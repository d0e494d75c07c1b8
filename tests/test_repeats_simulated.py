"Sequential verdicts on simulated studies with a planted truth, and the ranking of settings on the same dice"
import numpy as np, pandas as pd
import pytest
from deepsweep.objective import Objective
from deepsweep.repeats import always_valid_interval, sequential_verdict, t_limits
from deepsweep.scores import ranked_settings
from deepsweep.winners import expected_flattery

STUDIES, LOOKS = 2000, 30

def verdicts(differences, margin=1., level=.95, ever=False):
    "What the first look that decides says of each study: 1 holds, -1 does not hold, 0 cannot be told; and its seeds"
    n = np.arange(1, differences.shape[1] + 1)
    mean = differences.cumsum(1)/n
    sd = np.array([differences[:, :k].std(1, ddof=1) if k > 1 else np.zeros(len(differences)) for k in n]).T
    limit = t_limits(len(n), level, ever)
    half = np.full_like(mean, np.inf)
    known = np.isfinite(limit)
    half[:, known] = limit[known]*sd[:, known]/np.sqrt(n[known])
    said = (mean - half > margin).astype(int) - (mean + half < margin)
    first = np.where((said != 0).any(1), (said != 0).argmax(1), len(n) - 1)
    return said[np.arange(len(said)), first], first + 1

def false_share(said, effect):
    "A verdict that the truth contradicts; at a truth of the margin itself any verdict does"
    return np.mean({True: said != 0, False: said == (1 if effect < 1 else -1)}[effect == 1])

@pytest.mark.parametrize('ratio', [.25, .5, .75, 1, 1.25, 1.41, 1.5])
@pytest.mark.parametrize('effect', [0, .5, 1, 2])
def test_planted_truth(effect, ratio):
    "`ratio`: spread of the paired differences, in margins"
    said, seeds = verdicts(effect + ratio*np.random.default_rng(7).normal(size=(STUDIES, LOOKS)))
    assert false_share(said, effect) <= .05
    if effect == 2: assert np.mean(said == 1) >= .8 and seeds.min() >= 7

def test_noise_of_twice_the_margin_is_never_wrong():
    for effect in (0, .5, 1, 2):
        said, _ = verdicts(effect + 2*np.random.default_rng(8).normal(size=(STUDIES, LOOKS)))
        assert false_share(said, effect) <= .05
    assert np.mean(said == 1) < .8              # thirty seeds are too few, and it says so

def test_seeds_of_two_settings():
    "Seed luck of two margins that both share drops out; each setting's own noise of one margin stays"
    rng = np.random.default_rng(9)
    for effect in (0, .5, 1, 2):
        luck = 2*rng.normal(size=(STUDIES, LOOKS))
        a, b = (luck + rng.normal(size=(STUDIES, LOOKS)) for _ in range(2))
        said, _ = verdicts(a + effect - b)
        assert false_share(said, effect) <= .05
    assert np.mean(said == 1) >= .8

def test_other_noise():
    "Skewed, heavy-tailed, and in steps of an image of 500"
    rng = np.random.default_rng(10)
    shapes = [rng.gamma(4, size=(STUDIES, LOOKS))/2 - 2, rng.standard_t(5, (STUDIES, LOOKS))/(5/3)**.5]
    for noise in shapes:
        for effect in (0, .5, 1, 2): assert false_share(verdicts(effect + noise)[0], effect) <= .05, effect
    steps = np.round(.005*(1 + rng.normal(size=(STUDIES, LOOKS)))/.002)*.002
    assert false_share(verdicts(steps, steps.mean())[0], 1) <= .05

def test_peeking_is_paid_for():
    "The same looks with Student's own limits are wrong far more often"
    from scipy.stats import t
    noise = np.random.default_rng(11).normal(size=(STUDIES, LOOKS))
    n = np.arange(2, LOOKS + 1)
    ratio = np.array([abs(noise[:, :k].mean(1))/(noise[:, :k].std(1, ddof=1)/k**.5) for k in n]).T
    assert np.mean((ratio > t.ppf(.975, n - 1)).any(1)) > .2
    ever, _ = verdicts(noise, margin=0, ever=True)
    assert np.mean(ever != 0) <= .03

def test_level():
    noise = np.random.default_rng(12).normal(size=(4000, LOOKS))
    for level in (.8, .9, .99):
        wrong = np.mean(verdicts(noise, 0, level)[0] != 0)
        assert .4*(1 - level) < wrong <= 1 - level, (level, wrong)

def test_vector_form_is_the_function():
    rng = np.random.default_rng(13)
    d = 1.5 + rng.normal(size=(40, LOOKS))
    words = {'holds': 1, 'does not hold': -1, 'cannot be told': 0}
    assert [words[sequential_verdict(o, 1, looks=LOOKS)] for o in d] == verdicts(d)[0].tolist()

def test_coverage_at_all_looks():
    d = 3 + np.random.default_rng(14).normal(size=(300, LOOKS))
    kept = [all(low <= 3 <= high for low, high in (always_valid_interval(o[:n], looks=LOOKS) for n in range(1, LOOKS + 1))) for o in d]
    assert np.mean(kept) >= .95 - 2*(.05*.95/300)**.5

# ---- the ranking -----------------------------------------------------------------------------------------------------
def table(scores):
    "Scores by setting as `seed_scores` gives them"
    rows = [dict(run=f'{k}-{i}', setting=k, seed=i, state='finished', score=v, hold=np.nan, counts=True) for k, o in scores.items() for i, v in enumerate(o)]
    return pd.DataFrame(rows)

def test_one_lucky_seed_is_no_winner():
    "Five settings with five seeds, twenty with one, all equally good: the first was repeated"
    rng, rise = np.random.default_rng(15), Objective('valid accuracy')
    for _ in range(50):
        scores = {f'five {i}': .9 + .01*rng.normal(size=5) for i in range(5)} | {f'one {i}': .9 + .01*rng.normal(size=1) for i in range(20)}
        ranked = ranked_settings(table(scores), rise)['setting']
        assert ranked[:5].str.startswith('five').all()
        mirrored = {k: -v for k, v in scores.items()}
        assert ranked_settings(table(mirrored), Objective('valid loss'))['setting'].tolist() == ranked.tolist()

@pytest.mark.parametrize('settings,seeds,spread', [(4, 1, .5), (16, 1, 1), (16, 3, .5), (60, 1, 2)])
def test_expected_flattery(settings, seeds, spread):
    "Against the flattery that the dice made, with truths as far apart as `spread` times the noise"
    rng, told, true = np.random.default_rng(16), [], []
    for _ in range(150):
        truth = spread*rng.normal(size=settings)
        seen = truth[:, None] + rng.normal(size=(settings, seeds))
        best = seen.mean(1).argmax()
        told.append(expected_flattery(seen.mean(1), 1., seeds))
        true.append(seen[best].max() - truth[best])
    assert abs(np.mean(told) - np.mean(true)) < .12 + 3*np.std(true)/150**.5
