"""What one GPU makes of it: seconds an epoch of each family, hours of the whole protocol, FLOP/s, and the article's loop beside ours.

    python -m benchmarks.gpu                       needs a CUDA device; without one it says so and writes that down
    python -m benchmarks.gpu --device cpu --tiny   tests the script

The protocol: the ten CIFAR-10 studies at scale `full`, 176 configurations of which some are one and the same run, each up
to 100 epochs with a patience of 25. How many epochs a run takes is not known beforehand: the hours are given for the least
(26), for all 100, and for an assumed mean of 60. Members that leave a fused group early save less than their share, so the
truth may lie above the assumed mean's figure, never above the last one. An epoch is timed on 10,000 images, and scaled to
the protocol's 45,000. With `--precision float32` convolutions are kept from TF32, which torch otherwise lets them use.
Exit code as in `sweep_speed`."""
from __future__ import annotations
import sys, tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
import torch
from deepsweep.data import load_data
from deepsweep.models import make_model, summary
from deepsweep.studies import study
from deepsweep.sweep import run_sweep, sweep_runs
from .common import Verdicts, end, machine, markdown_table, matrix_rate, parser, results_page, say, seconds_of
from .peers import Images, article, ours

STUDIES = 'MLP_SGD CNN_SGD MLP_SGD_L2 CNN_SGD_L2 MLP_SGD_DP CNN_SGD_DP MLP_SGD_BN CNN_SGD_BN MLP_Adam CNN_Adam'.split()
TRAIN, VALID = 45_000, 5_000         # Images of the protocol
LEAST, MEAN, MOST = 26, 60, 100      # Epochs of a run: patience 25 from epoch 1 on; assumed; the protocol's bound
GOALS = {'gpu:article': 50, 'gpu:cnn5x256': .4, 'hours:protocol': 1}
RATES = [.02, .05, .1, .2]

# ---- families ------------------------------------------------------------------------------------------------------
def label(config:Mapping)->str:
    "A net in a few characters"
    conv, hidden = config.get('conv_layers'), config['hidden_layers']
    return f"CNN {len(conv)}×{conv[0]}" if conv else f'MLP {len(hidden)}×{hidden[0]}'

def families(names:Sequence[str])->list[dict]:
    "The protocol's runs by study and shape, each run once: `study`, `net`, `configs`"
    known, groups = set(), {}
    for name in names:
        for r in sweep_runs(study(name, 'full'), 'protocol'):
            if r.id in known: continue
            known.add(r.id)
            groups.setdefault((name, label(r.config)), []).append(r.config)
    return [dict(study=name, net=net, configs=configs) for (name, net), configs in groups.items()]

def shrunk(configs:Sequence[Mapping], epochs:int, precision:str, tiny:bool)->list[dict]:
    "The same runs for a few epochs, without an early stop"
    out = [{k: v for k, v in c.items() if k != 'patience'} | dict(num_epochs=epochs) | ({} if precision == 'float32' else dict(precision=precision)) for c in configs[:2 if tiny else None]]
    return [c | ({'conv_layers': [4]*len(c['conv_layers']), 'hidden_layers': [8]} if c.get('conv_layers') else {'hidden_layers': [8]*len(c['hidden_layers'])}) for c in out] if tiny else out

def forward_flops(config:Mapping, data)->tuple[float,float]:
    "Of one image: all layers, and the first one"
    layers = summary(make_model(config, data), data)
    found = layers.loc[(layers['layer'] != 'total') & (layers['FLOPs'] > 0), 'FLOPs']
    return float(found.sum()), float(found.iloc[0])

def time_family(configs:Sequence[Mapping], data, device)->tuple[float,int]:
    "Seconds that all of `configs` need for one epoch and its scores, once running: those of the last epoch; and how many were fused"
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        result = run_sweep([dict(c) for c in configs], data, store=Path(folder)/'gpu.db', device=device, progress=False)
        table, history = result.config_table(), result.history_table()
        result.store.close()
    if odd := set(table['state']) - {'finished', 'diverged'}: raise SystemExit(f'runs ended {odd}: {table["stop reason"].dropna().tolist()[:1]}')
    last = history[history['epoch'] > 0].sort_values('epoch').groupby('run')['seconds'].last()      # a diverged run's last is earlier, its cost the same
    return float(last.sum()), int(table['group'].notna().sum()) if 'group' in table else 0

# ---- the article's loop beside ours --------------------------------------------------------------------------------
def grid_ratio(data, device, tiny:bool, rounds:int)->list[float]:
    "Seconds of the article's loop over ours fused, MLP grid of the protocol, one rate of the loop scaled to all"
    images, ratios = Images(data, device), []
    shapes = [dict(hidden_layers=[w]*d) for w in ((8,) if tiny else (32, 64, 128, 256)) for d in ((1,) if tiny else (1, 2, 3, 5))]
    configs = lambda shape, rates: [dict(shape, learning_rate=r, num_epochs=2, batch_size=32, seed=0) for r in rates]
    ours(configs(shapes[0], RATES), images, 'auto')()                       # kernels are loaded
    for number in range(rounds):
        theirs = sum(seconds_of(lambda: article(configs(s, [.05]), images), device)[0] for s in shapes)*len(RATES)
        mine   = sum(seconds_of(lambda: ours(configs(s, RATES), images, 'auto'), device)[0] for s in shapes)
        ratios.append(theirs/mine)
        say(f'round {number+1}: article {theirs:.1f} s, fused {mine:.1f} s for {len(shapes)*len(RATES)} runs')
    return ratios

