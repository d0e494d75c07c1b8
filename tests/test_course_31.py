"The page on ConvStrix and the report per class: what its cells compute, and what its sentences say of other numbers"
import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.metrics import precision_recall_fscore_support
from deepsweep.best import best_model
from deepsweep.claims import claims_table
from deepsweep.checkpoint import logits_of
from pages import cell, run_page

PAGE = 'studies/31_convstrix'


@pytest.fixture(scope='module')
def page():
    return run_page(PAGE)


def test_solved_page_and_predictions_break_nothing():
    changed = (('predict', ('my_hardest = None', "my_hardest = 'Bag'")),)
    names = run_page(PAGE, solved=True, changed=changed)
    said = names['check_collected'](names['my_answer'], 'Shirt', names['mine'], names['even'])
    assert said.startswith('right: more of Shirt in place of more of all: recall +')


def test_project_is_open(page):
    check = page['check_collected']
    assert not page['is_complete']([page['my_class']]) and page['my_answer'] is None
    assert check(None, 'Trouser', page['trousers'], page['even']) == 'not attempted'
    said = check(dict(recall='falls', accuracy='rises'), 'Trouser', page['trousers'], page['even'])
    assert said.startswith('not yet')
    assert 'more images; it should be Shirt alone' in check(page['worked'], 'Shirt', page['trousers'], page['even'])
    assert 'Shirt' not in cell(PAGE, 'project')


def test_the_effect_is_seen_live(page):
    assert page['hardest'](page['reports']).count('Shirt') >= 7
    scores = page['live'].best_table().groupby('variant')['valid accuracy'].mean()
    assert scores['ConvStrix'] > scores['dense']


def test_report_equals_scikit_learn(page):
    live = page['live']
    data, net = live.data, best_model(live)
    called = logits_of(net, data.x_valid)[0].argmax(1)
    theirs = precision_recall_fscore_support(data.y_valid, called, labels=range(10), zero_division=0)
    ours   = page['class_report'](live).iloc[:10]
    for column, values in zip(ours, theirs): assert ours[column].tolist() == values.tolist(), column
    found = page['table'].loc['Shirt', 'Shirt']
    assert found/page['table'].loc['Shirt'].sum() == ours.loc['Shirt', 'recall']
    assert found/page['table']['Shirt'].sum() == ours.loc['Shirt', 'precision']


def test_worst_images_are_shirts(page):
    worst = page['answers_of'](page['live']).worst
    shirts = worst[worst['true'] == 'Shirt'].head(8)
    labels = page['data'].y_valid[torch.tensor(shirts['image'].to_numpy())]
    assert len(shirts) == 8 and set(labels.tolist()) == {page['data'].classes.index('Shirt')}
    assert shirts['p_true'].is_monotonic_increasing and (shirts['called'] != 'Shirt').all()


def test_shapes(page):
    shapes = page['shapes']
    assert shapes['last map'].tolist() == ['14x14', '7x7', '3x3', '1x1']
    told = page['shapes_say'](shapes, .125)
    assert 'with 5 blocks the convolutions hold more' in told and '12.5%' in told
    other = shapes.assign(**{'weights in blocks': 1})
    assert 'the dense layers always hold more' in page['shapes_say'](other, .125)


def reports_of(*worst):
    "Reports in which a class of each is the worst"
    names = [f'class {i}' for i in range(10)]
    rows = [*names, 'macro', 'weighted', 'accuracy']
    return [pd.DataFrame({k: [.1 if c == w else .9 for c in names] + [.8]*3 for k in ('recall', 'f1')}, rows) for w in worst]


