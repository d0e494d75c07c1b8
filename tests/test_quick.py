"""What a newcomer types: `deepsweep run`, in a folder of its own."""
import os, re, resource, subprocess, sys, time
import pandas as pd, pytest

COMMAND = [sys.executable, '-c', 'from deepsweep.cli import main; main()']

def deepsweep(folder, *args):
    "Run a command as a user would; gives its output and seconds"
    start = time.perf_counter()
    env = {k: v for k, v in os.environ.items() if k not in ('IN_TEST', 'PYTEST_CURRENT_TEST', 'DEEPSWEEP_STORE')}
    p = subprocess.run([*COMMAND, *args], cwd=folder, env=env, capture_output=True, text=True)
    assert p.returncode == 0, p.stdout[-2000:] + p.stderr[-2000:]
    return p.stdout, time.perf_counter()-start

@pytest.fixture(scope='module')
def first(tmp_path_factory):
    "The folder, what it said, and its processor time [s]"
    folder, before = tmp_path_factory.mktemp('quick'), processor_time()
    return folder, deepsweep(folder, 'run')[0], processor_time() - before

def processor_time():
    "Of all child processes so far [s]: other work on the machine does not count"
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime

def table(folder): return pd.read_csv(pd.io.common.StringIO(deepsweep(folder, 'show', '--csv')[0]))
def best(text): return text[text.index('best models'):]

def test_time_and_memory(first):
    folder, text, seconds = first
    print(f'{seconds:.0f} s of processor time, {resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss/1e6:.2f} GB')
    assert seconds < 120                                                               # half a minute on two idle cores
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss < 2_000_000          # kB

def test_accuracy(first):
    from deepsweep.runs import RunStore
    history = RunStore(first[0]/'deepsweep.db').history_table('quick')
    config = RunStore(first[0]/'deepsweep.db').config_table('quick')
    top = history.groupby('name')['valid accuracy'].max().rename('best')
    by_family = config.join(top, on='name').groupby('variant')['best'].max()
    print(by_family.to_dict())
    assert by_family['CNN'] >= .86 and by_family['MLP'] >= .83
    assert set(config['state']) <= {'finished', 'diverged'} and len(config) == 16

def test_first_sign_and_last_lines(first):
    folder, text, _ = first
    assert text.splitlines()[0] == 'loading ...'
    last = text.strip().splitlines()[-3:]
    assert 'report.html' in last[0] and 'deepsweep show' in last[1] and 'stored_result' in last[2]
    assert (folder/'report.html').stat().st_size < 1_500_000
    assert not re.search(r'(src|href)="https?:', (folder/'report.html').read_text())

def test_second_time_trains_nothing(first):
    folder, text, _ = first
    again, seconds = deepsweep(folder, 'run')
    assert '16 of 16 runs already finished in deepsweep.db (--fresh trains again)' in again
    assert best(again) == best(text)
    assert set(table(folder)['attempt']) == {1}
    assert sorted(o.name for o in folder.iterdir()) == ['deepsweep.db', 'report.html']

def test_first_sign_comes_within_two_seconds(tmp_path):
    def once():
        p = subprocess.Popen([*COMMAND, 'run', '--dry-run'], cwd=tmp_path, stdout=subprocess.PIPE, text=True)
        start = time.perf_counter(); line = p.stdout.readline(); seconds = time.perf_counter()-start
        p.communicate()
        assert line == 'loading ...\n'
        return seconds
    assert min(once() for _ in range(3)) < 2
    assert not list(tmp_path.iterdir())
