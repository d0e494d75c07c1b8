"The verdicts of article 003 against those of the table before clauses, scale and failed ends (claims_003_before.csv)"
from pathlib import Path
import numpy as np, pandas as pd, pytest
import deepsweep.claims, deepsweep.claims_003
from deepsweep.claims import claims_table

NUMBERS = ['effect', 'low', 'high', 'n']
VERDICT = {      # claim -> verdict before, verdict now: what the changelog tells
    'C003-11': ('does not hold', 'not at this scale'), 'C003-18': ('cannot be told', 'holds'),
    'C003-19': ('does not hold', 'not at this scale'), 'C003-22': ('does not hold', 'not at this scale'),
    'C003-24': ('does not hold', 'not at this scale'), 'C003-25': ('holds', 'cannot be told'),
    'C003-30': ('does not hold', 'not at this scale'), 'C003-36': ('does not hold', 'not at this scale'),
    'C003-42': ('does not hold', 'not at this scale'), 'C003-45': ('does not hold', 'not at this scale'),
    'C003-50': ('does not hold', 'not at this scale'), 'C003-57': ('does not hold', 'not at this scale'),
    'C003-60': ('does not hold', 'not at this scale')}
SHOWN = {'C003-09', 'C003-18', 'C003-32', 'C003-45'}      # rows whose numbers are now those of another clause, or got an interval

@pytest.fixture(scope='module')
def before(): return pd.read_csv(Path(__file__).parent/'claims_003_before.csv').set_index('claim')

@pytest.fixture(scope='module')
def now(): return claims_table('003').set_index('claim')

def test_same_claims(before, now): assert before.index.equals(now.index)

def test_verdicts_that_changed(before, now):
    moved = before.index[before['verdict'] != now['verdict']]
    assert {o: (before.loc[o, 'verdict'], now.loc[o, 'verdict']) for o in moved} == VERDICT

def test_numbers_are_those_of_before(before, now):
    close = np.isclose(before[NUMBERS].astype(float), now[NUMBERS].astype(float), rtol=1e-9, atol=1e-9, equal_nan=True).all(axis=1)
    assert set(before.index[~close]) == SHOWN

def test_one_clause_table_says_what_the_rows_say(now):
    clauses = claims_table('003', clauses=True)
    assert set(clauses['claim']) == set(now.index)
    for claim, o in clauses.groupby('claim'):
        assert now.loc[claim, 'verdict'] in set(o['verdict'])
        shown = o[o['verdict'] == now.loc[claim, 'verdict']].iloc[0]
        assert np.isclose(shown['effect'], now.loc[claim, 'effect'], equal_nan=True), claim

def test_public_names():
    assert deepsweep.claims_003.__all__ == ['CLAIMS'] and len(deepsweep.claims.__all__) <= 12

def test_readme_counts_the_claims():
    for article, words in (('003', 'of the CIFAR-10 study are'), ('002', 'on MNIST'), ('004', 'on Fashion-MNIST')):
        table = claims_table(article)
        told = f"{(table['verdict'] != 'not measured').sum()} of the {len(table)} {words}"
        assert told in (Path(__file__).parent.parent/'README.md').read_text()
