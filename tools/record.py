"""Train the runs behind a recorded table, then write the table.

    python tools/record.py cifar10-laptop           # trains what its store lacks (stop and start it as you like), then writes
    python tools/record.py cifar10-laptop --only MLP_SGD MLP_Adam      # a part; two such processes may share one store
    python tools/record.py cifar10-laptop --write   # only writes, from what the store holds
    python tools/record.py cifar10-race-long        # 201 random MLPs and small CNNs, 50 epochs, three seeds, for replaying searches
    python tools/record.py cifar10-diagnostics      # fewer runs, measured more closely: norms, spreads, calibration
    python tools/record.py cifar10-fullscale        # one MLP on all 50,000 images, three seeds; opens the sealed test set
    python tools/record.py cifar10-loader           # seconds an epoch, images loaded one by one or held in memory
    python tools/record.py fashion-seeds            # eight small nets, twelve seeds each, for the explorers
    python tools/record.py mnist-capacity           # depth or width on MNIST: three nets in four ways, sizes, rates, batches, epochs
    python tools/record.py mnist-seconds            # processor seconds an epoch of the three nets, one after the other
    python tools/record.py fashion-search           # 18 random trials each of ConvStrix and of feed-forward nets
    python tools/record.py fashion-final            # the best of fashion-search on all 60,000 images, two threads; opens the sealed test set
    python tools/record.py fashion-strix            # a small ConvStrix: blocks, patience, augmentation, pools, five nets together; the search on fewer images

One thread per process, so that a second one may run beside it. The tables go to deepsweep/assets, with a provenance line each.
"""
import argparse, os, time
os.environ.setdefault('OMP_NUM_THREADS', '1')
from pathlib import Path

TEN = 'MLP_SGD MLP_SGD_L2 MLP_SGD_DP MLP_SGD_BN MLP_Adam CNN_SGD CNN_SGD_BN CNN_Adam CNN_SGD_DP CNN_SGD_L2'.split()
TABLES = {'cifar10-laptop': [*TEN, 'CIFAR10_more', 'CIFAR10_long'], 'cifar10-race': ['CIFAR10_race'], 'cifar10-race-long': ['CIFAR10_race_long'], 'cifar10-diagnostics': ['diagnostics'],
          'cifar10-fullscale': ['fullscale', 'fullscale final'], 'cifar10-loader': ['loader'], 'fashion-seeds': ['seeds'],
          'mnist-capacity': ['MNIST_capacity', 'MNIST_long'], 'mnist-seconds': ['mnist seconds'],
          'fashion-search': ['FASHION_search'], 'fashion-final': ['FASHION_final', 'FASHION_final final'], 'fashion-strix': ['FASHION_strix', 'FASHION_sample', 'FASHION_pools', 'five nets']}

def main()->None:
    "Parse the command line and do it"
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('table', choices=list(TABLES))
    parser.add_argument('--only', nargs='+', help='Studies to train; default: all of the table')
    parser.add_argument('--store', default='recording.db', help='Where the runs are kept')
    parser.add_argument('--write', action='store_true', help='Train nothing')
    args = parser.parse_args()
    import torch
    from deepsweep.data import load_data
    from deepsweep.runs import RunStore
    from deepsweep.studies import study, study_data
    from deepsweep.sweep import run_sweep
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)      # a net that has died trains on numbers of 1e-40, five times as slowly
    for name in [] if args.write else args.only or TABLES[args.table]:
        start = time.monotonic()
        if name == 'diagnostics': run_sweep(DIAGNOSED, study_data('MLP_SGD', 'laptop'), function=diagnose, store=args.store, progress=False)
        elif name == 'fullscale': fullscale(args.store)
        elif name == 'loader': run_sweep(TIMED, function=time_epochs, store=args.store, progress=False)
        elif name == 'seeds': run_sweep(SEEDS, load_data('fashion_mini', n_train=5_000, n_hold=1_000), store=args.store, progress=False)
        elif name == 'mnist seconds': run_sweep(MNIST_TIMED, function=time_mnist, store=args.store, progress=False)
        elif name == 'five nets': run_sweep(FIVE_NETS, function=five_nets, store=args.store, progress=False)
        elif name == 'FASHION_final': fashion_final(args.store)
        elif name.startswith('FASHION') and not name.endswith(' final'): fashion(name, args.store)
        elif not name.endswith(' final'):
            is_cifar = not name.startswith('MNIST')     # without dropout and batch norm the training scores are nearly those of evaluation
            seeds = 3 if name == 'CIFAR10_race_long' else None      # drawn at random, a seed would not be crossed with the rest
            is_measured = is_cifar and seeds is None
            run_sweep(study(name, 'laptop'), study_data(name, 'laptop'), store=args.store, seeds=seeds, eval_train=is_measured, progress=False)
        print(name, f'{time.monotonic()-start:.0f} s', flush=True)
    write(RunStore(args.store), args.table, torch)

