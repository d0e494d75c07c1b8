"""The report by class: equal to scikit-learn's on the same answers, from the store alone, for every kind of study"""
import json, os, shutil, sqlite3, subprocess, sys, time
from pathlib import Path
import numpy as np, pandas as pd, pytest, torch
from sklearn.metrics import classification_report, confusion_matrix
from torch import nn
from deepsweep import log
from deepsweep.answers import answers_text, read_answers, tally_answers
from deepsweep.best import best_run, recall_table
from deepsweep.by_class import (answers_of, class_report, confused_line, confused_pairs, confusion_table, count_answers, head_answers, show_worst, worst_images)
from deepsweep.checkpoint import logits_of
from deepsweep.core import DeepsweepError, SealError, StoreError
from deepsweep.data import ImageData, load_data
from deepsweep.report import write_report
from deepsweep.runs import RunStore
from deepsweep.sweep import openings, run_sweep, stored_result, train_final

ROOT, OLD = Path(__file__).resolve().parent.parent, Path(__file__).parent/'data'/'store_of_v1.db'
torch.set_num_threads(1)

@pytest.fixture(scope='module')
def digits(): return load_data('digits', n_train=300, n_valid=150, n_test=100)

@pytest.fixture
def never_train(monkeypatch):
    "Whoever trains a net from here on fails"
    def refuse(*_, **__): raise AssertionError('a net was trained')
    def begin(): monkeypatch.setattr('deepsweep.trainer.ModelTrainer.train', refuse)
    return begin

def sweep(name='s', **p):
    p = dict(hidden_layers=[[16]], num_epochs=3, learning_rate=[.1]) | p
    return dict(name=name, method='grid', parameters={k: {'values': v} if isinstance(v, list) else {'value': v} for k, v in p.items()})

def run(what, data, path, **options): return run_sweep(what, data, store=path, progress=False, device='cpu', **options)

def equal_to_sklearn(x, y, called, classes):
    "Every number, to the digit"
    labels = range(len(classes))
    theirs = classification_report(y, called, labels=labels, target_names=classes, output_dict=True, zero_division=0)
    ours   = class_report(x)
    for name in classes:
        assert ours.loc[name].tolist() == [theirs[name][k] for k in ('precision', 'recall', 'f1-score', 'support')], name
    seen = np.union1d(y, called)                       # as `classification_table`: a class that is nowhere takes no part in the mean
    macro = classification_report(y, called, labels=seen, output_dict=True, zero_division=0)['macro avg']
    assert ours.loc['macro', ['precision', 'recall', 'f1']].tolist() == [macro[k] for k in ('precision', 'recall', 'f1-score')]
    assert ours.loc['weighted', ['precision', 'recall', 'f1']].tolist() == [theirs['weighted avg'][k] for k in ('precision', 'recall', 'f1-score')]
    assert ours.f1['accuracy'] == np.mean(np.asarray(y) == np.asarray(called))
    assert (confusion_table(x).to_numpy() == confusion_matrix(y, called, labels=labels)).all()

@pytest.mark.parametrize('n, k', [(1, 1), (1, 3), (7, 2), (50, 3), (500, 10), (3000, 40), (20, 168)])
@pytest.mark.parametrize('seed', range(4))
def test_random_answers(n, k, seed):
    rng, names = np.random.default_rng(seed), [f'c{i}' for i in range(k)]
    met = rng.permutation(k)[:max(1, k - seed)]                                   # some classes have no image
    y = rng.choice(met, n)
    logits = rng.normal(size=(n, k)) + 2*np.eye(k)[y]
    answers = count_answers(y, logits, names)
    equal_to_sklearn(answers, y, logits.argmax(1), names)
    equal_to_sklearn(count_answers(y, logits.argmax(1), names), y, logits.argmax(1), names)
    stored, = read_answers(answers_text([answers]))
    equal_to_sklearn(stored, y, logits.argmax(1), names)
    wrong = logits.argmax(1) != y
    chances = torch.tensor(logits).softmax(1).numpy()
    assert len(answers.worst) == wrong.sum() == confused_pairs(answers, None)['images'].sum()
    assert np.allclose(np.sort(chances[wrong, y[wrong]]), answers.worst['p_true'])
    for row in answers.worst.itertuples():
        assert (names[y[row.image]], names[logits[row.image].argmax()]) == (row.true, row.called)
        assert np.isclose(chances[row.image, logits[row.image].argmax()], row.p_called)
    assert (stored.worst.groupby('true').size() <= 8).all() and len(stored.worst) <= 96

