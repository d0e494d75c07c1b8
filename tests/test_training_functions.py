"""Training functions as people write them, each through `run_sweep`, with the table that must come out"""
import argparse, asyncio, contextvars, functools, json, math, os, re, signal, subprocess, sys, threading, time, warnings
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.pool import ThreadPool
from pathlib import Path
import joblib, matplotlib, numpy as np, pytest, torch
from deepsweep import log
from deepsweep.analysis import join_tables, learning_rate_table
from deepsweep.core import DataError, DeepsweepError, OwnRandom, SweepError, logging_to
from deepsweep.engine import Engine
from deepsweep.own_code import FunctionConfig
from deepsweep.plots import compare_learning_rates_per_model
from deepsweep.report import write_report
from deepsweep.sweep import Study, run_sweep, stored_result
matplotlib.use('agg')

RATES = .1, .2
pytestmark = pytest.mark.filterwarnings('error::deepsweep.own_code.OwnCodeWarning', 'ignore:log\\(\\) keeps numbers', 'ignore:.*did not log', 'ignore:no run logged')

def sweep_of(metric='acc', rates=RATES, **parameters):
    about = {'metric': dict(name=metric, goal='maximize')} if metric else {}
    return dict(name='s', method='grid', **about, parameters={'lr': {'values': list(rates)}, **{k: {'value': v} for k, v in parameters.items()}})

def run(function, folder, metric='acc', **how):
    parameters = {k: how.pop(k) for k in ('rates', 'optimizer', 'epochs') if k in how}
    return run_sweep(sweep_of(metric, **parameters), function=function, store=folder/'s.db', **{'progress': False, **how})

def table(result, *columns):
    "Rate, state and the logged columns of every row, in order; a run without rows has one without an epoch"
    config, history = result.config_table(), result.history_table()
    rows = join_tables(config, history).sort_values(['lr', 'epoch'])
    return [(r['lr'], r['state'], None if r['epoch'] is None or r['epoch'] != r['epoch'] else int(r['epoch']), *(round(float(r[c]), 6) for c in columns if c in rows))
            for r in rows[['lr', 'state', 'epoch', *[c for c in columns if c in rows]]].astype(object).where(lambda d: d.notna(), math.nan).to_dict('records')]

def both(state, *rows):
    "The same rows for both rates; a number of a row may be a function of the rate"
    return [(lr, state, *(o(lr) if callable(o) else o for o in row)) for lr in RATES for row in rows]

def reasons(result): return result.config_table().sort_values('lr')['stop reason'].tolist()

# ---- functions that train -----------------------------------------------------------------------------------------------
def wandb_idiom(config):
    "config.lr, epoch among the metrics, nested dicts, images, tables and texts"
    for epoch in range(2):
        for batch in range(3): log({'epoch': epoch, 'batch/loss': torch.tensor(.5, requires_grad=True)}, step=3*epoch+batch)
        log({'epoch': epoch, 'val': {'acc': np.float32(config.lr*2), 'per_class': [.1, .2]}, 'examples': object(), 'lr_name': 'constant'})
        log({'examples': [object()]})                                  # no number: no row

def optuna_objective(config): return config['lr']*3
def hyperopt_objective(config): return {'acc': config['lr'], 'status': 'ok'}
def returns_tensor(config): return torch.tensor(config['lr'], dtype=torch.float64)
def returns_numpy(config): return np.array(config['lr'])
def returns_score_after_losses(config):
    for e in (1, 2): log({'train loss': 1/e}, step=e)
    return np.mean([config['lr'], config['lr']])
def returns_model(config):
    log({'acc': config['lr']})
    return torch.nn.Linear(1, 1)
def returns_logged_score(config):
    log({'acc': config['lr']})
    return 17.
def returns_done(config):
    log({'acc': config['lr']})
    return True

def parses_own_arguments(config):
    parser = argparse.ArgumentParser()
    parser.add_argument('--lr', type=float, default=1.)
    args = parser.parse_args([], argparse.Namespace(**config))
    log({'acc': args.lr})
    sys.exit()

