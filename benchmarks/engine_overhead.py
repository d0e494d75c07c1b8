"""What an engine costs when nothing is trained: 1,000 toy runs that only report numbers; ours, Optuna on SQLite, Ray Tune.

    python -m benchmarks.engine_overhead

Each run reports three metrics in each of five epochs. A row is the call that reports one epoch; a run is everything
else. Ray Tune does fewer runs, for its time; its processes are started before the clock. Exit code as in `sweep_speed`."""
from __future__ import annotations
import contextlib, importlib.util, logging, os, sqlite3, statistics, sys, tempfile, time, warnings
from collections.abc import Callable, Sequence
from pathlib import Path
import deepsweep
from deepsweep.sweep import run_sweep
from .common import Verdicts, end, is_busy, machine, markdown_table, parser, results_page, say

EPOCHS = 5
GOALS  = {'run-ms:ours': 3, 'row-ms:ours': .3, 'engine:optuna': 20, 'engine:ray': 10, 'durable:rows': 1}

def metrics(rate:float, epoch:int)->dict:
    "Three made-up numbers"
    return {'train loss': 2.3/(epoch+1+rate), 'valid loss': 2.4/(epoch+1+rate), 'valid accuracy': 1 - 1/(epoch+1+rate)}

# ---- the engines: seconds in all, and seconds spent in the calls that report ---------------------------------------
def ours(n:int, folder:Path)->tuple[float,float]:
    rows = 0.
    def toy(config):
        nonlocal rows
        for epoch in range(EPOCHS):
            new = metrics(config['rate'], epoch)
            start = time.perf_counter()
            deepsweep.log(new, step=epoch)
            rows += time.perf_counter()-start
    configs, start = [dict(rate=i/n) for i in range(n)], time.perf_counter()
    result = run_sweep(configs, function=toy, store=folder/'ours.db', progress=False)
    seconds = time.perf_counter()-start
    states = result.config_table()['state']
    if len(states) != n or set(states) != {'finished'}: raise SystemExit(f'of {n} toy runs ended: {states.value_counts().to_dict()}')
    result.store.close()
    return seconds, rows

def optuna_sqlite(n:int, folder:Path)->tuple[float,float]:
    import optuna
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    rows = 0.
    def toy(trial):
        nonlocal rows
        rate = trial.suggest_float('rate', 0, 1)
        for epoch in range(EPOCHS):
            new = metrics(rate, epoch)
            start = time.perf_counter()
            trial.report(new['valid accuracy'], epoch)      # Optuna keeps one number an epoch
            rows += time.perf_counter()-start
        return new['valid accuracy']
    study, start = optuna.create_study(storage=f'sqlite:///{folder/"optuna.db"}', sampler=optuna.samplers.RandomSampler(seed=0), direction='maximize'), time.perf_counter()
    study.optimize(toy, n_trials=n)
    seconds = time.perf_counter()-start
    if len(study.trials) != n: raise SystemExit(f'Optuna ran {len(study.trials)} of {n} trials')
    return seconds, rows

def ray_tune(n:int, folder:Path)->tuple[float,float]:
    for k, v in dict(RAY_DEDUP_LOGS='1', TUNE_DISABLE_AUTO_CALLBACK_LOGGERS='0', RAY_AIR_NEW_OUTPUT='0', RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO='0').items(): os.environ.setdefault(k, v)
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        import ray
        from ray import tune
    def toy(config):
        import time
        from ray import tune
        rows = 0.
        for epoch in range(EPOCHS):
            new = metrics(config['rate'], epoch) | dict(rows=rows)
            start = time.perf_counter()
            tune.report(new)
            rows += time.perf_counter()-start
    ray.init(num_cpus=os.cpu_count(), include_dashboard=False, logging_level=logging.ERROR, log_to_driver=False, configure_logging=False)
    try:
        ray.get(ray.remote(lambda: 0).remote())      # a first process is up
        tuner = tune.Tuner(toy, param_space=dict(rate=tune.grid_search([i/n for i in range(n)])), run_config=tune.RunConfig(storage_path=str(folder/'ray'), verbose=0))
        start = time.perf_counter()
        with contextlib.redirect_stdout(sys.stderr): results = tuner.fit()
        seconds = time.perf_counter()-start
        if len(results) != n or results.errors: raise SystemExit(f'Ray Tune ran {len(results)} of {n} trials, {len(results.errors)} failed')
        return seconds, sum(r.metrics['rows'] for r in results)*EPOCHS/(EPOCHS-1)      # the last call cannot report itself
    finally: ray.shutdown()

