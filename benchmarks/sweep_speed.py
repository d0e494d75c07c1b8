"""The same sweeps side by side, interleaved: the article's loop, fastai, Lightning with Optuna, vmap, ours serial and fused.

    python -m benchmarks.sweep_speed                  every shape, one rate for the peers, all for ours, scaled; two rounds
    python -m benchmarks.sweep_speed --full           every rate for all, and all peers on the CNNs
    python -m benchmarks.sweep_speed --work mlp --rounds 1

Timed: building the nets, training, the scores before the first epoch and after each, keeping the best weights. Not timed:
reading the images, making the forms in which each way reads them, imports. Exit code 1: a goal is missed; 2: none is, but
something was not measured."""
from __future__ import annotations
import contextlib, gc, json, math, os, statistics, subprocess, sys, time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
import torch
from deepsweep.data import load_data
from deepsweep.models import make_model, summary
from .common import ROOT, Verdicts, end, is_busy, machine, markdown_table, matrix_rate, parser, results_page, say, seconds_of
from .peers import WAYS, Images

PACKAGES = ['fastai', 'lightning', 'optuna']
GOALS = {'mlp:article': 8, 'mlp-narrow:article': 12, 'mlp:fastai': 4, 'mlp:lightning+optuna': 4, 'mlp:serial': 1, 'mlp:vmap': None,
         'cnn:article': 2, 'cnn64:matrix-rate': .75, 'peak:mlp': 2.5}
ONE = .05      # The rate that peers train when they train one
OURS = ('serial', 'fused')

# ---- the work ------------------------------------------------------------------------------------------------------
@dataclass
class Work:
    "A grid: shapes by learning rates"
    name:str
    shapes:list      # Model keys of each shape
    rates:list
    epochs:int
    images:Images
    ways:list        # Names of `WAYS`, ours among them

    def configs(self, shape:Mapping, rates:Sequence[float])->list[dict]:
        return [dict(shape, learning_rate=r, num_epochs=self.epochs, batch_size=32, seed=0) for r in rates]

    def label(self, shape:Mapping)->str:
        return ' '.join(f'{len(v)}×{v[0]}' for k in ('conv_layers', 'hidden_layers') if (v := shape.get(k)) and (k == 'conv_layers' or 'conv_layers' not in shape))

def mlp_shapes(depths=(1, 2, 3, 5), widths=(32, 64, 128, 256))->list[dict]: return [dict(hidden_layers=[w]*d) for w in widths for d in depths]

def cnn_shapes(depths=(2, 3, 5), widths=(8, 16, 32))->list[dict]:
    "The article's CNNs: padding 0 for two conv layers, 3 for more"
    return [dict(conv_layers=[w]*d, hidden_layers=[128, 64], kernel_size=5, pool_size=2, padding=0 if d == 2 else 3) for w in widths for d in depths]

def image_sets(tiny:bool)->dict[str,tuple]:
    "Images of each work: a name, and how many to train and to score on"
    if tiny: return dict(mlp=('fashion_mini', 200, 100), cnn=('fashion_mini', 64, 32), cnn64=('fashion_mini', 32, 32))
    return dict(mlp=('cifar10', 10_000, 2_000), cnn=('cifar10', 5_000, 2_000), cnn64=('cifar10', 2_000, 1_000))

def load_images(name:str, tiny:bool)->Images:
    source, n_train, n_valid = image_sets(tiny)[name]
    return Images(load_data(source, n_train=n_train, n_valid=n_valid))

def make_work(name:str, full:bool, tiny:bool)->Work:
    "The MLP or the CNN grid"
    everyone, few = list(WAYS), ['article', 'fused']
    if name == 'mlp': return Work(name, mlp_shapes((1, 3), (32,)) if tiny else mlp_shapes(), [.01, .05, .1, .2], 2, load_images(name, tiny), everyone)
    return Work(name, cnn_shapes((2,), (8,)) if tiny else cnn_shapes(), [ONE, .1], 1, load_images(name, tiny), everyone if full else few)

