"""Train the runs behind a recorded table, then write the table.

    python tools/record.py cifar10-laptop           # trains what its store lacks (stop and start it as you like), then writes
    python tools/record.py cifar10-laptop --only MLP_SGD MLP_Adam      # a part; two such processes may share one store
    python tools/record.py cifar10-laptop --write   # only writes, from what the store holds

One thread per process, so that a second one may run beside it. The tables go to deepsweep/assets, with a provenance line each.
"""
import argparse, os, time
os.environ.setdefault('OMP_NUM_THREADS', '1')
from pathlib import Path

TEN = 'MLP_SGD MLP_SGD_L2 MLP_SGD_DP MLP_SGD_BN MLP_Adam CNN_SGD CNN_SGD_BN CNN_Adam CNN_SGD_DP CNN_SGD_L2'.split()
TABLES = {'cifar10-laptop': [*TEN, 'CIFAR10_more'], 'cifar10-race': ['CIFAR10_race']}

def main()->None:
    "Parse the command line and do it"
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('table', choices=list(TABLES))
    parser.add_argument('--only', nargs='+', help='Studies to train; default: all of the table')
    parser.add_argument('--store', default='recording.db', help='Where the runs are kept')
    parser.add_argument('--write', action='store_true', help='Train nothing')
    args = parser.parse_args()
    import torch
    from deepsweep.runs import RunStore
    from deepsweep.studies import study, study_data
    from deepsweep.sweep import run_sweep
    torch.set_num_threads(1)
    data = study_data('MLP_SGD', 'laptop')
    for name in [] if args.write else args.only or TABLES[args.table]:
        start = time.monotonic()
        run_sweep(study(name, 'laptop'), data, store=args.store, eval_train=True, progress=False)
        print(name, f'{time.monotonic()-start:.0f} s', flush=True)

    write(RunStore(args.store), args.table, torch)

def write(store, table:str, torch, folder=Path(__file__).parents[1]/'deepsweep'/'assets')->None:
    "Write what the store holds of a table's studies"
    import pandas as pd
    from deepsweep import __version__
    from deepsweep.runs import FINAL_STATES, save_recorded
    names  = [o for o in TABLES[table] if o in store.studies()]
    config = pd.concat([store.config_table(o).assign(study=o) for o in names], ignore_index=True)
    config = config[config['state'].isin(FINAL_STATES)].drop(columns=['error', 'name'])
    history = store.history_table()
    history = history[history['run'].isin(config['run'])].reset_index(drop=True)
    runs = config.drop_duplicates('run')
    line = (f"{table}: {len(runs)} runs, {runs['seconds'].sum():.0f} s on one thread of {cpu()}; deepsweep {__version__}, torch {torch.__version__}, "
            f"{time.strftime('%Y-%m-%d')}; python tools/record.py {table}")
    paths = save_recorded(table, config, history, line, folder)
    print(line, *(f'{o.name} {o.stat().st_size/1000:.0f} kB' for o in paths), sep='\n')

def cpu()->str:
    "What the machine calls its processor"
    info = Path('/proc/cpuinfo')
    names = [o.split(':')[1].strip() for o in info.read_text().splitlines() if o.startswith('model name')] if info.exists() else []
    return names[0] if names else 'an unnamed processor'

if __name__ == '__main__': main()
