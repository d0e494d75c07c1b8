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
    from deepsweep.studies import study, study_data
    from deepsweep.sweep import run_sweep
    torch.set_num_threads(1)
    data = study_data('MLP_SGD', 'laptop')
    for name in [] if args.write else args.only or TABLES[args.table]:
        start = time.monotonic()
        run_sweep(study(name, 'laptop'), data, store=args.store, eval_train=True, progress=False)
        print(name, f'{time.monotonic()-start:.0f} s', flush=True)

if __name__ == '__main__': main()