def main_with_exit_code(config):
    log({'acc': config['lr']})
    sys.exit(0)

class Callback:
    def on_epoch_end(self, epoch, logs=None): log(logs, step=epoch+1)
def keras_callback(config):
    "A framework that calls back from a thread of its own"
    def fit(callback):
        for epoch in range(2): callback.on_epoch_end(epoch, {'acc': config['lr']*(epoch+1), 'loss': 1.})
    thread = threading.Thread(target=fit, args=[Callback()])
    thread.start(); thread.join()

def timeout_wrapper(config):
    def train():
        for e in (1, 2): log({'acc': config['lr']*e}, step=e)
    with ThreadPoolExecutor(1) as pool: pool.submit(train).result(10)

def folds_in_joblib(config):
    def fold(i): log({f'fold {i}': config['lr']*i}, step=1)
    joblib.Parallel(2, backend='threading')(joblib.delayed(fold)(i) for i in range(4))
    log({'acc': config['lr']}, step=1)

def asynchronous(config):
    async def train():
        await asyncio.to_thread(log, {'acc': config['lr']})
        await asyncio.get_running_loop().run_in_executor(None, log, {'acc': config['lr']*2})
        log({'acc': config['lr']*3})
    asyncio.run(train())

def draws_while_helpers_log(config):
    with ThreadPoolExecutor(2) as pool:
        for e in (1, 2):
            jobs = [pool.submit(log, {k: e}, e) for k in 'ab']
            drawn = np.random.rand() + torch.rand(1).item()
            log({'acc': config['lr'], 'drawn in [0, 2]': 0 <= drawn <= 2}, e)
            for job in jobs: job.result()

SCRIPT = 'import sys\nfrom deepsweep.core import log\nfor e in (1, 2): log({"val": {"acc": float(sys.argv[1])*e}, "loss": float("nan") if e == 1 else 1}, step=e)\n'
def script_as_a_process(config):
    "A training script of its own, whose lines are read"
    path = os.path.join(os.environ['DEEPSWEEP_TEST_FOLDER'], f"{config['lr']}.jsonl")
    subprocess.run([sys.executable, '-c', SCRIPT, str(config['lr'])], check=True, env={**os.environ, 'DEEPSWEEP_LOG': path})
    for line in open(path, encoding='utf-8'):
        line = json.loads(line)
        log({'acc': line['metrics']['val.acc']}, line['step'])

def consumes_a_generator(config):
    def epochs():
        for e in (1, 2): yield e, {'acc': config['lr']*e}
    for e, metrics in epochs(): log(metrics, e)

def figures(config):
    from matplotlib.figure import Figure
    log({'curve': Figure(), 'acc': config['lr'], 'confusion': np.eye(2), 'report': 'fine', 'best': None})
    log({'curve': Figure()})

def catches_every_batch(config):
    "Works, although it swallows what log raises for a wrong name"
    try: log({'state': 1})
    except Exception: pass
    log({'acc': config['lr']})

class Trainer:
    def __init__(self, scale): self.scale = scale
    def __call__(self, config): log({'acc': config.lr*self.scale})
    def train(self, config): log({'acc': config.lr*self.scale})
def with_data(data, config): log({'acc': config['lr']*data})
@functools.lru_cache
def kept(x): return x
def uses_a_cache(config): log({'acc': kept(config['lr'])})

def nested_sweep(config):
    "A sweep inside of a sweep, with helpers of its own"
    def inner(c):
        with ThreadPoolExecutor(1) as pool: pool.submit(log, {'x': c['k']}).result()
    folder = os.environ['DEEPSWEEP_TEST_FOLDER']
    best = run_sweep([dict(k=k) for k in (1, 2)], function=inner, store=os.path.join(folder, f"inner{config['lr']}.db"), progress=False).history_table()['x'].max()
    with ThreadPoolExecutor(1) as pool: pool.submit(log, {'acc': config['lr']*best}).result()

def pops_its_keys(config):
    lr, seed = config.pop('lr'), config.get('seed')
    log({'acc': lr, 'seed of it': seed})

