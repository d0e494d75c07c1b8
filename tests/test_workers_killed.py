"""Sweeps by several processes: one is killed and its run is taken over, the parent is killed and all end, Ctrl-C gives the runs back

`REPEATS=10 pytest tests/test_workers_killed.py` kills more often.
"""
import os, random, signal, subprocess, sys, threading, time
import psutil, pytest
from deepsweep.core import log
from deepsweep.runs import RunStore
from deepsweep.sweep import run_sweep

REPEATS = int(os.environ.get('REPEATS', 2))

def crew_of(pid):
    "The worker processes of a process"
    try: found = psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess: return []
    return [o for o in found if is_worker(o)]

def is_worker(process):
    try: return 'deepsweep.crew' in ' '.join(process.cmdline())
    except psutil.Error: return False

def wait_for(what, seconds=60, pause=.05):
    "Wait until `what()` is true; its value"
    end = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < end, 'it did not happen in time'
        time.sleep(pause)
    return found

def count_finished(path):
    if not path.exists(): return 0
    store = RunStore(path)
    try: return int((store.config_table()['state'] == 'finished').sum())
    finally: store.close()

@pytest.mark.parametrize('repeat', range(REPEATS))
def test_one_of_four_is_killed(tmp_path, repeat, capsys):
    rng, starts, killed = random.Random(repeat), tmp_path/'starts', []
    starts.mkdir()
    def train(config):
        (starts/f"{config['a']}-{os.getpid()}").touch()
        for epoch in (1, 2, 3):
            time.sleep(.01)
            log({'score': config['a'] + epoch/10}, step=epoch)

    def kill():
        many = rng.randrange(5, 120)
        wait_for(lambda: count_finished(tmp_path/'s.db') >= many, 120)
        victim = rng.choice(crew_of(os.getpid()))
        victim.kill()
        killed.append(victim.pid)

    killer = threading.Thread(target=kill)
    killer.start()
    sweep  = dict(name='toy', method='grid', parameters=dict(a={'values': list(range(200))}))
    result = run_sweep(sweep, function=train, store=tmp_path/'s.db', workers=4, progress=True)
    killer.join()
    config, history = result.config_table(), result.history_table()
    assert len(killed) == 1 and 'killed by signal 9' in capsys.readouterr().out
    assert len(config) == 200 and set(config['state']) == {'finished'}
    assert history.groupby('run')['epoch'].agg(list).map(tuple).value_counts().to_dict() == {(1, 2, 3): 200}       # none doubled
    begun = [o.name.split('-') for o in starts.iterdir()]
    again = config[config['attempt'] > 1]
    assert len(begun) == 200 + len(again) and len(again) <= 1                # only what the dead one held was begun again
    assert len({pid for _, pid in begun}) >= 2
    if len(again): assert {pid for a, pid in begun if a == str(again['a'].iloc[0])} > {str(killed[0])}
    assert not crew_of(os.getpid())

CALL = '''
import sys, time
from deepsweep.core import log
from deepsweep.sweep import run_sweep
def train(config):
    log({'score': 1.}, step=1)
    time.sleep(600)
sweep = dict(name='long', method='grid', parameters=dict(a={'values': [1, 2, 3, 4]}))
run_sweep(sweep, function=train, store=sys.argv[1], workers=2)
'''

@pytest.mark.parametrize('number', ['SIGKILL', 'SIGINT'])
def test_they_end_with_their_parent(tmp_path, number):
    store  = RunStore(tmp_path/'s.db')
    parent = subprocess.Popen([sys.executable, '-c', CALL, str(tmp_path/'s.db')], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: (store.config_table()['state'] == 'running').sum() == 2)
        crew = crew_of(parent.pid)
        assert len(crew) == 2
        parent.send_signal(getattr(signal, number))
        start = time.monotonic()
        wait_for(lambda: not any(o.is_running() and o.status() != psutil.STATUS_ZOMBIE for o in crew), 15)
        assert time.monotonic() - start < 5
        parent.wait(20)
    finally:
        for o in [*crew_of(parent.pid), parent]: o.kill()
    if number == 'SIGINT': assert set(store.config_table()['state']) == {'interrupted'}
    store.close()
