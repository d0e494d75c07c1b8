"""What an accelerator needs, on a machine without one

`copying` stands in for it: images are never where they are wanted, as on CUDA, so they have to be copied. The copy is then on
the device, and is not copied again.
"""
import contextlib, gc, os, signal, subprocess, sys, textwrap, weakref
from pathlib import Path
from unittest import mock
import pandas as pd, pytest, torch
from deepsweep.data import ImageSet, load_data
from deepsweep.fused import FusedTrainer
from deepsweep.runs import RunStore
from deepsweep.sweep import run_sweep, stored_result

ROOT = Path(__file__).resolve().parent.parent

@contextlib.contextmanager
def copying():
    "The CPU, as if it were another device"
    arrived, on = [], ImageSet.on
    def is_on(x, device): return any(x is o.images for o in arrived)
    def copy(self, device):
        moved = on(self, device)
        if moved is not self and not any(moved is o for o in arrived): arrived.append(moved)
        return moved
    with mock.patch('deepsweep.batches._is_on', is_on), mock.patch.object(ImageSet, 'on', copy): yield arrived

@pytest.fixture
def digits(): return load_data('digits', n_train=120, n_valid=60, n_test=30)

MLPS = [dict(hidden_layers=[6], learning_rate=lr, num_epochs=3, drop_out=d) for lr in (.2, .1, .05) for d in (0, .2)]
CNNS = [dict(conv_layers=[3], hidden_layers=[6], kernel_size=3, learning_rate=lr, num_epochs=3) for lr in (.2, .1)]
WIDE = [dict(conv_layers=[18], hidden_layers=[6], kernel_size=3, learning_rate=lr, num_epochs=2) for lr in (.2, .1)]

def rows(result): return result.history_table().drop(columns=['seconds']).sort_values(['run', 'epoch']).reset_index(drop=True)

def test_groups_form_and_train_as_anywhere(digits, tmp_path):
    here = run_sweep(MLPS + CNNS + WIDE, digits, store=tmp_path/'a.db', progress=False)
    serial = run_sweep(MLPS + CNNS + WIDE, digits, store=tmp_path/'b.db', fuse=False, progress=False)
    there = load_data('digits', n_train=120, n_valid=60, n_test=30)
    trained = []
    real = FusedTrainer.train
    def train(self, *args, **kw): trained.append(len(self.trainers)); return real(self, *args, **kw)
    with copying() as arrived, mock.patch.object(FusedTrainer, 'train', train):
        result = run_sweep(MLPS + CNNS + WIDE, there, store=tmp_path/'c.db', progress=False)
        assert set(result.config_table()['state']) == {'finished'} and sorted(trained) == [2, 6]
        best = result.best_model()                                                   # trains its group again
    pd.testing.assert_frame_equal(result.plan_table(), here.plan_table())
    pd.testing.assert_frame_equal(rows(result), rows(here))
    pd.testing.assert_frame_equal(rows(result), rows(serial), check_exact=False, rtol=0, atol=1e-4)
    for p, q in zip(best.parameters(), here.best_model().parameters()): assert torch.equal(p, q)
    assert sorted(o.label for o in arrived) == ['train', 'valid']                    # one copy of each part, for ten runs in four groups
    for part in ('train', 'valid'):
        copies = there.part(part).copies
        assert len(copies) == 1 and not next(iter(copies.values())).copies

def test_the_serial_path_and_the_best_model(digits, tmp_path):
    here = run_sweep(MLPS, digits, store=tmp_path/'a.db', fuse=False, progress=False, save_models=tmp_path/'m')
    right = list(here.best_model().parameters())
    there = load_data('digits', n_train=120, n_valid=60, n_test=30)
    with copying() as arrived:
        result = run_sweep(MLPS, there, store=tmp_path/'b.db', fuse=False, progress=False, save_models=tmp_path/'n')
        again = stored_result(tmp_path/'b.db', data=there)
        for a in (result, again):
            for p, q in zip(a.best_model().parameters(), right): assert torch.equal(p, q)
    pd.testing.assert_frame_equal(rows(result), rows(here))
    assert len(arrived) == 2 and len(list((tmp_path/'n').glob('*'))) == len(list((tmp_path/'m').glob('*'))) > 0

def test_images_can_be_freed(digits, tmp_path):
    with copying() as arrived:
        images = load_data('digits', n_train=50, n_valid=20)
        gone = weakref.ref(images.part('train').on('cpu'))
        assert gone() is arrived.pop()
        del images
        gc.collect()
        assert gone() is None                                                        # a copy lives as long as its images

CHILD = '''
    import sys, time
    sys.path.insert(0, sys.argv[2])
    from test_copying_device import LONG, copying
    from deepsweep.data import load_data
    from deepsweep.sweep import run_sweep
    class Stuck:
        "Holds the sweep up after twenty rows, until somebody kills it"
        seen = 0
        def start(self, *args): pass
        def finish(self, *args): pass
        def log(self, run, row):
            self.seen += 1
            if self.seen == 20: print('stuck', flush=True); time.sleep(600)
    with copying(): run_sweep(LONG, load_data('digits', n_train=120, n_valid=60, n_test=30), store=sys.argv[1], progress=False, fuse=sys.argv[3] == 'True', tracker=Stuck())
'''
LONG = [dict(c, num_epochs=9) for c in MLPS]

@pytest.mark.parametrize('fuse', [True, False])
def test_killed_and_taken_up(fuse, digits, tmp_path):
    "Killed with `kill -9` in the middle; the same call again ends with the rows of a sweep that nobody disturbed"
    args = [sys.executable, '-c', textwrap.dedent(CHILD), str(tmp_path/'k.db'), str(Path(__file__).parent), str(fuse)]
    child = subprocess.Popen(args, env=dict(os.environ, PYTHONPATH=str(ROOT), OMP_NUM_THREADS='1'), stdout=subprocess.PIPE, text=True)
    assert child.stdout.readline().strip() == 'stuck'
    child.send_signal(signal.SIGKILL); child.communicate()
    store = RunStore(tmp_path/'k.db')
    assert len(store.history_table()) == 20
    with copying(): result = run_sweep(LONG, digits, store=store, progress=False, fuse=fuse)
    whole = run_sweep(LONG, digits, store=tmp_path/'w.db', progress=False, fuse=fuse)
    assert set(result.config_table()['state']) == {'finished'} and max(result.config_table()['attempt']) == 2
    pd.testing.assert_frame_equal(rows(result), rows(whole))