# ---- the script ----------------------------------------------------------------------------------------------------
def main(argv:Sequence[str]|None=None)->int:
    p = parser('One GPU: epochs, hours of the protocol, FLOP/s')
    p.add_argument('--device', default='cuda')
    p.add_argument('--precision', choices=['float32', 'tf32', 'bf16'], default='float32', help='of ours; the matrix rate is measured in the same')
    p.add_argument('--images', type=int, default=10_000, help='to train on; a ninth of it to score on')
    p.add_argument('--epochs', type=int, default=3, help='to train in each family; the last one counts')
    p.add_argument('--rounds', type=int, default=2, help='of the article\'s loop beside ours')
    args = p.parse_args(argv)
    verdicts, page, device = Verdicts(GOALS, args.goal), results_page(args), torch.device(args.device)
    if device.type == 'cuda' and not torch.cuda.is_available():
        verdicts.lines, verdicts.is_missing = ['no CUDA device: not measured'], True
        return end(verdicts, page, 'gpu', machine())
    about = machine(device=args.device)
    say(about)
    data  = load_data('fashion_mini', n_train=64, n_valid=32) if args.tiny else load_data('cifar10', n_train=args.images, n_valid=args.images*VALID//TRAIN)
    args.epochs, args.rounds = (1, 1) if args.tiny else (args.epochs, args.rounds)
    old = torch.get_float32_matmul_precision()
    torch.backends.cudnn.allow_tf32 = args.precision != 'float32'
    torch.set_float32_matmul_precision('high' if args.precision == 'tf32' else 'highest')
    rate = matrix_rate(device, torch.bfloat16 if args.precision == 'bf16' else torch.float32, (256,) if args.tiny else (4096, 8192) if device.type == 'cuda' else (1024, 2048))
    torch.set_float32_matmul_precision(old)
    say(f'matrix rate {rate/1e12:.3g} TFLOP/s in {args.precision}')

    found = families(STUDIES)
    if args.tiny: found = [next(o for o in found if o['study'] == name) for name in ('MLP_SGD', 'CNN_SGD_BN', 'MLP_Adam')]
    rows, wide = [], None
    for o in found:
        configs = shrunk(o['configs'], args.epochs, args.precision, args.tiny)
        seconds, fused = time_family(configs, data, device)
        forward, first = forward_flops(configs[0], data)
        flops = len(configs)*(len(data.x_train)*(3*forward-first) + len(data.x_valid)*forward)
        if args.tiny: o = o | dict(net=label(configs[0]))
        rows.append({'study': o['study'], 'net': o['net'], 'runs': len(configs), 'fused': fused, 's an epoch, all runs': seconds, 'TFLOP/s': flops/seconds/1e12, 'share of matrix rate': flops/seconds/rate})
        say(f"{o['study']} {o['net']}: {len(configs)} runs, {fused} fused, {seconds:.3g} s an epoch, {flops/seconds/rate:.1%} of the matrix rate")
        if o['study'] == 'CNN_SGD' and o['net'] == 'CNN 5×256': wide = flops/seconds/rate
    epoch = sum(r['s an epoch, all runs'] for r in rows)*TRAIN/len(data.x_train)
    hours = {n: epoch*n/3600 for n in (LEAST, MEAN, MOST)}

    verdicts.limit('hours', 'protocol', hours[MEAN])
    verdicts.ratio('gpu', 'article', grid_ratio(data, device, args.tiny, args.rounds))
    if wide is None: verdicts.missing('gpu', 'cnn5x256', 'left out')
    else: verdicts.ratio('gpu', 'cnn5x256', [wide])
    runs = sum(r['runs'] for r in rows)
    text = (f"{about} · precision {args.precision}, matrix rate {rate/1e12:.3g} TFLOP/s. {len(data.x_train):,} training and {len(data.x_valid):,} validation images of {data.name}, batch 32.\n\n"
            f"Hours of the protocol ({runs} distinct runs of 176 configurations): {hours[MEAN]:.3g} if a run takes {MEAN} epochs of {TRAIN:,} images (assumed), {hours[LEAST]:.3g} at {LEAST} (the least), {hours[MOST]:.3g} at {MOST} (all).\n\n"
            "`gpu article`: the article's loop on the same device over ours fused, MLP grid. `gpu cnn5x256`: share of the matrix rate.\n\n" + markdown_table(rows))
    return end(verdicts, page, 'gpu', text)

if __name__ == '__main__': sys.exit(main())
