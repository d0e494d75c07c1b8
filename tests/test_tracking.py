"Runs written to W&B and read back: sweeps with a tracker, mirrors, agents; every W&B here is offline and every server a double"
import functools, json, os, signal, sqlite3, subprocess, sys, textwrap, threading, time
from pathlib import Path
import pandas as pd, pytest, torch, wandb
from wandb.sdk.lib.config_util import save_config_file_from_dict

from deepsweep.core import StoreError, SweepError, log
from deepsweep.data import load_data
from deepsweep.runs import RunStore
from deepsweep.space import expand_grid
from deepsweep.sweep import run_sweep
from deepsweep.agents import AGENT_FUNCTIONS, train_mlp_2
from deepsweep.keys import HISTORY_COLUMNS
from deepsweep.tracking import WandbTracker, mirror_to_wandb, read_wandb_logs, wandb_ids

ROOT = Path(__file__).resolve().parent.parent

@pytest.fixture(scope='module')
def digits(): return load_data('digits', n_train=200, n_valid=100)

@pytest.fixture(autouse=True)
def offline(tmp_path, monkeypatch, caplog):
    "An empty folder to work in, a W&B that writes there only, and its processes ended afterwards"
    wandb.teardown()
    monkeypatch.chdir(tmp_path)
    caplog.set_level('ERROR')
    for o in [k for k in os.environ if k.startswith('WANDB_')]: monkeypatch.delenv(o)
    for k, v in dict(MODE='offline', SILENT='true', ERROR_REPORTING='false', **{f'{o}_DIR': str(tmp_path/'w') for o in ('CACHE', 'CONFIG', 'DATA', 'ARTIFACT')}).items(): monkeypatch.setenv(f'WANDB_{k}', v)
    for k, v in dict(HOME=tmp_path, NETRC=tmp_path/'none', DEEPSWEEP_STORE=tmp_path/'s.db', PYTHONPATH=ROOT, OMP_NUM_THREADS='1').items(): monkeypatch.setenv(k, str(v))
    yield
    wandb.teardown()

def own_process():
    "Environment of a child that starts W&B's process itself"
    return {k: v for k, v in os.environ.items() if k != 'WANDB_SERVICE'}

def grid(name='s', variant='MLP_SGD', lr=(.1, .2), **more):
    return dict(method='grid', name=name, parameters=dict(variant={'value': variant}, hidden_layers={'value': [8]}, num_epochs={'value': 3}, learning_rate={'values': list(lr)}, **{k: {'value': v} for k, v in more.items()}))

def plain(config, history):
    "Both tables without W&B's stamps and ids, in one order; a shared run's epochs once"
    config  = config.assign(run=config['run'].str[:12]).drop(columns='name')
    history = history.drop(columns=['name', '_step', '_runtime', '_timestamp'], errors='ignore').assign(run=history['run'].str[:12])
    return config.sort_values(['run', 'variant'], ignore_index=True), history.drop_duplicates(['run', 'epoch']).sort_values(['run', 'epoch'], ignore_index=True)

def assert_equal(*pairs):
    "Tables of W&B and of stores, equal value by value and in their types, but that W&B writes 1.0 as 1 where a metric of one's own is whole throughout"
    first = plain(*pairs[0])
    for pair in pairs[1:]:
        for a, b, more in zip(first, plain(*pair), (set(), set(first[1]) - set(HISTORY_COLUMNS))):
            assert set(a) == set(b)
            real = {k: float for k in more - {'run'}}
            pd.testing.assert_frame_equal(a.astype(real), b[list(a)].astype(real), check_exact=True)

def copy_of(store, study=None, folder='copy'):
    "A mirror in a folder of its own"
    os.environ['WANDB_DIR'] = folder
    written = mirror_to_wandb(store, study)
    tables = read_wandb_logs()
    os.environ.pop('WANDB_DIR')
    assert len(written) == len(tables[0]) and not tables[0].attrs['problems']
    return tables

# ---- a sweep with a tracker, mirrored afterwards ----------------------------------------------------------------------------
def test_live_mirrored_and_stored_are_equal(digits):
    "A run in three variants, a fused group, a run that diverges, another that has a schedule"
    sweep = [grid(variant='MLP_SGD'), grid(variant='MLP_SGD_L2', lr=(.1,)), grid(variant='MLP_SGD_DP', lr=(.1,)), grid(variant='wild', lr=(1e38,)), grid(variant='cosine', lr=(.3,), schedule={'name': 'cosine'})]
    result = run_sweep(sweep, digits, tracker='wandb')
    assert result.config_table()['group'].notna().any() and set(result.config_table()['state']) == {'finished', 'diverged'}
    live = read_wandb_logs()
    assert sorted(len(o) for o in live[0]['run']) == [12]*4 + [19]*2 and not live[0].attrs['problems']
    assert_equal(live, copy_of(result.store, 's'), copy_of(result.store, None, 'all'), (result.config_table(), result.history_table()))
    assert mirror_to_wandb(result.store) == [] and wandb.run is None

