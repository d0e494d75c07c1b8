"""Where fusing and lanes pay: the measurements behind the constants of `make_plan` (deepsweep/plan.py)

The plan is a pure function: nothing is timed while a sweep runs. Its constants were read off the tables that this script
writes. Measured is an epoch's training, per image and member, on one thread:
    _MOST    16     members of a group: from eight to sixteen hardly anything is gained
    _ROWS    1024   members x width of an MLP: products with more rows take as long per member, and more memory
    _FILTERS 16     width of a convolution, from which a group takes as long as its members alone
    _MAPS    16e6   bytes of the largest maps of a batch, of all members: with more nothing is gained
    _LONE    8e5    weights of an MLP that trains faster as a group of one than alone
    _LANE_STEP 6e6  FLOPs of an MLP's step, members x batch x forward; below it two lanes wait for each other's Python
"""
from __future__ import annotations
import math, statistics, sys, tempfile, time
from collections.abc import Mapping, Sequence
from pathlib import Path
from unittest import mock
import torch
from deepsweep import plan, sweep
from deepsweep.data import ImageData, load_data
from deepsweep.fused import FusedTrainer
from deepsweep.trainer import keep_memory, make_trainer
from .common import Verdicts, end, is_busy, machine, markdown_table, parser, results_page, say

SIZES = (0, 1, 2, 4, 8, 16)      # members; 0: alone, by `ModelTrainer`
GOALS = {'plan-mlp:best': .8, 'plan-cnn:best': .8, 'lanes:one': .8}

def shapes(tiny:bool)->dict[str,list[dict]]:
    "Nets to measure"
    if tiny: return dict(mlp=[dict(hidden_layers=[8])], cnn=[dict(conv_layers=[2], hidden_layers=[8], kernel_size=3)])
    return dict(mlp=[dict(hidden_layers=[w]*2) for w in (32, 64, 128, 256, 512)],
                cnn=[dict(conv_layers=[w]*2, hidden_layers=[64], kernel_size=3, batch_size=b) for w in (8, 16, 32) for b in (32, 128)])

def say_row(row:Mapping)->None: say(*(f'{o:.3g}' if isinstance(o, float) else o for o in row.values()))

def member_seconds(data:ImageData, config:Mapping, n:int)->float:
    "Seconds of one epoch's training, per image and member"
    trainers = [make_trainer(dict(config, learning_rate=.01*(i+1), num_epochs=1), data, device='cpu') for i in range(max(n, 1))]
    train = (lambda: FusedTrainer(trainers)._train_epoch(1)) if n else trainers[0].train_loop
    start = time.perf_counter()
    train()
    return (time.perf_counter()-start)/len(data.x_train)/max(n, 1)

def planned_size(data:ImageData, config:Mapping)->int:
    "What the plan makes of many such runs, as one of SIZES"
    runs = plan.sweep_runs([dict(config, learning_rate=.001*(i+1)) for i in range(16)])
    groups = plan.make_plan(runs, 1, data)
    most = max(len(g['runs']) for g in groups)
    return max(o for o in SIZES if o <= most) if groups[0]['fused'] else 0

def group_rows(data:ImageData, configs:Sequence[Mapping], repeats:int)->tuple[list,list]:
    "A row of the table for each net, and best time over planned time"
    rows, shares = [], []
    for config in configs:
        found = {n: [] for n in SIZES}
        for _ in range(repeats):
            for n in SIZES: found[n].append(member_seconds(data, config, n))
        least, size = {n: min(o) for n, o in found.items()}, planned_size(data, config)
        rows.append({'net': '-'.join(map(str, config.get('conv_layers') or config['hidden_layers'])), 'batch': config.get('batch_size', 32),
                     **{'alone' if not n else str(n): 1e6*t for n, t in least.items()}, 'planned': size or 'alone'})
        shares.append(min(least.values())/least[size])
        say_row(rows[-1])
    return rows, shares

def sweep_seconds(data:ImageData, widths:Sequence[int], members:int, epochs:int, lanes:bool)->float:
    "A sweep of two groups, side by side or one after the other"
    configs = [dict(hidden_layers=[w], learning_rate=.01*(i+1), num_epochs=epochs) for w in widths for i in range(members)]
    with mock.patch.object(plan, '_LANE_STEP', 0 if lanes else float('inf')), tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        start = time.perf_counter()
        result = sweep.run_sweep(configs, data, store=Path(folder)/'lanes.db', device='cpu', progress=False)
        seconds = time.perf_counter()-start
        result.store.close()
    return seconds

def lane_rows(sets:Mapping[str,ImageData], tiny:bool, repeats:int)->tuple[list,list]:
    "Two groups in lanes or not; and the better time over the planned one"
    rows, shares = [], []
    for data in sets.values():
        for width in (8,) if tiny else (16, 64, 256):
            members, pair, epochs = 4, (width, width+1), 1 if tiny else max(2, 12000//len(data.x_train))
            found = {True: [], False: []}
            for _ in range(repeats):
                for lanes in found: found[lanes].append(sweep_seconds(data, pair, members, epochs, lanes))
            side, one = (statistics.median(found[o]) for o in (True, False))
            groups = plan.make_plan(plan.sweep_runs([dict(hidden_layers=[w], learning_rate=.01*(i+1)) for w in pair for i in range(members)]), 2, data)
            rows.append({'images': data.name, 'width': width, 'members': members, 'MFLOP a step': 2e-6*32*members*width*(math.prod(data.shape)+len(data.classes)),
                         'side by side': side, 'one by one': one, 'planned': 'side by side' if groups[0]['lane'] else 'one by one'})
            shares.append(min(side, one)/(side if groups[0]['lane'] else one))
            say_row(rows[-1])
    return rows, shares

def main(argv:Sequence[str]|None=None)->int:
    p = parser(__doc__.splitlines()[0])
    p.add_argument('--repeats', type=int, default=None, help='interleaved repeats; default 3, with --tiny 1')
    args = p.parse_args(argv)
    repeats, verdicts, about, threads = args.repeats or (1 if args.tiny else 3), Verdicts(GOALS, args.goal), machine(), torch.get_num_threads()
    say(about)
    if is_busy(): say('note: other programs are at work here')
    load = lambda name, n: load_data(name, n_train=n, n_valid=100)
    images = load('digits', 100) if args.tiny else load('cifar10', 1000)
    texts = []
    keep_memory()                   # as every training does
    torch.set_num_threads(1)
    try:
        for kind, configs in shapes(args.tiny).items():
            rows, shares = group_rows(images, configs, repeats)
            verdicts.ratio(f'plan-{kind}', 'best', shares)
            texts.append(f'**{kind}**: microseconds of training per image and member of {images.name}, by members of a group, least of {repeats}; `planned`: what the plan takes for sixteen such runs.\n\n{markdown_table(rows)}')
    finally: torch.set_num_threads(threads)
    sets = {'digits': load('digits', 100)} if args.tiny else {'digits': load('digits', 1200), 'fashion': load('fashion_mini', 1500), 'cifar10': images}
    if threads > 1:
        rows, shares = lane_rows(sets, args.tiny, repeats)
        verdicts.ratio('lanes', 'one', shares)
        texts.append(f'**lanes**: seconds for a sweep of two groups, median of {repeats}.\n\n{markdown_table(rows)}')
    else: verdicts.missing('lanes', 'one', 'left out')
    return end(verdicts, results_page(args), 'plan_rule', f'{about}. A ratio is the best time measured over that of the plan: 1 where the plan is best.\n\n' + '\n\n'.join(texts))

if __name__ == '__main__': sys.exit(main())