ROW = (1, lambda lr: lr)
TRAINED = dict(
    wandb_idiom     = (wandb_idiom, 'val.acc', ['val.acc', 'batch/loss'], [(0, lambda lr: lr*2, .5), (1, lambda lr: lr*2, .5)]),
    optuna          = (optuna_objective, 'acc', ['acc'], [(1, lambda lr: round(lr*3, 6))]),
    hyperopt        = (hyperopt_objective, 'acc', ['acc'], [ROW]),
    without_metric  = (optuna_objective, None, ['score'], [(1, lambda lr: round(lr*3, 6))]),
    tensor          = (returns_tensor, 'acc', ['acc'], [ROW]),
    numpy           = (returns_numpy, 'acc', ['acc'], [ROW]),
    score_at_end    = (returns_score_after_losses, 'acc', ['train loss', 'acc'], [(1, 1., math.nan), (2, .5, lambda lr: lr)]),
    no_metric_logs  = (returns_score_after_losses, None, ['train loss'], [(1, 1.), (2, .5)]),
    model           = (returns_model, 'acc', ['acc'], [ROW]),
    logged_score    = (returns_logged_score, 'acc', ['acc'], [ROW]),
    returns_bool    = (returns_done, 'acc', ['acc'], [ROW]),
    argparse        = (parses_own_arguments, 'acc', ['acc'], [ROW]),
    exit_code       = (main_with_exit_code, 'acc', ['acc'], [ROW]),
    keras           = (keras_callback, 'acc', ['acc', 'loss'], [(1, lambda lr: lr, 1.), (2, lambda lr: lr*2, 1.)]),
    timeout         = (timeout_wrapper, 'acc', ['acc'], [ROW, (2, lambda lr: lr*2)]),
    joblib          = (folds_in_joblib, 'acc', ['acc', 'fold 0', 'fold 3'], [(1, lambda lr: lr, 0., lambda lr: round(lr*3, 6))]),
    asyncio         = (asynchronous, 'acc', ['acc'], [ROW, (2, lambda lr: lr*2), (3, lambda lr: round(lr*3, 6))]),
    helpers         = (draws_while_helpers_log, 'acc', ['acc', 'a', 'b', 'drawn in [0, 2]'], [(e, lambda lr: lr, float(e), float(e), 1.) for e in (1, 2)]),
    process         = (script_as_a_process, 'acc', ['acc'], [ROW, (2, lambda lr: lr*2)]),
    generator       = (consumes_a_generator, 'acc', ['acc'], [ROW, (2, lambda lr: lr*2)]),
    figures         = (figures, 'acc', ['acc'], [ROW]),
    catches         = (catches_every_batch, 'acc', ['acc'], [ROW]),
    callable        = (Trainer(2), 'acc', ['acc'], [(1, lambda lr: lr*2)]),
    method          = (Trainer(2).train, 'acc', ['acc'], [(1, lambda lr: lr*2)]),
    partial         = (functools.partial(with_data, 2), 'acc', ['acc'], [(1, lambda lr: lr*2)]),
    cache           = (uses_a_cache, 'acc', ['acc'], [ROW]),
    nested          = (nested_sweep, 'acc', ['acc'], [(1, lambda lr: lr*2)]),
    pops            = (pops_its_keys, 'acc', ['acc', 'seed of it'], [(1, lambda lr: lr, 0.)]),
)

@pytest.mark.filterwarnings('ignore::deepsweep.own_code.OwnCodeWarning')
@pytest.mark.parametrize('case', TRAINED)
def test_it_trains(case, tmp_path, monkeypatch):
    "Its rows, its state, and the best run on top"
    monkeypatch.setenv('DEEPSWEEP_TEST_FOLDER', str(tmp_path))
    function, metric, columns, rows = TRAINED[case]
    result = run(function, tmp_path, metric)
    assert str(table(result, *columns)) == str(both('finished', *rows))                        # as text: NaN is itself
    if case != 'no_metric_logs': assert result.best_table()['lr'].tolist() == [.2, .1]

