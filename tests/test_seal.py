"The sealed test across processes, and under `run_sweep`"
import json, os, subprocess, sys, textwrap, time
from pathlib import Path
import pandas as pd, pytest, torch
from deepsweep.core import SealError
from deepsweep.data import ImageData, SealedTest, load_data
from deepsweep.best import best_model, best_run
from deepsweep.seal import open_test, openings
from deepsweep.sweep import run_sweep

ROOT = Path(__file__).resolve().parent.parent
SWEEP = dict(method='grid', name='seal', parameters=dict(hidden_layers={'value': [16]}, learning_rate={'values': [.3, .1]}, num_epochs={'value': 3}))

def digits(): return load_data('digits', n_train=200, n_valid=100, n_test=100)

def child(code, *args):
    head = f'''
        import sys, time; import deepsweep.seal as seal; from deepsweep.data import load_data; from deepsweep.sweep import run_sweep
        result = run_sweep({SWEEP!r}, load_data('digits', n_train=200, n_valid=100, n_test=100), store=sys.argv[1], progress=False)
    '''
    return subprocess.Popen([sys.executable, '-c', textwrap.dedent(head) + textwrap.dedent(code), *map(str, args)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            env=dict(os.environ, PYTHONPATH=str(ROOT), OMP_NUM_THREADS='1'))

def test_selection_never_sees_the_test_images(tmp_path):
    data = digits()
    g = torch.Generator().manual_seed(0)
    noise = ImageData(data.x_train, data.y_train, data.x_valid, data.y_valid, classes=data.classes, name=data.name,
                      test=SealedTest(torch.randint(0, 256, (100, 1, 8, 8), dtype=torch.uint8, generator=g), torch.randint(0, 10, (100,), generator=g), data.classes))
    a, b = run_sweep(SWEEP, data, store=tmp_path/'a.db', seeds=2), run_sweep(SWEEP, noise, store=tmp_path/'b.db', seeds=2)
    for name in ('best_table', 'config_table', 'history_table', 'plan_table'):
        pd.testing.assert_frame_equal(*(getattr(o, name)().drop(columns=['seconds'], errors='ignore') for o in (a, b)))
    for p, q in zip(best_model(a).parameters(), best_model(b).parameters()): assert torch.equal(p, q)
    assert open_test(a, 'Real images.')['accuracy'] > .5 > open_test(b, 'Noise.')['accuracy']

def test_kill_while_scoring(tmp_path):
    "Killed with the pixels in hand and no score written: the opening is on record, and only the same run can complete it"
    p = child('''
        def score(*a): a[0].data.test._open(); print('scoring', flush=True); time.sleep(60)
        seal._test_scores = score
        seal.open_test(result, 'About to die.')
    ''', tmp_path/'k.db')
    assert p.stdout.readline() == 'scoring\n', p.stderr.read()
    p.kill(); p.wait()
    result = run_sweep(SWEEP, digits(), store=tmp_path/'k.db')
    half = openings(result.store)
    assert len(half) == 1 and half['score'].isna().all() and half['n'].isna().all()
    with pytest.raises(SealError, match='About to die'): open_test(result, 'Another.', run=best_run(result, 2).id)
    done = open_test(result, 'Again.')
    assert done['why'] == 'About to die.' and done['n'] == 100 and len(openings(result.store)) == 1

def test_two_processes_open_two_configurations(tmp_path):
    "Both ask at the same moment: one is told yes"
    run_sweep(SWEEP, digits(), store=tmp_path/'r.db')
    start = time.time() + 15
    both = [child('''
        run, seal.trained_model = seal.best_run(result, int(sys.argv[2])), lambda *a, f=seal.trained_model: (f(*a), time.sleep(max(0, float(sys.argv[3]) - time.time())))[0]
        try: print(seal.open_test(result, f'Rank {sys.argv[2]}.', run=run.id)['why'])
        except seal.SealError as e: print('refused:', e)
    ''', tmp_path/'r.db', rank, start) for rank in (1, 2)]
    said = sorted(p.communicate()[0].strip() for p in both)
    assert said[0] in ('Rank 1.', 'Rank 2.') and said[1].startswith('refused:') and said[0] in said[1], said
    assert len(openings(tmp_path/'r.db')) == 1