def _diagnosed()->list[dict]:
    "Configs of the runs that are measured closely"
    mlp, cnn = dict(hidden_layers=[64]*3), dict(conv_layers=[16]*2, hidden_layers=[128, 64], padding=0)
    make = [(dict(variant='L2', **mlp, learning_rate=.05, num_epochs=40, l2_weight_decay=o), 5 if o == 0 else 3) for o in (0, .001, .005, .01, .02)]
    make += [(dict(variant='DP', **mlp, learning_rate=.05, num_epochs=40, drop_out=o), 3) for o in (.1, .2, .3, .5)]
    make += [(dict(variant='Adam', **mlp, optimizer='adam', learning_rate=5e-4, num_epochs=15), 3), (dict(variant='SGD', **mlp, learning_rate=.05, num_epochs=15), 3)]
    make += [(dict(variant=f'{bn}_{kind}', **net, learning_rate=lr, num_epochs=3, batch_norm=bn == 'BN'), 3)
             for kind, net in (('mlp', mlp), ('cnn', cnn)) for bn in ('plain', 'BN') for lr in (.05, .1, .2)]
    return [dict(name='diagnostics', **c, seed=s) for c, n in make for s in range(n)]
DIAGNOSED = _diagnosed()

SMALL = {'plain': {}, 'small rate': dict(learning_rate=.02), 'wide': dict(hidden_layers=[128]), 'deep': dict(hidden_layers=[64, 64]), 'momentum': dict(learning_rate=.01, momentum=.9),
         'dropout': dict(drop_out=.2), 'batch norm': dict(batch_norm=True), 'Adam': dict(optimizer='adam', learning_rate=.001)}
SEEDS = [dict(name='seeds', variant=k, **{**dict(hidden_layers=[64], learning_rate=.05, num_epochs=8), **o}, seed=s) for s in range(12) for k, o in SMALL.items()]

def diagnose(config):
    "Train one config and log, beside the usual columns, what claims about norms, spreads and calibration need"
    import torch
    from deepsweep.core import log
    from deepsweep.studies import study_data
    from deepsweep.trainer import make_trainer
    data = DATA.get('laptop') or DATA.setdefault('laptop', study_data('MLP_SGD', 'laptop'))
    config = {k: v for k, v in config.items() if k not in ('variant', 'name')}
    steps = Steps()
    trainer = make_trainer(config, data, on_epoch=[lambda t, row: log({**row, **steps.take(), **layers(t, data), **calibration(t, data)}, step=row['epoch'])])
    steps.watch(trainer)
    torch.set_num_threads(1)
    trainer.train(include_test_scores=True)
DATA = {}