# ---- functions that break -----------------------------------------------------------------------------------------------
def reads_the_program(config): argparse.ArgumentParser().parse_args(['--unknown'])
def exits(config): sys.exit('no data')
def returns_nothing(config): pass
def returns_pair(config): return [.5, .5]
def logs_text(config): log({'acc': 'high', 'figure': object()})
def misspells(config): return config.learning_rate
def no_memory(config):
    held = torch.ones(10**6)
    return torch.empty(1 << 60).sum() + held.sum()
def gpu_without_memory(config): raise torch.cuda.OutOfMemoryError('CUDA out of memory. Tried to allocate 2 GiB')
def numpy_without_memory(config): np.ones(1 << 45)
def cancelled(config): raise asyncio.CancelledError
def starts_a_process(config): subprocess.run([sys.executable, '-c', 'raise SystemExit(3)'], check=True)

BROKEN = dict(
    argparse   = (reads_the_program, r'^SystemExit: 2; argparse read the arguments of this program.*parse_args\(\[\]\)$'),
    exit       = (exits, '^SystemExit: no data$'),
    nothing    = (returns_nothing, r'ended without a single log\(\): report'),
    pair       = (returns_pair, r'ended without a single log\(\) and returned list'),
    text       = (logs_text, 'logged no number: acc is str, figure is object'),
    misspelt   = (misspells, "^AttributeError: the config has no key 'learning_rate'; known: lr$"),
    memory     = (no_memory, "^RuntimeError.*allocate memory.*; a smaller batch_size needs less memory$"),
    gpu_memory = (gpu_without_memory, '^OutOfMemoryError: CUDA out of memory.*; a smaller batch_size needs less memory$'),
    np_memory  = (numpy_without_memory, '^MemoryError: .*; a smaller batch_size needs less memory$'),
    cancelled  = (cancelled, '^CancelledError$'),
    process    = (starts_a_process, '^CalledProcessError: .*non-zero exit status 3'),
)

@pytest.mark.parametrize('case', BROKEN)
def test_it_fails_and_says_why(case, tmp_path, capsys):
    "In the run table, in the lines of progress and by whoever ranks the runs; the reason stands once"
    function, reason = BROKEN[case]
    result = run(function, tmp_path, progress=True)
    lines = [o for o in capsys.readouterr().out.splitlines() if o.startswith('failed')]
    assert table(result) == both('failed', (None,)) and all(re.search(reason, o) for o in reasons(result))
    assert re.match(r'failed: lr=0.1 \([0-9a-f]{12}\): ', lines[0]) and re.match(r'failed: lr=0.2 \([0-9a-f]{12}\), as before: 2 runs$', lines[1]), lines
    assert ' '.join(lines[0].split(': ', 2)[2].split()).rstrip('…') in ' '.join(reasons(result)[0].split()) and len(lines[0]) < 260
    with pytest.raises(DataError, match='all 2 runs failed: ') as e: result.best_table()
    assert lines[0].split(': ', 2)[2][:50] in str(e.value)
    assert run(returns_model, tmp_path).best_table()['acc'].tolist() == [.2, .1]               # the next one trains

@pytest.mark.parametrize('function', [lambda: None, lambda *, lr: None, lambda config, data: None], ids=['none', 'by name', 'two'])
def test_it_cannot_be_called(function, tmp_path):
    with pytest.raises(SweepError, match=r'def train\(config\):'): run(function, tmp_path)
    assert not list(tmp_path.iterdir())

def test_generators_and_coroutines_are_refused(tmp_path):
    def yields(config): yield log({'acc': 1})
    async def waits(config): log({'acc': 1})
    with pytest.raises(SweepError, match='yields is a generator'): run(yields, tmp_path)
    with pytest.raises(SweepError, match='waits is a coroutine'): run(waits, tmp_path)

# ---- stops ---------------------------------------------------------------------------------------------------------------
def loses(config, e): log({'valid loss': math.nan if e == 2 else 1/e, 'acc': config['lr']*e}, step=e)
def lets_pass(config):
    for e in range(1, 5): loses(config, e)