# ---- timing --------------------------------------------------------------------------------------------------------
@contextlib.contextmanager
def threads(n:int)->Iterator[None]:
    "Each way starts with torch's own number of threads; ours changes it as its plan decides"
    torch.set_num_threads(n)
    try: yield
    finally: torch.set_num_threads(n)

def check_same(work:Work, shape:Mapping, name:str, configs:Sequence[Mapping], rows:Sequence[Mapping], reference:dict)->None:
    "Every way makes the same number of updates and comes to the same validation loss"
    for c, r in zip(configs, rows, strict=True):
        updates = c['num_epochs']*math.ceil(len(work.images.data.x_train)/c['batch_size'])
        if r['updates'] != updates: raise SystemExit(f"{name} made {r['updates']} updates for {work.label(shape)}, asked were {updates}")
        loss = reference.setdefault((work.name, work.label(shape), c['learning_rate']), r['valid loss'])
        if not math.isclose(loss, r['valid loss'], rel_tol=.05, abs_tol=.02): say(f"note: {name}, {work.label(shape)} at rate {c['learning_rate']}: validation loss {r['valid loss']:.4f}, first measured {loss:.4f}")

def blocks(work:Work)->list[list[dict]]:
    "Shapes that ours trains in one sweep: those below width 256 by depth, the rest together"
    width = lambda o: (o.get('conv_layers') or o['hidden_layers'])[0]
    depth = lambda o: len(o.get('conv_layers') or o['hidden_layers'])
    narrow, rest = [o for o in work.shapes if width(o) < 256], [o for o in work.shapes if width(o) >= 256]
    return [[o for o in narrow if depth(o) == d] for d in dict.fromkeys(map(depth, narrow))] + ([rest] if rest else [])

def time_round(work:Work, ways:Sequence[str], full:bool, number:int, default_threads:int, reference:dict)->list[dict]:
    """One round: at each block of shapes every way in turn, another one first each time. A row per shape and way, seconds for all rates.
    Ours gets a block as one sweep, as a user gives it a grid; its seconds are shared out as its runs' own seconds are."""
    rows = []
    for i, block in enumerate(blocks(work)):
        turn = (i+number) % len(ways)
        for name in [*ways[turn:], *ways[:turn]]:
            way, one = WAYS[name], name in OURS
            for shapes in ([block] if one else [[o] for o in block]):
                each = [work.configs(o, work.rates if full or way.every else [ONE]) for o in shapes]
                gc.collect()
                with threads(default_threads): seconds, get = seconds_of(lambda: way.fn([c for o in each for c in o], work.images))
                found = get()
                parts = [found[sum(map(len, each[:k])):][:len(o)] for k, o in enumerate(each)]
                spent = [sum(r['seconds'] for r in o) if one else 1 for o in parts]
                for shape, configs, part, share in zip(shapes, each, parts, spent, strict=True):
                    check_same(work, shape, name, configs, part, reference)
                    rows.append(dict(round=number, shape=work.label(shape), width=(shape.get('conv_layers') or shape['hidden_layers'])[0], way=name,
                                     seconds=seconds*share/sum(spent)*len(work.rates)/len(configs), trained=len(configs), fused=sum(r.get('group') is not None and r['group'] == r['group'] for r in part)))
        for label in map(work.label, block):
            done = {r['way']: r['seconds'] for r in rows if r['shape'] == label}
            say(f'{work.name} round {number+1} {label:>6}: ' + '  '.join(f'{o} {done[o]:.2f}' for o in ways) + '  s for all rates')
    return rows

def warm_up(work:Work, ways:Sequence[str], default_threads:int)->None:
    "Let every way load what it loads at its first use"
    small = Images(load_data('fashion_mini', n_train=64, n_valid=32))
    for name in ways:
        with threads(default_threads): WAYS[name].fn([dict(work.shapes[0], learning_rate=ONE, num_epochs=1, batch_size=32, seed=0)], small)()