def test_report_sentence(page):
    says = page['report_says']
    told = says(reports_of('class 3', 'class 3', 'class 4'), 'Most often confused: x.', None)
    assert told.startswith('class 3 has the lowest F1 in 2 of 3 nets; class 4 in 1 (you wrote down no guess)')
    assert told.endswith('most often confused: x.')
    assert 'in 2 of 2 nets (you said Bag)' in says(reports_of('class 1', 'class 1'), 'X.', 'Bag')
    other, = reports_of('class 1')
    other.loc['class 2', 'recall'] = .05
    assert says([other], 'X.', None).endswith('By recall alone it is class 2 there.')
    assert 'By recall' not in told
    other.loc['class 2', 'f1'] = other['f1'].min()
    assert says([other], 'X.', None).startswith('class 1 and class 2 has the lowest F1 in 1 of 1')


def trials(*rows):
    return pd.DataFrame(rows, columns=['variant', 'learning_rate', 'best', 'hold accuracy'])


def test_search_sentences(page):
    some = trials(('ConvStrix', .5, .1, .1), ('ConvStrix', .01, .1, .1), ('ConvStrix', .001, .9, .88), ('ConvStrix', .03, .5, .5),
                  ('dense', .1, .85, .9))
    told = page['waste_says'](some, .3)
    assert told.startswith('2 of 4 ConvStrix trials learn nothing, 50% (you said 0.3); 1 of them') and 'where 2 of the 4' in told
    lead = page['lead_says'](some, None)
    assert 'ConvStrix 0.880, dense 0.900, a difference of -2.0 points, ±1.2 by' in lead
    none = page['waste_says'](some.assign(best=.9), None)
    assert none.startswith('0 of 4')


def test_early_sentence(page):
    def ranked(*early): return pd.DataFrame({'early': early, 'best': np.linspace(.7, .9, len(early))})
    says = page['early_says']
    assert 'rank the trials well' in says(ranked(.1, .2, .3, .4)) and 'badly' in says(ranked(.4, .3, .2, .1))
    assert 'Among the 4 trials' in says(pd.concat([ranked(.1, .2, .3, .4), pd.DataFrame({'early': [.1], 'best': [.1]})]))


def test_final_sentence(page):
    article = page['article']
    def says(report, article): return page['final_says'](report, article, page['reports'][0])
    report = page['report']
    assert article['f1'].idxmin() == 'Shirt' and abs(article.mean() - .936).max() < .001
    told = says(report, article)
    assert 'Shirt is the hardest class in both' in told and 'past them' in told
    assert f"in section 4 Shirt had {page['reports'][0].loc['Shirt', 'f1']:.3f}, and it was last there, too" in told
    other = report.copy()
    other.loc['Bag', 'f1'], other.loc['accuracy', 'f1'] = .1, .8
    told = says(other, article)
    assert 'The hardest class is Bag here, Shirt in the article' in told and 'where Shirt was last' in told and '-13.6 points' in told and '±0.8' in told
    assert 'behind them' in told


def test_the_final_training(page):
    report, took = page['report'], page['took']
    assert report['support'].iloc[:10].tolist() == [1000]*10
    assert report.loc['accuracy', 'f1'] == pytest.approx(took['test accuracy'], abs=1e-6)
    assert took['num_epochs'] == 34 and took['seconds'] < 45*60
    assert report.loc['accuracy', 'f1'] >= .925


def test_figure_says_what_its_caption_says(page):
    table = page['trials']
    low, high = table[table['learning_rate'] < .003], table[table['learning_rate'] > .05]
    assert len(low) > 5 and low['best'].min() > .8 and (high['best'] < .2).mean() > .7
    middle = table.drop([*low.index, *high.index])
    assert middle['best'].between(.09, .85).all() and np.ptp(middle['best']) > .5


def test_worked_example(page):
    more, even = (page['class_report'](page[o]).loc['Trouser'] for o in ('trousers', 'even'))
    assert more['recall'] > even['recall'] and more['precision'] < even['precision']


def test_every_judged_claim_is_shown_once(page):
    table = claims_table('004')
    judged = table[table['verdict'] != 'not measured']
    assert len(judged) == 16
    assert list(dict.fromkeys(page['lines'].reset_index()['claim of the article'])) == [
        f'{o.text} ({o.claim[5:]})' for o in judged.itertuples()]