def test_hold_eval_and_functions(digits):
    held = load_data('digits', n_train=200, n_valid=100, n_hold=100)
    def shout(config):
        for e in (1, 2):
            log({'train loss': 1/e}, step=e); log({'valid accuracy': .1*e, 'f1': .2*e}, step=e)
        if config['a'] == 2: raise ValueError('no such luck')
        if config['a'] == 3: log({'valid accuracy': .9, 'late': 1.}, step=1)                   # W&B takes no earlier step: written at the end
    for sweep, data, kw in ((grid('held'), held, dict(eval_train=True, metrics={'ones': lambda y, logits: 1.})), ([dict(a=a, deep=dict(er=a/3), variant='f') for a in (1, 2, 3)], None, dict(function=shout))):
        os.environ['WANDB_DIR'] = str(Path('here')/str(len(kw)))
        result = run_sweep(sweep, data, tracker='wandb', **kw)
        live = read_wandb_logs(); os.environ.pop('WANDB_DIR')
        ours = result.config_table(), result.history_table().dropna(axis=1, how='all')
        assert_equal(live, copy_of(result.store, result.study, f'copy{len(kw)}'), ours)
    assert set(live[0]['state']) == {'finished', 'failed'} and live[1]['late'].notna().sum() == 1

def test_sweeps_one_after_another_share_a_run(digits):
    "Each tracked sweep leaves all of its runs in W&B, also those that it found finished"
    for name in 'abc': result = run_sweep(grid(name, name, lr=(.1, dict(a=.2, b=.3, c=.4)[name])), digits, tracker='wandb')
    config, history = read_wandb_logs()
    assert len(config) == 6 and len(history) == 24 and config['run'].nunique() == 6 and config['run'].str[:12].nunique() == 4
    stored = pd.concat([result.store.config_table(o) for o in 'abc'], ignore_index=True)
    assert_equal((config, history), (stored, result.store.history_table().assign(name='')))
    for name in 'abc': run_sweep(grid(name, name, lr=(.1,)), digits, tracker='wandb')
    assert len(read_wandb_logs()[0]) == 6

def test_again(digits):
    "Trained again, filled in, interrupted: the last attempt is what W&B has, once"
    run_sweep(grid(), digits, max_minutes=1e-6, tracker='wandb')
    for kw in ({}, dict(eval_train=True), dict(fresh=True)):
        result = run_sweep(grid(), digits, tracker='wandb', **kw)
        config, history = read_wandb_logs()
        assert not config.attrs['problems'] and len(config) == 2 and len(history) == 8
        assert_equal((config, history), (result.config_table(), result.history_table()))

def test_modes(digits, monkeypatch):
    monkeypatch.setenv('WANDB_MODE', 'disabled')
    result = run_sweep(grid(), digits, tracker='wandb')
    assert set(result.config_table()['state']) == {'finished'} and not list(Path('.').rglob('*.wandb')) and mirror_to_wandb(result.store) == []
    monkeypatch.delenv('WANDB_MODE')                                                            # no key: offline, and said
    assert mirror_to_wandb(result.store) and len(read_wandb_logs()[0]) == 2

def test_says_where(digits, capsys):
    run_sweep(grid(lr=(.1,)), digits, tracker='wandb', progress=True)
    assert 'W&B: offline, in wandb; `wandb sync wandb/offline-run-*` sends them' in capsys.readouterr().out

def test_the_run_that_you_opened_is_left_alone(digits):
    with wandb.init(project='mine', id='mine') as mine:
        run_sweep(grid(), digits, store='a.db'); run_sweep(grid(), digits, store='b.db', tracker='wandb')
        assert wandb.run is mine
        mine.log({'x': 1})
    wandb.teardown()
    config, history = read_wandb_logs()
    assert len(config) == 3 and len(history[history['run'] == 'mine']) == 1