class Steps:
    "Norms of the gradient and of the change of all parameters, averaged over the updates of an epoch"
    def __init__(self): self.gradients, self.updates, self.spreads, self.before = [], [], [], None
    def watch(self, trainer):
        import torch
        self.parameters = [o for o in trainer.model.parameters() if o.requires_grad]
        self.matrices   = [o for o in self.parameters if o.ndim > 1]
        flat = lambda tensors: torch.cat([o.detach().reshape(-1) for o in tensors])
        def before(*_):
            norms = [o.grad.norm().item() for o in self.matrices]
            self.gradients.append(flat([o.grad for o in self.parameters]).norm().item())
            self.spreads.append(max(norms)/max(min(norms), 1e-30))
            self.before = flat(self.parameters).clone()
        def after(*_): self.updates.append((flat(self.parameters)-self.before).norm().item())
        trainer.optimizer.register_step_pre_hook(before); trainer.optimizer.register_step_post_hook(after)
    def take(self)->dict:
        "Means since the last time, and what the norm of all weights is now"
        import numpy as np
        out = {'weight norm': sum(o.detach().pow(2).sum().item() for o in self.matrices)**.5}
        if self.gradients: out |= {'gradient norm': np.mean(self.gradients), 'update norm': np.mean(self.updates), 'gradient spread': np.median(self.spreads)}
        self.gradients, self.updates, self.spreads = [], [], []
        return {k: float(v) for k, v in out.items()}

def layers(trainer, data, n=1000)->dict:
    "Spread over layers of the deviation before the activation, and the share of units that no image activates"
    import torch
    from torch import nn
    from deepsweep.models import ConvBlock, LinearBlock
    seen = []
    def hook(module, args, out): seen.append(out.detach())
    blocks = [o for o in trainer.model.modules() if isinstance(o, (ConvBlock, LinearBlock))]
    last = [[m for m in o.modules() if isinstance(m, (nn.Linear, nn.Conv2d, nn.BatchNorm1d, nn.BatchNorm2d))][-1] for o in blocks]
    handles = [o.register_forward_hook(hook) for o in last]
    trainer.model.eval()
    with torch.no_grad(): trainer.model(trainer.as_batch(data.part('train').images[:n], data.y_train[:n])[0])
    for o in handles: o.remove()
    spread = [o.std().item() for o in seen]
    dead   = [(o.amax([i for i in range(o.ndim) if i != 1]) <= 0).float() for o in seen]          # one entry a unit or filter
    return {'activation spread': max(spread)/max(min(spread), 1e-30), 'dead units': torch.cat(dead).mean().item()}

def calibration(trainer, data)->dict:
    "The temperature that fits the validation logits best, the loss there, and balanced accuracy"
    import numpy as np, torch, torch.nn.functional as F
    from scipy.optimize import minimize_scalar
    from sklearn.metrics import balanced_accuracy_score
    trainer.model.eval()
    with torch.no_grad(): logits = trainer.model(trainer.as_batch(data.part('valid').images, data.y_valid)[0]).double()
    if not torch.isfinite(logits).all(): return {}
    found = minimize_scalar(lambda log_t: F.cross_entropy(logits/np.exp(log_t), data.y_valid).item(), bounds=(-3, 5), method='bounded')
    return {'temperature': float(np.exp(found.x)), 'valid loss at temperature': found.fun,
            'balanced accuracy': float(balanced_accuracy_score(data.y_valid, logits.argmax(1)))}

TIMED = [dict(name='loader', variant=f'{kind}_{how}', net=kind, images=how, seed=s) for s in range(3) for kind in ('mlp', 'cnn') for how in ('file', 'memory')]

