"""What a store costs as it grows: a run's overhead beside 20,000 stored runs against 200, and reading one run of 2,000

    python -m benchmarks.store_size

Stored runs are copies of one toy run with five epochs, in one study. Overhead is what 200 further toy runs of another
study take, a run, without the calls that report. Exit code as in `sweep_speed`."""
from __future__ import annotations
import os, random, sqlite3, statistics, sys, tempfile, time
from collections.abc import Sequence
from pathlib import Path
import deepsweep
from deepsweep.runs import RunStore
from deepsweep.sweep import run_sweep
from .common import Verdicts, end, is_busy, machine, markdown_table, parser, results_page, say

GOALS = {'epochs-ms:one': 10, 'growth:stored': 1.3}

def toy(config):
    "Five epochs of made-up numbers"
    for epoch in range(config['epochs']): deepsweep.log({'train loss': 2.3/(epoch+1), 'valid loss': 2.4/(epoch+1), 'valid accuracy': 1 - 1/(epoch+1.5)}, step=epoch)

def filled(path:Path, runs:int, epochs:int)->RunStore:
    "A store with so many runs of so many epochs, copied inside the database"
    store = RunStore(path)
    run_sweep([dict(epochs=epochs, rate=0., name='stored')], function=toy, store=store, progress=False)
    store.close()
    with sqlite3.connect(path) as db:
        db.execute('CREATE TEMP TABLE new AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < ?) SELECT i, printf("%012x", i) AS run FROM n', (runs - 1,))
        for table in ('runs', 'history', 'labels'):
            columns = [f'"{c[1]}"' for c in db.execute(f'PRAGMA table_info({table})') if c[1] != 'run']
            db.execute(f"INSERT INTO {table} (run, {', '.join(columns)}) SELECT new.run, {', '.join(columns)} FROM new, {table}")
    db.close()
    store = RunStore(path)
    found = len(store.config_table())
    assert found == runs, (found, runs)
    return store

def overhead(store:RunStore, runs:int, number:int)->float:
    "Seconds a run, without the calls that report"
    rows = 0.
    def timed(config):
        nonlocal rows
        start = time.perf_counter()
        toy(config)
        rows += time.perf_counter() - start
    timed.version = 1
    configs, start = [dict(epochs=5, rate=i/runs, number=number, name=f'more {number}') for i in range(runs)], time.perf_counter()
    result = run_sweep(configs, function=timed, store=store, progress=False)
    seconds = time.perf_counter() - start - rows
    assert set(result.config_table()['state']) == {'finished'}
    return seconds/runs

def one_run(store:RunStore, runs:int, n:int)->list[float]:
    "Seconds to read the epochs of one run, for some"
    seconds = []
    for i in random.Random(0).choices(range(1, runs), k=n):
        start = time.perf_counter()
        rows = store.epochs(f'{i:012x}')
        seconds.append(time.perf_counter() - start)
        assert len(rows) == 16
    return seconds

def main(argv:Sequence[str]|None=None)->int:
    p = parser('What a store costs as it grows')
    p.add_argument('--rounds', type=int, default=None, help='interleaved repeats; default 7, with --tiny 1')
    args = p.parse_args(argv)
    few, many, more, wide = (20, 200, 5, 50) if args.tiny else (200, 20_000, 200, 2_000)
    rounds = args.rounds or (1 if args.tiny else 7)
    verdicts, about, found = Verdicts(GOALS, args.goal), machine(['sqlalchemy']), {few: [], many: []}
    say(about)
    if is_busy(): say(f'note: other programs are at work here (load {os.getloadavg()[0]:.1f})')
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        reading = filled(Path(folder)/'read.db', wide, 16)
        seconds = one_run(reading, wide, 5 if args.tiny else 200)
        start = time.perf_counter()
        whole = len(reading.history_table())
        all_of_it = time.perf_counter() - start
        say(f'one run of {wide}: {1e3*statistics.median(seconds):.2f} ms; all {whole:,} rows: {1e3*all_of_it:.0f} ms')
        stores = {n: filled(Path(folder)/f'{n}.db', n, 5) for n in (few, many)}
        for n, store in stores.items(): overhead(store, 2, -1)                       # first use
        for number in range(rounds):
            for n, store in stores.items(): found[n].append(overhead(store, more, number))
            say(f'round {number+1}: ' + ', '.join(f'{1e3*o[-1]:.2f} ms a run beside {n:,}' for n, o in found.items()))
        for store in (reading, *stores.values()): store.close()
    verdicts.limit('epochs-ms', 'one', 1e3*statistics.median(seconds))
    verdicts.limit('growth', 'stored', statistics.median(b/a for a, b in zip(found[few], found[many])))
    rows = [{'stored runs': n, 'ms a run': 1e3*statistics.median(o), 'lowest': 1e3*min(o), 'highest': 1e3*max(o)} for n, o in found.items()]
    text = (f'{about}. {more} toy runs of five epochs into a store that holds others, {rounds} interleaved rounds, medians; `growth` is the median of the ratios. '
            f'Reading one run of {wide:,} with 16 epochs: {1e3*statistics.median(seconds):.2f} ms; the whole history, {whole:,} rows: {1e3*all_of_it:.0f} ms.\n\n{markdown_table(rows)}')
    return end(verdicts, results_page(args), 'store_size', text)

if __name__ == '__main__': sys.exit(main())