@pytest.mark.parametrize('precision', ['float32', 'bf16', 'float64'])
def test_a_sweep(digits, tmp_path, precision, never_train):
    result = run(sweep(precision=precision, learning_rate=[.1, .01]), digits, tmp_path/'s.db')
    nets = [result.best_model(rank) for rank in (1, 2)]
    never_train()
    for rank, net in enumerate(nets, 1):
        called = logits_of(net, digits.x_valid)[0].argmax(1)
        answers = answers_of(result, rank)
        equal_to_sklearn(answers, digits.y_valid, called, digits.classes)
        assert np.trace(answers.counts)/150 == pytest.approx(result.best_table()['valid accuracy'][rank - 1])
    equal_to_sklearn(result, digits.y_valid, logits_of(nets[0], digits.x_valid)[0].argmax(1), digits.classes)
    table, report = recall_table(result), class_report(result)
    assert table['recall'].tolist() == report['recall'][:10].tolist() and table['precision'].fillna(0).tolist() == report['precision'][:10].tolist()
    write_report(result, tmp_path/'r.html')

def _names(data): return data.classes, ('even', 'odd'), tuple('abc')

def heads(data):
    "The digit, whether it is even, its remainder by three"
    def three(y): return torch.stack([y, y % 2, y % 3], 1)
    return ImageData(data.x_train, three(data.y_train), data.x_valid, three(data.y_valid), classes=_names(data), name='three',
                     test=type(data.test)(data.x_valid, three(data.y_valid), _names(data)))

def test_three_heads(digits, tmp_path):
    data = heads(digits)
    result = run(sweep(), data, tmp_path/'h.db')
    logits = logits_of(result.best_model(), data.x_valid)
    assert len(head_answers(result)) == 3
    for head, names in enumerate(data.classes):
        equal_to_sklearn(answers_of(result, head=head), data.y_valid[:, head], logits[head].argmax(1), names)
        assert class_report(result, head=head).equals(class_report(answers_of(result, head=head)))
        assert len(show_worst(result, head=head, n=2).axes) == 2
    with pytest.raises(DeepsweepError, match='head must be a whole number from 0 to 2'): answers_of(result, head=3)
    final = train_final(result, seeds=1)
    logits = logits_of(final.model(), data.x_valid)                               # its test images are the same
    for head, names in enumerate(data.classes): equal_to_sklearn(answers_of(final, head=head), data.y_valid[:, head], logits[head].argmax(1), names)

def test_fused_as_alone(digits, tmp_path):
    what = sweep(learning_rate=[.01, .03, .1, .2], drop_out=.1)
    alone, fused = (run(what, digits, tmp_path/f'{fuse}.db', fuse=fuse) for fuse in (False, True))
    assert fused.plan_table()['fused'].all() and not alone.plan_table()['fused'].any()
    assert [r.id for r in alone.runs] == [r.id for r in fused.runs]
    for r in alone.runs:
        (a,), (b,) = (o.store.answers(r.id) for o in (alone, fused))
        assert (a.counts == b.counts).all() and a.classes == b.classes
        assert a.worst['image'].tolist() == b.worst['image'].tolist()
        assert np.allclose(a.worst[['p_called', 'p_true']], b.worst[['p_called', 'p_true']], rtol=2e-3)

def test_a_copied_store(digits, tmp_path):
    result = run(sweep(), digits, tmp_path/'s.db')
    report = class_report(result)
    result.store.close()
    shutil.copy(tmp_path/'s.db', tmp_path/'copy.db')
    for mode in (0o644, 0o444):
        (tmp_path/'copy.db').chmod(mode)
        assert class_report(stored_result(tmp_path/'copy.db', data=False)).equals(report)

def aged(path):
    "A store as the last version wrote it: three numbers a class, and no column for answers"
    store = RunStore(path)
    with sqlite3.connect(path) as c:
        for name, in c.execute('SELECT run FROM runs').fetchall():
            c.execute('UPDATE runs SET class_hits = ? WHERE run = ?', (json.dumps(store.class_hits(name)), name))
        c.execute('ALTER TABLE runs DROP COLUMN answers')
    store.close()

@pytest.mark.parametrize('mode', [0o644, 0o444])
def test_a_store_of_the_last_version(digits, tmp_path, mode):
    path = tmp_path/'s.db'
    result = run(sweep(), digits, path)
    before, report = recall_table(result), class_report(result)
    result.store.close()
    aged(path)
    path.chmod(mode)
    if os.geteuid() == 0 and mode == 0o444: tmp_path.chmod(0o555)
    old = stored_result(path, data=False)
    assert recall_table(old).equals(before)
    with pytest.raises(StoreError, match='an older version of the kit'): answers_of(old)
    page = write_report(old, tmp_path.parent/f'old-{mode}.html').read_text(encoding='utf-8')
    assert '<h2>Classes</h2>' in page and 'Least often found' in page
    old.store.close()
    tmp_path.chmod(0o755)
    if mode == 0o644:
        again = run(sweep(), digits, path, fresh=True)
        assert class_report(again).equals(report)