def time_epochs(config):
    """Time one epoch, training and validation, of each shape of a laptop study, mean over the shapes.
    `file`: a PIL image at a time through a `DataLoader`, and the loss read after every step; `memory`: as our runs are trained.
    CPU seconds of this one thread: another process beside it makes them a little longer, not twice as long."""
    import torch
    from deepsweep.core import log
    from deepsweep.models import make_model
    from deepsweep.space import expand_grid
    from deepsweep.studies import study, study_data
    from deepsweep.trainer import make_trainer
    torch.set_num_threads(1)
    data   = DATA.get('laptop') or DATA.setdefault('laptop', study_data('MLP_SGD', 'laptop'))
    shapes = {(tuple(o.get('conv_layers', ())), tuple(o['hidden_layers'])): o for s in study(f"{config['net'].upper()}_SGD", 'laptop', [0]) for o in expand_grid(s)}
    loaders = article_loaders(data)
    spent   = []
    for o in shapes.values():
        o = {k: v for k, v in o.items() if k != 'variant'} | dict(num_epochs=1)
        if config['images'] == 'memory':
            trainer = make_trainer(o, data)
            start = time.process_time(); trainer.train(include_test_scores=True)
        else:
            model = make_model(o, data)
            start = time.process_time(); article_epoch(model, o['learning_rate'], *loaders)
        spent.append(time.process_time()-start)
    log({'seconds an epoch': sum(spent)/len(spent)}, step=1)

MNIST_NETS  = {'2x10': [10]*2, '2x100': [100]*2, '10x10': [10]*10}
MNIST_TIMED = [dict(name='mnist seconds', variant=net, net=net, seed=s) for s in range(5) for net in MNIST_NETS]

def time_mnist(config):
    "Processor seconds of an epoch of training, after one that is not timed; the nets take turns"
    import torch
    from deepsweep.core import log
    from deepsweep.studies import study_data
    from deepsweep.trainer import make_trainer
    torch.set_num_threads(1)
    data = DATA.get('mnist') or DATA.setdefault('mnist', study_data('MNIST_capacity', 'laptop'))
    keys = dict(hidden_layers=MNIST_NETS[config['net']], optimizer='adam', learning_rate=.001, batch_size=256, init='glorot',
                input_scale='raw', loss='clipped', num_epochs=1)
    make_trainer(keys, data).train()
    trainer = make_trainer(keys, data)
    start = time.process_time(); trainer.train()
    log({'seconds an epoch': time.process_time()-start}, step=1)

FIVE_NETS = [dict(name='five nets', variant='five nets', seed=s) for s in range(3)]

def five_nets(config):
    "Hold-out accuracy of five small ConvStrix, each alone (their mean) and by the mean of their probabilities"
    import torch
    from deepsweep.checkpoint import logits_of
    from deepsweep.core import log
    from deepsweep.studies import study_data
    from deepsweep.trainer import make_trainer
    torch.set_num_threads(1)
    data = DATA.get('fashion') or DATA.setdefault('fashion', study_data('FASHION_strix', 'laptop'))
    keys = dict(model='convstrix', filters=8, fcl_layer_size=64, optimizer='adam', learning_rate=.001, num_epochs=8)
    said = []
    for i in range(5):
        trainer = make_trainer({**keys, 'seed': 100 + 5*config['seed'] + i}, data).train(include_test_scores=True)
        said.append(logits_of(trainer.model, data.x_hold)[0].softmax(1))
    def accuracy(p): return (p.argmax(1) == data.y_hold).float().mean().item()
    log({'one alone': sum(map(accuracy, said))/5, 'five together': accuracy(sum(said))}, step=1)

def f1_by_class(labels, logits):
    from sklearn.metrics import f1_score
    return f1_score(labels.numpy(), logits.argmax(1).numpy(), labels=range(10), average=None, zero_division=0)
SHIRT = 6
def f1_shirt(labels, logits): return float(f1_by_class(labels, logits)[SHIRT])
def f1_next(labels, logits): return float(min(f for i, f in enumerate(f1_by_class(labels, logits)) if i != SHIRT))

POOLS = {'two pools of 2': ((8, 2), (16, 2), (24, None)), 'one pool of 4': ((8, 4), (24, None))}