def catches_exceptions(config):
    for e in range(1, 5):
        try: loses(config, e)
        except Exception: pass
def catches_all(config):
    for e in range(1, 5):
        try: loses(config, e)
        except: pass
    return {'acc': 1.}
def catches_and_fails(config):
    try: catches_all(config); loses(config, 5)
    finally: raise ValueError('later')
def catches_and_exits(config):
    try: loses(config, 1); loses(config, 2)
    except BaseException: sys.exit(1)
def in_a_thread(config):
    thread = threading.Thread(target=lets_pass, args=[config])
    thread.start(); thread.join()
def in_a_pool(config):
    with ThreadPoolExecutor(1) as pool: pool.submit(lets_pass, config).result()
def in_a_multiprocessing_pool(config):
    with ThreadPool(1) as pool: pool.map(lambda e: loses(config, e), range(1, 5))
def in_joblib(config): joblib.Parallel(2, backend='threading')(joblib.delayed(lets_pass)(config) for _ in range(1))

@pytest.mark.filterwarnings('ignore::pytest.PytestUnhandledThreadExceptionWarning')
@pytest.mark.parametrize('function', [lets_pass, catches_exceptions, catches_all, catches_and_fails, catches_and_exits, in_a_thread, in_a_pool, in_a_multiprocessing_pool, in_joblib], ids=lambda f: f.__name__)
def test_a_diverged_run_stays_diverged(function, tmp_path):
    "Whatever it does with what log raises, in whichever thread; later rows are not written"
    result = run(function, tmp_path)
    assert table(result, 'acc') == both('diverged', (1, lambda lr: lr), (2, lambda lr: lr*2))
    assert set(reasons(result)) == {'valid loss is not finite in epoch 2'}

def test_the_time_limit_is_kept(tmp_path, monkeypatch):
    "A bare except does not buy time; the same call goes on later"
    epochs = []
    def slow(config):
        for e in range(1, 9):
            epochs.append(e)
            try: log({'acc': config['lr']}, step=e)
            except: pass
    slow.version = '1'
    with monkeypatch.context() as m:
        m.setattr(Engine, 'out_of_time', lambda self: len(epochs) > 2)
        result = run(slow, tmp_path, max_minutes=60)
    assert table(result, 'acc') == [(.1, 'interrupted', e, .1) for e in (1, 2, 3)] and reasons(result) == ['max_minutes is over'] and len(epochs) == 8
    assert set(run(slow, tmp_path).config_table()['state']) == {'finished'}

@pytest.mark.parametrize('kind', [KeyboardInterrupt, type('Exit', (BaseException,), {})], ids=['interrupt', "a library's own"])
def test_what_ends_the_program_ends_the_sweep(kind, tmp_path):
    def train(config):
        log({'acc': 1})
        raise kind
    with pytest.raises(kind): run(train, tmp_path)
    assert table(run(returns_model, tmp_path), 'acc') == both('finished', ROW)

# ---- threads -------------------------------------------------------------------------------------------------------------
def test_a_thread_that_was_left_behind_is_not_heard(tmp_path):
    "A timeout wrapper gives up; the training goes on in its thread, and logs while the next run trains"
    go, told, threads = threading.Event(), [], []
    def train(config):
        go.wait(10)
        try: log({'acc': 99})
        except Exception as e: told.append(str(e))
    def wrapped(config):
        if config['lr'] == .1:
            pool = ThreadPoolExecutor(1)
            threads.append(pool)
            pool.submit(train, config).result(.05)
        go.set(); threads[0].shutdown()
        log({'acc': config['lr']})
    wrapped.version = '1'
    result = run(wrapped, tmp_path)
    assert table(result, 'acc')[1:] == [(.2, 'finished', 1, .2)] and reasons(result)[0].startswith('TimeoutError')
    assert len(told) == 1 and 'the run that it belongs to is over' in told[0]