def test_no_disk_ends_no_training(digits, monkeypatch):
    def full(self, *args, **kw): raise OSError('no space left on device')
    with monkeypatch.context() as m:
        m.setattr(wandb.Run, 'log', full)
        with pytest.raises(StoreError, match='no space left on device; nothing is lost'): run_sweep(grid(), digits, tracker='wandb')       # told at the end, when all is trained
    assert set(RunStore().config_table()['state']) == {'finished'}
    result = run_sweep(grid(), digits, tracker='wandb')
    assert set(result.config_table()['attempt']) == {1}
    assert_equal(read_wandb_logs(), (result.config_table(), result.history_table()))

# ---- kill -9 -----------------------------------------------------------------------------------------------------------------
def test_a_tracked_sweep_is_killed(digits):
    code = '''
        import sys; from deepsweep.data import load_data; from deepsweep.sweep import run_sweep
        sweep = dict(method='grid', name='k', parameters=dict(hidden_layers={'values': [[8], [12], [16]]}, learning_rate={'values': [.3, .1]}, num_epochs={'value': 40}))
        import time; from deepsweep.tracking import WandbTracker
        rows, log = [], WandbTracker.log
        def held(self, *args):
            "Holds the sweep up after a hundred rows"
            log(self, *args); rows.append(1)
            if len(rows) == 100: print('stuck', flush=True); time.sleep(600)
        if sys.argv[1:]: WandbTracker.log = held
        run_sweep(sweep, load_data('digits', n_train=400, n_valid=200), tracker='wandb', progress=False)
    '''
    def child(*args): return subprocess.Popen([sys.executable, '-c', textwrap.dedent(code), *args], env=own_process(), stdout=subprocess.PIPE, text=True)
    p = child('hold')
    assert p.stdout.readline() == 'stuck\n'
    p.send_signal(signal.SIGKILL); p.communicate()
    half = RunStore('s.db').config_table(); assert 'running' in set(half['state'])
    assert child().wait() == 0
    config, history = read_wandb_logs()
    store = RunStore('s.db')
    assert len(config) == 6 and len(history) == 6*41 and not config.attrs['problems']
    assert_equal((config, history), (store.config_table('k'), store.history_table('k')))

def test_a_mirror_is_killed_twice(digits):
    sweep = grid(lr=[i/100 for i in range(1, 41)])
    result = run_sweep(sweep, digits)
    code = '''
        import sys, time; from deepsweep.tracking import WandbTracker, mirror_to_wandb
        opened, whole_open = [], WandbTracker._open
        def held(self, *args):
            "Holds the mirror up with a run that is open and has no rows"
            opened.append(whole_open(self, *args))
            if len(opened) == 9: print('stuck', flush=True); time.sleep(600)
            return opened[-1]
        WandbTracker._open = held
        mirror_to_wandb('s.db', progress=False)
    '''
    count = lambda: len(list(Path('wandb').glob('offline-run-*')))
    for n in (8, 16):
        p = subprocess.Popen([sys.executable, '-c', textwrap.dedent(code)], env=own_process(), stdout=subprocess.PIPE, text=True)
        assert p.stdout.readline() == 'stuck\n'
        p.send_signal(signal.SIGKILL); p.communicate()
        assert n <= count() < 40
    assert 0 < len(mirror_to_wandb('s.db')) < 40
    tables = read_wandb_logs()
    assert count() == 40 and not tables[0].attrs['problems']
    assert_equal(tables, (result.config_table(), result.history_table()))

# ---- the article's calls on real offline runs ----------------------------------------------------------------------------------
def test_the_articles_calls(digits):
    from deepsweep.plots import compare_learning_rates_per_model, compare_mlp_sizes, max_test_acc_reg_bar, plot_train_vs_test_accuracy, plot_train_vs_test_loss, print_best_models, show_training
    import matplotlib; matplotlib.use('Agg')
    run_sweep([grid(), grid(variant='MLP_SGD_L2', lr=(.1,)), grid(variant='MLP_SGD_L2', lr=(.1,), l2_weight_decay=.01)], digits, tracker='wandb')
    df_config_summary, df_history_summary = read_wandb_logs()
    df_history_max_test_acc = df_history_summary.loc[df_history_summary.groupby(["name"])["valid accuracy"].idxmax()].reset_index(drop=True)
    df_history_max_test_acc = pd.merge(df_history_max_test_acc, df_config_summary, left_on="name", right_on="name")
    df_sgd = pd.merge(df_history_summary, df_config_summary, left_on="name", right_on="name")
    print_best_models(df_history_max_test_acc, variant="MLP_SGD")
    show_training(df_sgd, variant="MLP_SGD"); compare_learning_rates_per_model(df_history_max_test_acc); compare_mlp_sizes(df_history_max_test_acc, variant="MLP_SGD")
    plot_train_vs_test_loss(df_sgd, variant="MLP_SGD_L2"); plot_train_vs_test_accuracy(df_sgd, variant="MLP_SGD_L2"); max_test_acc_reg_bar(df_history_max_test_acc, variant="MLP_SGD_L2")
    assert len(df_history_max_test_acc) == 4 and len(df_sgd) == 16