def test_the_oldest_store(tmp_path):
    result = stored_result(shutil.copy(OLD, tmp_path/'old.db'), 'by loss', data=False)
    with pytest.raises(StoreError, match='scored on no images, or by an older version'): answers_of(result)
    with pytest.raises(StoreError, match='a training function reports its scores'): answers_of(run_sweep(sweep('f', lr=[1.]), function=lambda c: log({'valid accuracy': .5}), store=tmp_path/'f.db', progress=False))
    write_report(result, tmp_path/'r.html')

def test_runs_that_went_wrong(digits, tmp_path):
    result = run(sweep(learning_rate=[.1, 1e30], num_epochs=2), digits, tmp_path/'d.db')
    states = result.config_table().set_index('run')['state']
    assert sorted(states) == ['diverged', 'finished']
    lost = result.store.answers(states.index[states == 'diverged'][0])
    assert all(o.counts.sum() == 150 for o in lost)                               # of its untrained net, if it has any
    assert states[best_run(result).id] == 'finished' and answers_of(result).counts.sum() == 150
    with pytest.raises(DeepsweepError, match='rank must be a whole number from 1 to 1'): answers_of(result, 2)
    def broken(config, data, lr=0.): raise ValueError('no such net')
    failed = run(dict(sweep('broken'), parameters=dict(num_epochs=dict(value=1))), digits, tmp_path/'b.db', model=broken)
    assert set(failed.config_table()['state']) == {'failed'}
    with pytest.raises(DeepsweepError, match='has ended'): answers_of(failed)
    write_report(failed, tmp_path/'r.html')

def test_without_validation_images(tmp_path):
    data = load_data('digits', n_train=100, n_valid=0, n_test=50)
    result = run(sweep(), data, tmp_path/'n.db')
    assert result.store.answers(result.runs[0].id) == []
    with pytest.raises(DeepsweepError): answers_of(result)
    write_report(result, tmp_path/'r.html')

class Wide(nn.Module):
    "Twelve outputs for ten classes; the last two are liked best"
    def __init__(self):
        super().__init__()
        self.net = nn.Linear(64, 12)

    def forward(self, x): return self.net(x.flatten(1)) + torch.tensor([0.]*11 + [3.])

def wide(config, data): return Wide()

def test_code_of_ones_own(digits, tmp_path):
    "A net with more outputs than classes, a loss and a metric: all answers are counted"
    def loss(logits, y): return nn.functional.multi_margin_loss(logits, y)
    def sure(y, logits): return float(logits.softmax(1).max(1).values.mean())
    result = run(dict(sweep('own'), parameters=dict(num_epochs=dict(value=1), learning_rate=dict(value=.01))), digits, tmp_path/'o.db', model=wide, criterion=loss, metrics=dict(sure=sure))
    answers = answers_of(result)
    called  = logits_of(result.best_model(), digits.x_valid)[0].argmax(1)
    assert answers.counts.sum() == 150 and answers.classes[:10] == tuple(digits.classes) and (called > 9).any()
    equal_to_sklearn(answers, digits.y_valid, called, answers.classes)
    assert answers.counts[:, 11].sum() == (called == 11).sum()

def test_final(digits, tmp_path, never_train):
    result = run(sweep(), digits, tmp_path/'s.db')
    final  = train_final(result, seeds=[0, 5])
    x, y   = digits.test._open()
    nets   = {seed: final.model(seed) for seed in (0, 5)}
    before = openings(final.store)
    never_train()
    for seed, net in nets.items():
        called  = logits_of(net, x)[0].argmax(1)
        answers = answers_of(final, seed=seed)
        equal_to_sklearn(answers, y, called, digits.classes)
        assert class_report(final, seed=seed).equals(class_report(answers)) and answers.part == 'test'
        assert worst_images(final, 99, seed=seed)['image'].tolist() == torch.nonzero(called != y).flatten().tolist()
    page = write_report(final, tmp_path/'final.html').read_text(encoding='utf-8')
    assert 'Report by class of the first final net, on 100 test images' in page and 'mistaken most' not in page
    assert openings(final.store).equals(before)
    with pytest.raises(SealError, match='it was not opened'): answers_of(type(final)(result, final.chosen, final.study, final.data, final.runs, {**final.opening, 'final': 'another'}))