def ratios(rows:Sequence[Mapping], way:str, rounds:int, widths:Sequence[int]|None=None)->list[float]:
    "Seconds of a way over ours fused, one value per round, over shapes of these widths"
    def total(name, n): return sum(r['seconds'] for r in rows if r['way'] == name and r['round'] == n and (widths is None or r['width'] in widths))
    return [total(way, n)/total('fused', n) for n in range(rounds)]

# ---- wide CNNs against the matrix rate -----------------------------------------------------------------------------
def training_flops(config:Mapping, data)->float:
    "Multiplications and additions of a run's products: forward, gradient of the weights and, but for the first layer, of the inputs; and its scores"
    layers = summary(make_model(config, data), data)
    layers = layers[layers['layer'] != 'total']['FLOPs']
    layers = layers[layers > 0]
    forward, n_train, n_valid, epochs = layers.sum(), len(data.x_train), len(data.x_valid), config['num_epochs']
    return epochs*n_train*(3*forward - layers.iloc[0]) + forward*(n_train + (epochs+1)*n_valid)

def wide_rates(images:Images, tiny:bool, default_threads:int)->tuple[float,list[dict]]:
    "Share of the matrix rate that ours reaches on CNNs of width 64, and a row per shape"
    work, rows = Work('cnn64', cnn_shapes((2,) if tiny else (2, 3, 5), (64,)), [ONE], 1, images, ['fused']), []
    for shape in work.shapes:
        configs = work.configs(shape, work.rates)
        with threads(default_threads):
            before = matrix_rate()
            seconds, get = seconds_of(lambda: WAYS['fused'].fn(configs, images))
            rate = (before + matrix_rate())/2
        get()
        flops = sum(training_flops(c, images.data) for c in configs)
        rows.append(dict(shape=work.label(shape), seconds=seconds, flops=flops, rate=rate))
        say(f"cnn64 {rows[-1]['shape']}: {seconds:.2f} s, {flops/seconds/1e9:.0f} of {rate/1e9:.0f} GFLOP/s")
    return sum(r['flops']/r['rate'] for r in rows)/sum(r['seconds'] for r in rows), rows

# ---- the script ----------------------------------------------------------------------------------------------------
def peak_memory(tiny:bool)->dict:
    "Peak memory of the fused MLP sweep, in a process of its own"
    run = subprocess.run([sys.executable, '-m', 'benchmarks.peak', *(['--tiny'] if tiny else [])], cwd=ROOT, capture_output=True, text=True,
                         env=dict(os.environ, PYTHONPATH=os.pathsep.join([str(ROOT), os.environ.get('PYTHONPATH', '')])))
    if run.returncode: raise SystemExit(f'the sweep whose memory is measured failed:\n{run.stderr[-2000:]}')
    return json.loads(run.stdout.splitlines()[-1])

def shape_table(work:Work, rows:Sequence[Mapping], ways:Sequence[str], rounds:int)->str:
    "Seconds by shape and way, median of the rounds"
    table = []
    for label in dict.fromkeys(r['shape'] for r in rows):
        mine = {o: statistics.median(r['seconds'] for r in rows if r['way'] == o and r['shape'] == label) for o in ways}
        table.append({'shape': label, **mine, 'in groups': f"{next(r['fused'] for r in rows if r['way'] == 'fused' and r['shape'] == label)} of {len(work.rates)}"})
    sums = {o: sum(t[o] for t in table) for o in ways}
    return markdown_table([*table, {'shape': 'all', **sums, 'in groups': ''}])