# ---- agents: W&B's server is a double ------------------------------------------------------------------------------------------
class Double:
    "Records what `wandb.sweep` and `wandb.agent` are given, and feeds configs as the agent does: by a file, in a thread"
    def __init__(self): self.sweeps, self.agents = [], []
    def sweep(self, sweep, entity=None, project=None, prior_runs=None): self.sweeps.append((sweep, entity, project)); return 'abc123'
    def agent(self, sweep_id, function=None, entity=None, project=None, count=None, **kw):
        self.agents.append((sweep_id, entity, project, count))
        for i, config in enumerate(expand_grid(json.loads(json.dumps(self.sweeps[-1][0])))[:count]):
            file = Path(os.environ.get('WANDB_DIR', '.'))/f'wandb/sweep-{sweep_id}/config-{i}.yaml'
            save_config_file_from_dict(str(file), {k: {'value': v} for k, v in config.items()})
            with pytest.MonkeyPatch.context() as m:
                for k, v in dict(RUN_ID=f'run{i}', SWEEP_PARAM_PATH=str(file.absolute()), SWEEP_ID=sweep_id).items(): m.setenv(f'WANDB_{k}', v)
                wandb.teardown()
                failed = []
                def job():
                    try: function()
                    except Exception as e: failed.append(e)
                thread = threading.Thread(target=job); thread.start(); thread.join()
                if failed: raise failed[0]
        wandb.teardown()

@pytest.fixture
def double(monkeypatch):
    d = Double()
    monkeypatch.setattr('wandb.sweep', d.sweep); monkeypatch.setattr('wandb.agent', d.agent); monkeypatch.setenv('WANDB_API_KEY', 'x'*40)
    return d

ARTICLE = dict(name='MLP_sweep', metric={'name': 'test accuracy', 'goal': 'minimize'}, method='grid', parameters=dict(
    variant={'value': 'MLP_SGD'}, num_hidden={'value': 1}, hidden_layers={'values': [(8,), (12,)]}, num_epochs={'value': 3},
    learning_rate={'values': [.1, .05]}, l2_weight_decay={'value': 0}, drop_out={'value': 0}))

def test_the_same_dict_by_agent_and_alone(digits, double):
    agent = run_sweep(ARTICLE, digits, engine='wandb', store='agent.db')
    alone = run_sweep(ARTICLE, digits, fuse=False, store='alone.db')
    assert double.sweeps == [(json.loads(json.dumps(ARTICLE)), None, 'deepsweep')] and double.agents == [('abc123', None, 'deepsweep', None)]
    drop = lambda t: t.drop(columns="seconds", errors="ignore")
    pd.testing.assert_frame_equal(drop(agent.config_table()), drop(alone.config_table()), check_exact=True)
    pd.testing.assert_frame_equal(drop(agent.history_table()), drop(alone.history_table()), rtol=1e-4)            # alone or side by side: equal to rounding
    pd.testing.assert_frame_equal(drop(agent.best_table()), drop(alone.best_table()), rtol=1e-4)
    assert (agent.metric, agent.goal) == ('valid accuracy', 'maximize')
    config, history = read_wandb_logs()                                                         # under the server's ids, by our names
    assert config['run'].tolist() == [f'run{i}' for i in range(4)] and set(config['name']) == set(agent.config_table()['run'])
    by_name = config.drop(columns='run').rename(columns={'name': 'run'}), history.drop(columns='run').rename(columns={'name': 'run'})
    assert_equal(*[(c.assign(name=''), h.assign(name='')) for c, h in (by_name, (agent.config_table(), agent.history_table()))])

def test_an_agent_finds_runs_finished(digits, double):
    run_sweep(ARTICLE, digits)
    result = run_sweep(ARTICLE, digits, engine='wandb', count=3)
    assert set(result.config_table()['attempt']) == {1} and len(result.config_table()) == 3 and double.agents[-1][-1] == 3
    assert_equal(*[(c.assign(name='', run=c[k]), h.assign(name='', run=h[k])) for k, (c, h) in (('name', read_wandb_logs()), ('run', (result.config_table(), result.history_table())))])