def test_a_log_after_the_end(tmp_path):
    contexts = []
    def train(config):
        log({'acc': 1})
        contexts.append(contextvars.copy_context())
    train.version = '1'
    result = run(train, tmp_path)
    for context in contexts:
        with pytest.raises(Exception, match='the run is over'): context.run(log, {'acc': 2})
    with pytest.raises(Exception, match='nothing is listening'): log({'acc': 2})
    assert table(result, 'acc') == both('finished', (1, 1.))

def test_two_sweeps_at_once(tmp_path):
    "Each hears its own function, and its helpers that carry its context"
    def train(config):
        with ThreadPoolExecutor(1) as pool:
            for e in range(1, 6):
                log({'own': config['lr']}, step=e)
                pool.submit(contextvars.copy_context().run, log, {'acc': config['lr']*e}, e).result(10)
    def start(rate): return run_sweep([dict(lr=rate)], function=train, store=tmp_path/f'{rate}.db', progress=False)
    with ThreadPoolExecutor(2) as pool: found = [table(o.result(60), 'own', 'acc') for o in [pool.submit(start, lr) for lr in RATES]]
    assert found == [[(lr, 'finished', e, lr, round(lr*e, 6)) for e in range(1, 6)] for lr in RATES]

def test_a_helper_of_one_of_two_functions_is_told_how(tmp_path):
    begun, go = threading.Event(), threading.Event()
    def waits(config):
        log({'acc': 1})
        begun.set(); go.wait(20)
    waits.version = '1'
    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(run_sweep, [dict(lr=.5)], function=waits, store=tmp_path/'other.db', progress=False)
        begun.wait(10)
        with logging_to(lambda *_: None), ThreadPoolExecutor(1) as helpers:
            with pytest.raises(Exception, match=r'2 training functions run at once.*contextvars.copy_context\(\).run'): helpers.submit(log, {'acc': 1}).result(10)
        go.set()
        assert set(other.result(20).config_table()['state']) == {'finished'}

def test_helpers_do_not_wait_for_lent_generators(tmp_path):
    "A function draws and waits for its helper, which logs, while another thread wants the global generators"
    stop, drawn = threading.Event(), []
    def wants():
        while not stop.is_set():
            with OwnRandom(3): drawn.append(np.random.rand())
    other = threading.Thread(target=wants)
    def train(config):
        with ThreadPoolExecutor(1) as pool:
            for e in (1, 2, 3):
                log({'acc': np.random.rand() + torch.rand(1).item()}, step=e)
                start = time.monotonic()
                pool.submit(log, {'helper': e}, e).result(20)
                log({'waited': time.monotonic() - start}, step=e)
    alone = run(train, tmp_path)                                   # alone: imports at first use take a minute beside a busy thread
    other.start()
    try:
        first, second = (run(train, tmp_path, fresh=True) for _ in range(2))
        a, b = (table(o, 'acc', 'helper') for o in (first, second))
        assert a == b == table(alone, 'acc', 'helper') and len(a) == 6
        waited = [o[-1] for r in (first, second) for o in table(r, 'waited')]
        assert len(waited) == 12 and np.median(waited) < .1, waited    # not the whole: beside a busy thread each call of the system waits for Python's lock
    finally:
        stop.set(); other.join()
    assert len(set(drawn)) == 1

# ---- what the reader is told ---------------------------------------------------------------------------------------------
def lines_of(capsys): return [re.sub(r'[0-9a-f]{12}', 'id', o) for o in capsys.readouterr().out.splitlines()]

def test_notes_are_given_once(tmp_path, capsys):
    "What is left out, and a metric that is never logged: at the first run, once"
    run(figures, tmp_path, 'val_acc', progress=True)
    said = lines_of(capsys)
    assert said[1:3] == ['log() keeps numbers and leaves out the rest: curve is Figure, confusion is ndarray, report is str, best is NoneType',
                         "lr=0.1 did not log 'val_acc', which ranks this sweep's runs; it logged acc"]
    assert sum('leaves out' in o for o in said) == sum('did not log' in o for o in said) == 1
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        run(figures, tmp_path, 'val_acc', fresh=True)
    texts = [str(o.message) for o in caught]
    assert [t for t in texts if t in said] == said[1:3] + [t for t in texts if t.startswith('no run logged')]