def main(argv:Sequence[str]|None=None)->int:
    p = parser('The same sweeps in six ways, side by side')
    p.add_argument('--full', action='store_true', help='every rate for every way, and every way on the CNNs')
    p.add_argument('--rounds', type=int, default=None, help='interleaved repeats; default 2, with --tiny 1')
    p.add_argument('--work', choices=['mlp', 'cnn', 'all'], default='all')
    args = p.parse_args(argv)
    rounds = args.rounds or (1 if args.tiny else 2)
    if rounds < 1: raise SystemExit(f'--rounds is at least 1, got {rounds}')
    verdicts, n_threads, start, parts = Verdicts(GOALS, args.goal), torch.get_num_threads(), time.perf_counter(), []
    about = machine(PACKAGES)
    say(about)
    if is_busy(): say(f'note: other programs are at work here (load {os.getloadavg()[0]:.1f}): times of several threads suffer most')
    works = [make_work(o, args.full, args.tiny) for o in (['mlp', 'cnn'] if args.work == 'all' else [args.work])]
    wide  = load_images('cnn64', args.tiny) if args.work != 'mlp' else None
    ways  = {w.name: [o for o in w.ways if not WAYS[o].missing] for w in works}
    for o in works:
        warm_up(o, ways[o.name], n_threads)
    found, reference, shares, wide_rows = {o.name: [] for o in works}, {}, [], []
    for number in range(rounds):
        for o in works: found[o.name] += time_round(o, ways[o.name], args.full, number, n_threads, reference)
        if wide is not None:
            share, rows = wide_rates(wide, args.tiny, n_threads)
            shares.append(share); wide_rows += rows
    peak = peak_memory(args.tiny) if args.work != 'cnn' else None

    if peak is not None: verdicts.limit('peak', 'mlp', peak['bytes']/1e9, 'GB')
    for o in works:
        for way in [w for w in o.ways if w != 'fused']:
            if WAYS[way].missing: verdicts.missing(o.name, way, f"not installed: {' '.join(WAYS[way].missing)}"); continue
            verdicts.ratio(o.name, way, ratios(found[o.name], way, rounds))
            if o.name == 'mlp' and way == 'article': verdicts.ratio('mlp-narrow', way, ratios(found['mlp'], way, rounds, (32, 64, 128)))
    if shares: verdicts.ratio('cnn64', 'matrix-rate', shares)

    sizes = image_sets(args.tiny)
    parts.append(f"{about}. {rounds} interleaved round{'s' if rounds > 1 else ''}{', all rates for all' if args.full else f', peers at rate {ONE:g} only, scaled to all rates'}; {(time.perf_counter()-start)/60:.0f} minutes in all.")
    parts.append('Same initial weights, batches and number of updates in all ways; plain SGD, batch 32. ' + '; '.join(f'{o}: {w.how}' for o, w in WAYS.items()) + '.')
    for o in works:
        name, n_train, n_valid = sizes[o.name]
        parts.append(f"**{o.name}**: {len(o.shapes)} shapes × {len(o.rates)} rates, {o.epochs} epoch{'s' if o.epochs > 1 else ''}, {n_train:,} training and {n_valid:,} validation images of {name}; seconds for all rates of a shape, median of the rounds.\n\n"
                     + shape_table(o, found[o.name], ways[o.name], rounds))
    if wide_rows:
        name, n_train, n_valid = sizes['cnn64']
        parts.append(f'**cnn64**: ours on CNNs of width 64, one epoch, {n_train:,} and {n_valid:,} images of {name}; counted are the products of layers.\n\n' + markdown_table(
            [{'shape': r['shape'], 'seconds': r['seconds'], 'GFLOP/s': r['flops']/r['seconds']/1e9, 'matrix rate [GFLOP/s]': r['rate']/1e9, 'share': r['flops']/r['seconds']/r['rate']} for r in wide_rows]))
    if peak is not None: parts.append(f"Peak memory of the {peak['runs']}-run fused sweep, alone in a process: {peak['bytes']/1e9:.2f} GB ({peak['before']/1e9:.2f} GB before it began), groups of {peak['sizes']}, {peak['seconds']:.0f} s.")
    return end(verdicts, results_page(args), 'sweep_speed', '\n\n'.join(parts))

if __name__ == '__main__': sys.exit(main())