def test_nested_values_by_agent(digits, double):
    "A schedule is a dict, dropout a nested parameter of one's own function"
    sweep = dict(method='grid', parameters=dict(schedule={'value': {'name': 'cosine'}}, hidden_layers={'value': [8]}, num_epochs={'value': 2}, betas={'value': (.8, .9)}, optimizer={'value': 'adam'}, patience={'value': None}))
    agent, alone = (run_sweep(sweep, digits, store=f'{engine}.db', engine=engine) for engine in ('wandb', 'local'))
    assert agent.config_table()['run'].tolist() == alone.config_table()['run'].tolist() and agent.study == alone.study
    seen = []
    def fn(config): seen.append(config); log({'valid accuracy': .5}, step=1)
    run_sweep(dict(method='grid', parameters=dict(net={'parameters': dict(width={'value': 3}, drop={'values': [0, .5]})})), function=fn, engine='wandb')
    assert seen == [{'net': {'width': 3, 'drop': 0}}, {'net': {'width': 3, 'drop': .5}}]

def test_the_agents_failed_run(digits, double):
    def shaky(config): log({'valid accuracy': .5}, step=1); raise ValueError('no such luck')
    result = run_sweep(dict(method='grid', parameters=dict(a={'values': [1]})), function=shaky, engine='wandb')
    assert result.config_table()['state'].tolist() == read_wandb_logs()[0]['state'].tolist() == ['failed']

def test_no_key_is_said_at_once(digits):
    for method in ('grid', 'bayes'):
        start = time.perf_counter()
        with pytest.raises(SweepError, match=r'run `wandb login` once or set WANDB_API_KEY'): run_sweep(dict(ARTICLE, method=method), digits, engine='wandb')
        assert time.perf_counter() - start < 20
    assert not Path('s.db').exists()

def test_no_key_in_a_fresh_process():
    code = '''
        import time; from deepsweep.core import SweepError; from deepsweep.sweep import run_sweep
        start = time.perf_counter()
        try: run_sweep(dict(method='grid', parameters=dict(learning_rate={'value': .1})), engine='wandb')
        except SweepError as e: print(time.perf_counter()-start, e)
    '''
    out = subprocess.run([sys.executable, '-c', textwrap.dedent(code)], env=own_process(), capture_output=True, text=True, timeout=60)
    seconds, text = out.stdout.strip().split(' ', 1)
    assert float(seconds) < 20 and 'set WANDB_API_KEY' in text and not out.stderr

def test_eleven_functions():
    assert list(AGENT_FUNCTIONS) == 'train_mlp_2 train_mlp_3 train_mlp_4 train_mlp_6 train_cnn_2 train_cnn_3 train_cnn_5 train_mlp_4_bn train_cnn_5_bn train_mlp_4_adam train_cnn_5_adam'.split()

def test_a_function_for_the_agent(digits, double):
    sweep_id = wandb.sweep(ARTICLE, project='del-mc1', entity='me')
    wandb.agent(sweep_id, function=functools.partial(train_mlp_2, data=digits), count=1)
    config, history = read_wandb_logs()
    assert config.loc[0, ['run', 'variant', 'learning_rate', 'state', 'patience']].tolist() == ['run0', 'MLP_SGD', .1, 'finished', 25] and len(history) == 4

def test_as_a_program():
    "As `wandb agent` starts it: by a command line, with the config in a file as well"
    words = [sys.executable, '-m', 'deepsweep.agents', 'train_mlp_2', '--data=digits', '--hidden_layers=[8]', '--learning_rate=0.1', '--num_epochs=2']
    done = subprocess.run(words, env=own_process(), capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and not done.stderr, done.stderr
    config, history = read_wandb_logs()
    assert config.loc[0, ['data', 'learning_rate', 'state']].tolist() == ['digits', .1, 'finished'] and history['epoch'].tolist() == [0, 1, 2]
    done = subprocess.run([*words[:3], 'train_mlp_9'], env=own_process(), capture_output=True, text=True, timeout=120)
    assert done.returncode == 1 and done.stderr.startswith('SweepError: the first argument is the name of a function') and 'Traceback' not in done.stderr

def test_imports_no_wandb():
    out = subprocess.run([sys.executable, '-c', 'import sys, deepsweep.tracking, deepsweep.sweep; print("wandb" in sys.modules)'], env=own_process(), capture_output=True, text=True)
    assert out.stdout.strip() == 'False', out.stderr