def test_progress_counts_runs_and_names_keys(tmp_path, capsys):
    def train(config): log({'acc': config.learning_rate*config.width*config.optimizer.factor})
    sweep = dict(name='p', method='grid', metric=dict(name='acc'), parameters=dict(learning_rate={'values': [.000565547123, .1]}, hidden_layers={'value': [8]}, width={'value': 3},
                 num_epochs={'value': 40}, optimizer={'parameters': {'factor': {'values': [1, 2]}}}))
    result = run_sweep(sweep, function=train, store=tmp_path/'p.db', progress=True, seeds=2)
    said = lines_of(capsys)
    assert said[1].strip() == '8 of 8 runs · learning_rate=0.1 optimizer.factor=2 seed=1, best so far 0.600'
    assert result.best_table()['acc'][0] == pytest.approx(.6)

def test_a_number_without_a_metric_is_called_score(tmp_path, capsys):
    result = run(optuna_objective, tmp_path, None, progress=True)
    assert (result.metric, result.goal) == ('score', 'maximize') and "judged by 'score': the sweep names no metric" in lines_of(capsys)

def test_learning_rates_by_their_usual_names(tmp_path):
    result = run(returns_model, tmp_path)
    df = join_tables(result.config_table(), result.history_table())
    assert learning_rate_table(df, 'acc')[['learning_rate', 'mean']].values.tolist() == [[.1, .1], [.2, .2]]
    assert sorted(compare_learning_rates_per_model(df, 'acc').lines[0].get_xdata()) == [.1, .2]
    other = run_sweep([dict(width=w) for w in (1, 2)], function=lambda c: c.width, store=tmp_path/'w.db', progress=False)
    df = join_tables(other.config_table(), other.history_table())
    with pytest.raises(DataError, match='no learning_rate; known: .*width'): compare_learning_rates_per_model(df, 'score')
    for o, figures in ((result, True), (other, False)): assert ('by learning rate' in write_report(o, tmp_path/'r.html').read_text(encoding='utf-8')) is figures

def test_the_config_is_a_dict_as_before():
    config = FunctionConfig(lr=.1, opt={'name': 'sgd'})
    assert (config.opt.name, config.get('seed'), config['seed'], config.seed) == ('sgd', 0, 0, 0)
    assert dict(config) == {**config} == json.loads(json.dumps(config)) == {'lr': .1, 'opt': {'name': 'sgd'}} == config

# ---- judged anew, edited meanwhile, late ------------------------------------------------------------------------------------
def two_scores(config):
    for e, (loss, acc) in enumerate([(1, .1), (.2, .5), (.9, .9)], 1): log({'vloss': loss, 'acc': acc*config['lr']}, step=e)

def judged(name, goal, rates): return {**sweep_of(None, rates), 'metric': dict(name=name, goal=goal)}

def test_the_best_epoch_is_that_of_todays_metric(tmp_path):
    how = dict(function=two_scores, store=tmp_path/'s.db', progress=False)
    by_loss = run_sweep(judged('vloss', 'minimize', [1, .5]), **how)
    assert set(by_loss.best_table()['best epoch']) == {2}
    by_acc = run_sweep(judged('acc', 'maximize', [1, .5, .9]), **how)
    for result in (by_acc, stored_result(tmp_path/'s.db', 's')):
        best = result.best_table()
        assert best[['lr', 'best epoch']].values.tolist() == [[1, 3], [.9, 3], [.5, 3]] and best['acc'].tolist() == pytest.approx([.9, .81, .45])
    assert '0.900' in write_report(by_acc, tmp_path/'r.html').read_text(encoding='utf-8')