def test_it_is_cheap(tmp_path):
    "168 classes, 20,000 images, a fifth of the answers wrong: counted, written and read in no time"
    rng = np.random.default_rng(0)
    y = rng.integers(168, size=20_000)
    called = np.where(rng.random(20_000) < .2, (y + rng.geometric(.3, 20_000)) % 168, y)
    start = time.perf_counter()
    text  = answers_text([tally_answers(y, called, *rng.random((2, 20_000)), [f'c{i}' for i in range(168)])])
    heads = read_answers(text)
    seconds = time.perf_counter() - start
    print(f'{len(text)/1e3:.1f} kB, {seconds:.3f} s', confused_line(heads[0]))
    assert len(text) < 40_000 and seconds < 1

SMALL = '''
method: grid
name: clothes
parameters:
  hidden_layers: {value: [16]}
  learning_rate: {values: [.01, .1]}
  num_epochs: {value: 1}
'''

def deepsweep(folder, *words):
    env = dict(os.environ, PYTHONPATH=str(ROOT), OMP_NUM_THREADS='1')
    done = subprocess.run([sys.executable, '-c', 'from deepsweep.cli import main; main()', *map(str, words)], cwd=folder, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout

def printed_report(text):
    "Rows of the printed table: name -> numbers, as text"
    return {' '.join(words[:-4]): words[-4:] for line in text.splitlines() if len(words := line.split()) > 4}

def test_show_and_report_as_processes(tmp_path):
    (tmp_path/'s.yaml').write_text(SMALL)
    deepsweep(tmp_path, 'run', 's.yaml', '--data', 'fashion_mini', '--store', 'c.db', '--report', 'r.html')
    result = stored_result(tmp_path/'c.db', data=False)
    report, pairs = class_report(result), confused_pairs(result, 3)
    told = deepsweep(tmp_path, 'show', '--store', 'c.db')
    assert told == deepsweep(tmp_path, 'show', 'clothes', '--store', 'c.db')
    assert told.splitlines()[4] == 'best run, 1,000 validation images by class'
    rows = printed_report(told)
    for name in (*answers_of(result).classes, 'macro', 'weighted'):
        p, r, f, n = rows[name]
        assert [float(o) for o in (p, r, f)] == report.loc[name, ['precision', 'recall', 'f1']].round(3).tolist() and int(n) == report['support'][name]
    last = [f"  {o.true} taken for {o.called}, {o.images} of {report['support'][o.true]}" for o in pairs.itertuples()]
    assert told.splitlines()[-4:] == ['most often confused:', *last]
    csv = deepsweep(tmp_path, 'show', '--csv', '--store', 'c.db')
    assert csv.startswith('run,') and len(csv.splitlines()) == 3 and 'taken for' not in csv and 'answers' not in csv
    first = (tmp_path/'r.html').read_text(encoding='utf-8')                        # by the run that trained
    deepsweep(tmp_path, 'report', '--store', 'c.db', '--out', 'again.html')        # from the store alone
    page = (tmp_path/'again.html').read_text(encoding='utf-8')
    for text in (first, page):
        assert confused_line(result) in text and 'Report by class of the best run, on 1,000 validation images' in text
        assert text.count('alt="Confusion matrix of 10 classes.') == 1 and text.count('alt="8 images were mistaken most: ') == 1
        assert f"{report['f1']['Shirt']:.4f}" in text
    bare = write_report(result, tmp_path/'bare.html', classes={}).stat().st_size
    assert len(page.encode()) - bare < 120e3
    result.store.close()
    shutil.copy(tmp_path/'c.db', tmp_path/'copy.db')
    assert deepsweep(tmp_path, 'show', '--store', 'copy.db') == told

def test_show_of_two_studies_and_of_one_without_answers(digits, tmp_path):
    run(sweep('one'), digits, tmp_path/'two.db'), run(sweep('other', learning_rate=[.2]), digits, tmp_path/'two.db')
    both = deepsweep(tmp_path, 'show', '--store', 'two.db')
    assert both.startswith('2 studies:') and 'by class' not in both
    assert 'best run, 150 validation images by class' in deepsweep(tmp_path, 'show', 'other', '--store', 'two.db')
    shutil.copy(OLD, tmp_path/'old.db')
    assert 'by class' not in deepsweep(tmp_path, 'show', 'by loss', '--store', 'old.db')
    run(sweep('wide', num_epochs=1), ImageData(*[torch.zeros(80, 1, 4, 4, dtype=torch.uint8), torch.arange(80) % 40]*2, classes=[f'c{i}' for i in range(40)]), tmp_path/'wide.db')
    wide = deepsweep(tmp_path, 'show', '--store', 'wide.db')
    assert 'best run, 80 validation images by class: the 30 of 40 classes with the lowest F1' in wide and len(wide.splitlines()) < 50