def pooled(config, data, way='two pools of 2'):
    "Convolutions of 3x3, batch norm and a pool after each but the last, then 64 units: the last map is 7x7 either way"
    from torch import nn
    layers, n_in, side = [], data.shape[0], data.shape[1]
    for n, pool in POOLS[way]:
        layers += [nn.Conv2d(n_in, n, 3, padding=1), nn.ReLU()]
        if pool: layers += [nn.BatchNorm2d(n), nn.MaxPool2d(pool)]
        n_in, side = n, side//(pool or 1)
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(n_in*side*side, 64), nn.ReLU(), nn.Dropout(.25), nn.Linear(64, data.n_classes[0]))

def fashion(name:str, store:str):
    "The studies on Fashion-MNIST; the F1 of shirts, and the lowest of the other classes, are logged, too"
    from deepsweep.data import load_data
    from deepsweep.studies import study, study_data
    from deepsweep.sweep import run_sweep
    how  = dict(store=store, progress=False, metrics={'shirt f1': f1_shirt, 'lowest other f1': f1_next})
    if name == 'FASHION_sample':
        few = load_data('fashion_mnist', n_train=600, n_valid=2_000, n_hold=5_000)
        run_sweep({**study('FASHION_search')[0], 'name': name}, few, **how)
    elif name == 'FASHION_pools':
        keys  = {k: {'value': v} for k, v in dict(variant='pools', optimizer='adam', learning_rate=.001, num_epochs=8).items()}
        sweep = dict(name=name, method='grid', parameters={**keys, 'way': {'values': [*POOLS]}, 'seed': {'values': [*range(5)]}})
        run_sweep(sweep, study_data('FASHION_strix'), model=pooled, **how)
    else: run_sweep(study(name, 'laptop'), study_data(name, 'laptop'), **how)

FINAL = dict(augment=dict(flip=True, shift=2), schedule=dict(name='cosine', per='step'), precision='bf16')

def best_of_the_search()->dict:
    "The keys of the recorded ConvStrix trial with the best validation accuracy"
    from deepsweep.runs import load_recorded
    from deepsweep.strix import strix_space
    config, history = load_recorded('fashion-search')
    best = history[history['epoch'] > 0].groupby('run')['valid accuracy'].max()
    runs = config[config['variant'] == 'ConvStrix']
    row  = runs.loc[runs['run'].map(best).idxmax()]
    def plain(v):
        v = v.item() if hasattr(v, 'item') else v
        return int(v) if isinstance(v, float) and v.is_integer() else v
    return {k: plain(row[k]) for k in strix_space()['parameters']}

def fashion_final(store:str, minutes:float=38.):
    "One epoch on 55,000 images tells the time, nothing else; then as many epochs on all 60,000 as fit into the minutes, one seed, and the test set"
    import torch
    from deepsweep.by_class import answers_of, save_answers
    from deepsweep.data import load_data
    from deepsweep.sweep import run_sweep, train_final
    torch.set_num_threads(2)
    keys  = best_of_the_search() | FINAL | dict(num_epochs=1, variant='FASHION_final')
    sweep = dict(name='FASHION_final', method='grid', parameters={k: {'value': v} for k, v in keys.items()})
    tuned = run_sweep(sweep, load_data('fashion_mnist', n_valid=5_000), store=store, progress=False)
    history = tuned.history_table()
    seconds = history.loc[history['epoch'] == 1, 'seconds'].item()*60/55
    epochs  = int(60*minutes/seconds)
    print(f'{keys}\n{seconds:.0f} s an epoch of 60,000, {epochs} epochs', flush=True)
    start = time.monotonic()
    final = train_final(tuned, epochs=epochs, seeds=1)
    print(final, f'{(time.monotonic()-start)/60:.1f} minutes', flush=True)
    save_answers('fashion-final', answers_of(final), Path(__file__).parents[1]/'deepsweep'/'assets')

