"A sweep is killed, or shared by two processes, and ends with the table of one that nobody disturbed"
import json, signal, subprocess, sys, textwrap
import pytest, torch
from deepsweep.data import load_data
from deepsweep.runs import RunStore
from deepsweep.sweep import run_sweep

SWEEP = dict(method='grid', name='k', parameters=dict(hidden_layers={'values': [[16], [24]]}, learning_rate={'values': [.3, .1]}, drop_out={'value': .1}, num_epochs={'value': 25}))
CHILD = textwrap.dedent('''
    import json, sys, time; from deepsweep.sweep import run_sweep; from deepsweep.data import load_data; from deepsweep.runs import RunStore
    class Stuck:
        "Holds a sweep up after some rows, until somebody kills it"
        left = int(sys.argv[4])
        def start(self, *args): pass
        def finish(self, *args): pass
        def log(self, run, row):
            self.left -= 1
            if self.left == 0: print('stuck', flush=True); time.sleep(600)
    data = load_data('digits', n_train=400, n_valid=200)
    print('ready', flush=True); sys.stdin.readline()
    r = run_sweep(json.loads(sys.argv[1]), data, store=RunStore(sys.argv[2], journal=sys.argv[3]), progress=False, tracker=Stuck() if Stuck.left else None, device=sys.argv[5])
    print(r.history_table().drop(columns='seconds').to_csv(), r.best_table().to_csv())
''')

def child(db, journal='wal', rows=0, device='cpu'):
    "A process that has loaded all and waits for a line"
    return subprocess.Popen([sys.executable, '-c', CHILD, json.dumps(SWEEP), str(db), journal, str(rows), device], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

def begin(*children):
    "Let them all begin at once"
    for p in children: assert p.stdout.readline() == 'ready\n'
    for p in children: p.stdin.write('go\n'); p.stdin.flush()

def sweep(db, journal='wal', device='cpu'): return run_sweep(SWEEP, load_data('digits', n_train=400, n_valid=200), store=RunStore(db, journal=journal), progress=False, device=device)

def text(result): return f"{result.history_table().drop(columns='seconds').to_csv()} {result.best_table().to_csv()}\n"

def kill_and_resume(db, journal, device, whole):
    p = child(db, journal, 10, device)
    begin(p)
    assert p.stdout.readline() == 'stuck\n'
    p.send_signal(signal.SIGKILL); p.communicate()
    half = RunStore(db)
    n = (half.config_table()['state'] == 'running').sum()
    assert n and len(half.history_table()) >= 10
    half.close()
    resumed = sweep(db, journal, device)
    assert text(resumed) == whole
    assert sorted(resumed.config_table()['attempt']) == [1]*(4-n) + [2]*n       # groups that were at work train again, whole

@pytest.fixture(scope='module')
def whole(tmp_path_factory): return text(sweep(tmp_path_factory.mktemp('whole')/'whole.db'))

def test_killed_with_a_rollback_journal(tmp_path, whole):        # the write-ahead log: nbs/79_sweep.ipynb
    assert whole.count('\n') > 4*26
    kill_and_resume(tmp_path/'killed.db', 'delete', 'cpu', whole)

def test_two_at_once(tmp_path, whole):
    a, b = child(tmp_path/'two.db'), child(tmp_path/'two.db')
    begin(a, b)
    assert [a.communicate()[0], b.communicate()[0]] == [whole, whole]
    both = RunStore(tmp_path/'two.db')
    assert set(both.config_table()['attempt']) == {1} and len(both.history_table()) == 4*26

@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs an accelerator')
def test_killed_on_an_accelerator(tmp_path):
    kill_and_resume(tmp_path/'killed.db', 'wal', 'cuda', text(sweep(tmp_path/'whole.db', device='cuda')))