ENGINES = {'ours': (ours, ()), 'optuna': (optuna_sqlite, ('optuna',)), 'ray': (ray_tune, ('ray', 'pyarrow', 'tensorboardX'))}

# ---- are rows safe? ------------------------------------------------------------------------------------------------
def durable_share(n:int, folder:Path)->float:
    "Share of reported rows that another connection reads before the next epoch begins"
    file, seen = folder/'durable.db', []
    def toy(config):
        for epoch in range(EPOCHS):
            deepsweep.log(metrics(config['rate'], epoch), step=epoch)
            with contextlib.closing(sqlite3.connect(f'file:{file}?mode=ro', uri=True)) as other: seen.append(other.execute('select count(*) from history').fetchone()[0])
    result = run_sweep([dict(rate=i/n) for i in range(n)], function=toy, store=file, progress=False)
    result.store.close()
    return sum(count == i for i, count in enumerate(seen, 1))/(n*EPOCHS)

# ---- the script ----------------------------------------------------------------------------------------------------
def main(argv:Sequence[str]|None=None)->int:
    p = parser('Overhead of sweep engines, without training')
    p.add_argument('--runs', type=int, default=None, help='toy runs; default 1000, with --tiny 20')
    p.add_argument('--ray-runs', type=int, default=None, help='toy runs of Ray Tune, which takes seconds for each; default 50, with --tiny 2')
    p.add_argument('--rounds', type=int, default=None, help='interleaved repeats; default 3, with --tiny 1')
    p.add_argument('--engines', nargs='+', choices=list(ENGINES), default=list(ENGINES), help='which to measure')
    args = p.parse_args(argv)
    runs, ray_runs, rounds = args.runs or (20 if args.tiny else 1000), args.ray_runs or (2 if args.tiny else 50), args.rounds or (1 if args.tiny else 3)
    verdicts, about, found, missing = Verdicts(GOALS, args.goal), machine(['sqlalchemy', 'optuna', 'ray']), {}, {}
    say(about)
    if is_busy(): say(f'note: other programs are at work here (load {os.getloadavg()[0]:.1f})')
    for name, (_, needs) in ENGINES.items():
        if name not in args.engines: missing[name] = 'not asked for'
        if lacking := [o for o in needs if importlib.util.find_spec(o) is None]: missing[name] = f"not installed: {' '.join(lacking)}"
    for number in range(rounds):
        for name, (fn, _) in ENGINES.items():
            if name in missing or name == 'ray' and number: continue             # Ray once: its rounds take minutes
            n = ray_runs if name == 'ray' else runs
            if number == 0 and name != 'ray':                                    # imports, first use
                with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder: fn(2, Path(folder))
            with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder: seconds, rows = fn(n, Path(folder))
            found.setdefault(name, []).append({'runs': n, 'ms a run, all in': 1e3*seconds/n, 'ms a run, without rows': 1e3*(seconds-rows)/n, 'ms a row': 1e3*rows/n/EPOCHS})
            say(f'{name} round {number+1}: {n} runs, {1e3*seconds/n:.2f} ms each with {EPOCHS} rows of {1e3*rows/n/EPOCHS:.3f} ms')
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder: durable = durable_share(min(runs, 20), Path(folder))

    def middle(name, column): return statistics.median(o[column] for o in found[name])
    if 'ours' in found:
        verdicts.limit('run-ms', 'ours', middle('ours', 'ms a run, without rows'))
        verdicts.limit('row-ms', 'ours', middle('ours', 'ms a row'))
    verdicts.ratio('durable', 'rows', [durable])
    for name in ('optuna', 'ray'):
        if name in missing or 'ours' not in found: verdicts.missing('engine', name, missing.get(name, 'not asked for'))
        else: verdicts.ratio('engine', name, [o['ms a run, all in']/found['ours'][i]['ms a run, all in'] for i, o in enumerate(found[name])])
    text = (f"{about}. Toy runs with {EPOCHS} epochs of three metrics, {rounds} interleaved round{'s' if rounds > 1 else ''} (Ray Tune: one), medians. "
            'A row is the call that reports an epoch; Optuna keeps one number of the three. Ray Tune starts before the clock and runs one trial per core. '
            '`durable rows`: share of our rows that another connection reads before the next epoch begins.\n\n'
            + (markdown_table([{'engine': name, **{k: middle(name, k) for k in rows[0]}} for name, rows in found.items()]) if found else ''))
    return end(verdicts, results_page(args), 'engine_overhead', text)

if __name__ == '__main__': sys.exit(main())