def article_loaders(data, batch_size=32):
    "A loader that opens, scales and stacks one PIL image after the other, for the training and the validation images"
    from PIL import Image
    from torch.utils.data import DataLoader, Dataset
    from torchvision import transforms
    scale = transforms.Compose([transforms.ToTensor(), transforms.Normalize((.5,)*3, (.5,)*3)])
    class Files(Dataset):
        def __init__(self, x, y): self.images, self.labels = x.permute(0, 2, 3, 1).contiguous().numpy(), y.tolist()
        def __len__(self): return len(self.labels)
        def __getitem__(self, i): return scale(Image.fromarray(self.images[i])), self.labels[i]
    return [DataLoader(Files(x, y), batch_size, shuffle=shuffle) for x, y, shuffle in ((data.x_train, data.y_train, True), (data.x_valid, data.y_valid, False))]

def article_epoch(model, rate, train, valid)->tuple:
    "Mean training loss and validation accuracy of one epoch, everything read after every step"
    import torch, torch.nn.functional as F
    descent, losses, hits = torch.optim.SGD(model.parameters(), rate), [], 0
    model.train()
    for x, y in train:
        descent.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward(); descent.step()
        losses.append(loss.item())
    model.eval()
    with torch.no_grad():
        for x, y in valid: hits += (model(x).argmax(1) == y).sum().item()
    return sum(losses)/len(losses), hits/len(valid.dataset)

def fullscale(store):
    "One MLP of the article on 45,000 images, then three times on all 50,000; opens the sealed test set for it"
    from deepsweep.data import load_data
    from deepsweep.sweep import run_sweep, train_final
    data  = load_data('cifar10', n_valid=5_000)
    sweep = dict(name='fullscale', method='grid', parameters=dict(hidden_layers={'value': [256]*3}, learning_rate={'value': .05}, num_epochs={'value': 13}))
    final = train_final(run_sweep(sweep, data, store=store, progress=False), epochs=13, seeds=3)
    print(final)

def write(store, table:str, torch, folder=Path(__file__).parents[1]/'deepsweep'/'assets')->None:
    "Write what the store holds of a table's studies"
    import pandas as pd
    from deepsweep import __version__
    from deepsweep.runs import FINAL_STATES, save_recorded, study_name
    from deepsweep.seal import openings
    lists  = {'diagnostics': DIAGNOSED, 'loader': TIMED, 'seeds': SEEDS, 'mnist seconds': MNIST_TIMED, 'five nets': FIVE_NETS}
    called = {o: study_name(lists[o]) if o in lists else o for o in TABLES[table]}      # what the store calls them
    names  = [o for o in TABLES[table] if called[o] in store.studies()]
    if not names: raise SystemExit(f'the store {store.name!r} holds no run of {table}')
    config = pd.concat([store.config_table(called[o]).assign(study=o) for o in names], ignore_index=True)
    config = config[config['state'].isin(FINAL_STATES)].drop(columns=['traceback', 'name'])
    opened = openings(store).set_index('run')['score']
    if len(opened): config['test accuracy'] = config['run'].map(opened[~opened.index.duplicated()])      # what the ledger has
    history = store.history_table()
    history = history[history['run'].isin(config['run'])].reset_index(drop=True)
    runs = config.drop_duplicates('run')
    images = {o[3] for name in names for o in store.stored_runs(called[name])} - {None}
    line = (f"{table}: {len(runs)} runs, {runs['seconds'].sum():.0f} s on {'two threads' if table == 'fashion-final' else 'one thread'} of {cpu()}; deepsweep {__version__}, torch {torch.__version__}, "
            f"{time.strftime('%Y-%m-%d')}; python tools/record.py {table}; images {' '.join(sorted(images)) or 'loaded by the script'}")
    paths = save_recorded(table, config, history, line, folder)
    print(line, *(f'{o.name} {o.stat().st_size/1000:.0f} kB' for o in paths), sep='\n')

def cpu()->str:
    "What the machine calls its processor"
    info = Path('/proc/cpuinfo')
    names = [o.split(':')[1].strip() for o in info.read_text().splitlines() if o.startswith('model name')] if info.exists() else []
    return names[0] if names else 'an unnamed processor'

if __name__ == '__main__': main()