def test_runs_that_lack_the_metric_of_today_are_told(tmp_path):
    def returns(config): return config['lr']
    run(returns, tmp_path)
    with pytest.warns(UserWarning, match="2 of 3 runs did not log 'auc' and stand last"): run(returns, tmp_path, 'auc', rates=(.1, .2, .3))
    def both(config): log({'other': 1.}); return config['lr']
    with pytest.warns(UserWarning, match='the returned number is a score, and the sweep names no metric'): run(both, tmp_path, None)

class Edited:
    "Code that stands in a file, and is edited while the sweep runs"
    __name__ = 'edited'
    def __init__(self): self.version = 'one'
    def __call__(self, config):
        log({'acc': config['lr']})
        if config['lr'] == .1: self.version = 'two'

def test_numbers_of_another_version_are_not_kept(tmp_path):
    function = Edited()
    result = run(function, tmp_path)
    assert [o.split(':')[0] for o in reasons(result)] == ['SweepError']*2 and 'edited while the sweep ran' in reasons(result)[0]
    assert set(run(function, tmp_path).config_table()['state']) == {'finished'}          # the version of now

def test_a_timer_of_an_earlier_run_is_not_heard(tmp_path):
    said = str(tmp_path/'said')
    def late():
        try: log({'acc': 101.})
        except DeepsweepError as e: Path(said).write_text(str(e))
    def leaves_a_timer(config):
        log({'acc': config['lr']})
        if config['lr'] == .1: threading.Timer(.3, late).start()
        else: time.sleep(.7)
    result = run(leaves_a_timer, tmp_path)
    assert result.history_table()['acc'].max() == .2 and 'over' in Path(said).read_text()

@pytest.mark.skipif(not hasattr(signal, 'SIGALRM'), reason='no alarms on this system')
def test_a_limit_by_alarm_ends_one_run(tmp_path):
    def too_late(*_): raise TimeoutError('too slow')
    def limited(config):
        old = signal.signal(signal.SIGALRM, too_late)
        try:
            signal.setitimer(signal.ITIMER_REAL, .1 if config['lr'] == .1 else 5)
            log({'acc': config['lr']})
            time.sleep(.3)
        finally: signal.setitimer(signal.ITIMER_REAL, 0); signal.signal(signal.SIGALRM, old)
    assert reasons(run(limited, tmp_path)) == ['TimeoutError: too slow', '1 epochs reported']

def test_small_things_of_a_config_and_a_number(tmp_path):
    config = FunctionConfig(lr=1)
    config.lr = 4
    assert (config['lr'], config.lr, dict(config)) == (4, 4, {'lr': 4})
    def masked(config): log({'acc': config['lr'], 'gap': np.ma.masked, 'kept': np.ma.array([3.], mask=[False])[0]})
    assert 'gap' not in run(masked, tmp_path).history_table()
    def hungry(config): raise MemoryError
    assert reasons(run(hungry, tmp_path)) == ['MemoryError; a smaller batch_size needs less memory']*2

def test_a_study_that_is_told_in_another_thread(tmp_path):
    for last, state in ((math.nan, 'diverged'), (.5, 'finished')):
        study = Study(judged('valid loss', 'minimize', [1.]), tmp_path/f'{state}.db', progress=False)
        asked = study.ask()
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(study.tell, asked.id, {'valid loss': 1.}, 1).result()
            assert pool.submit(study.tell, asked.id, {'valid loss': last}, 2).result() == (state == 'finished')
        study.close()
        assert study.result().config_table()['state'].tolist() == [state]

@pytest.mark.skipif(not hasattr(os, 'fork'), reason='no fork on this system')
def test_a_study_does_not_follow_a_fork(tmp_path):
    study = Study(judged('valid loss', 'minimize', [1.]), tmp_path/'s.db', progress=False)
    asked = study.ask()
    there, here = os.pipe()
    if not os.fork():
        try: study.tell(asked.id, {'valid loss': 1.}, 1); told = 'it told'
        except DeepsweepError as e: told = str(e)
        os.write(here, told.encode()); os._exit(0)
    assert 'belongs to another process' in os.read(there, 500).decode()
    assert study.tell(asked.id, {'valid loss': 1.}, 1)
    study.close()
