"""The same training in six ways: the article's loop, fastai, Lightning with Optuna, vmap, and ours, serial and fused.

Each way takes run configs and `Images` and trains every config from its own seed: same initial weights, same batches in
the same order, plain SGD; scores of the training and validation images before the first epoch, then per epoch loss and
accuracy of the training (measured while the weights move) and of the validation images, and a copy of the best weights.
Each returns a function that gives a row per config (`updates`, `train loss`, `valid loss`, `valid accuracy`), so that
reading results is not timed."""
from __future__ import annotations
import copy, importlib.util, logging, os, tempfile, warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
import torch
from PIL import Image
from torch import nn
from torch.nn import functional as F
from torchvision import transforms
from deepsweep.data import ImageData, epoch_order
from deepsweep.models import make_model
from deepsweep.sweep import run_sweep

Rows = Callable[[], list[dict]]

# ---- images --------------------------------------------------------------------------------------------------------
class Pictures(torch.utils.data.Dataset):
    "Images as torchvision's `CIFAR10` holds them: one array, a PIL image and its transforms at every visit"
    def __init__(self, x:torch.Tensor, y:torch.Tensor):      # uint8 (N, C, H, W), int64 (N,)
        channels = x.shape[1]
        data = x.permute(0, 2, 3, 1).contiguous().numpy()    # (N, H, W, C)
        self.data, self.targets = data[..., 0] if channels == 1 else data, y.tolist()
        self.transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((.5,)*channels, (.5,)*channels)])
    def __len__(self): return len(self.data)
    def __getitem__(self, i): return self.transform(Image.fromarray(self.data[i])), self.targets[i]

class RunOrder(torch.utils.data.Sampler):
    "The order in which a run's seed reads the images; set `.epoch` before each epoch"
    def __init__(self, n:int, seed:int): self.n, self.seed, self.epoch = n, seed, 0
    def __len__(self): return self.n
    def __iter__(self): return iter(epoch_order(self.n, self.seed, self.epoch).tolist())

class Images:
    "One split in the forms that the ways read; made before the clock starts"
    def __init__(self, data:ImageData, device='cpu'):
        self.data, self.device = data, torch.device(device)
        self.pictures = [Pictures(data.x_train, data.y_train), Pictures(data.x_valid, data.y_valid)]
        self.tensors  = [torch.utils.data.TensorDataset((x.float()/255 - .5)/.5, y) for x, y in ((data.x_train, data.y_train), (data.x_valid, data.y_valid))]
        self.resident = [[t.to(self.device) for t in o.tensors] for o in self.tensors]      # whole parts on the device
        for part in ('train', 'valid'): data.part(part)
        data.fingerprint

    def loaders(self, config:Mapping, kind:str='pictures')->list:
        "A torch `DataLoader` per part"
        train, valid = getattr(self, kind)
        load = torch.utils.data.DataLoader
        return [load(train, config['batch_size'], sampler=RunOrder(len(train), config['seed'])), load(valid, config['batch_size'])]

# ---- (a) the article's loop ----------------------------------------------------------------------------------------
class ArticleLoop:
    "Train one net as the article does: a batch at a time from a `DataLoader`, its loss and hits read back at each step"
    def __init__(self, config:Mapping, images:Images):
        self.device, self.epochs, self.updates, self.log = images.device, config['num_epochs'], 0, []
        self.train_loader, self.valid_loader = images.loaders(config)
        self.model = make_model(config, images.data).to(self.device)
        self.criterion, self.optimizer = nn.CrossEntropyLoss(), torch.optim.SGD(self.model.parameters(), lr=config['learning_rate'])

    def hits(self, logits, labels): return (logits.argmax(1) == labels).type(torch.float).sum().item()

    def train_epoch(self):
        self.model.train()
        loss_sum, hits, n = 0., 0., len(self.train_loader.dataset)
        for images, labels in self.train_loader:
            images, labels = images.to(self.device), labels.to(self.device)
            logits = self.model(images)
            loss = self.criterion(logits, labels)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            self.updates += 1
            loss_sum += loss.item()*len(labels); hits += self.hits(logits, labels)
        return loss_sum/n, hits/n

    def score(self, loader):
        self.model.eval()
        loss_sum, hits, n = 0., 0., len(loader.dataset)
        with torch.no_grad():
            for images, labels in loader:
                images, labels = images.to(self.device), labels.to(self.device)
                logits = self.model(images)
                loss_sum += self.criterion(logits, labels).item()*len(labels); hits += self.hits(logits, labels)
        return loss_sum/n, hits/n

    def train(self):
        train, valid = self.score(self.train_loader), self.score(self.valid_loader)
        best, self.best_model = valid[1], copy.deepcopy(self.model)
        for epoch in range(self.epochs):
            self.train_loader.sampler.epoch = epoch
            train, valid = self.train_epoch(), self.score(self.valid_loader)
            if valid[1] > best: best, self.best_model = valid[1], copy.deepcopy(self.model)
        return {'updates': self.updates, 'train loss': train[0], 'valid loss': valid[0], 'valid accuracy': valid[1]}

def article(configs:Sequence[Mapping], images:Images)->Rows:
    rows = [ArticleLoop(c, images).train() for c in configs]
    return lambda: rows

# ---- (b) fastai ----------------------------------------------------------------------------------------------------
def fastai_learner(configs:Sequence[Mapping], images:Images, kind:str='tensors')->Rows:
    "fastai's `Learner`, its own SGD and its own `DataLoader`"
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        from functools import partial
        import fastai.callback.progress
        from fastai.callback.core import Callback
        from fastai.data.core import DataLoaders
        from fastai.data.load import DataLoader
        from fastai.learner import Learner
        from fastai.losses import CrossEntropyLossFlat
        from fastai.metrics import accuracy
        from fastai.optimizer import SGD

    class Best(Callback):
        "Keep the best weights in memory"
        order, top = 65, -1.                              # after the Recorder, which gathers the scores
        def after_epoch(self):
            new = self.recorder.values[-1][-1]
            if new > self.top: self.top, self.weights = new, copy.deepcopy(self.model.state_dict())

    def train(config):
        train, valid = getattr(images, kind)
        epoch = iter(range(config['num_epochs']+1))
        dls = DataLoaders(DataLoader(train, bs=config['batch_size'], shuffle=True, shuffle_fn=lambda idxs: epoch_order(len(idxs), config['seed'], next(epoch)).tolist()),
                          DataLoader(valid, bs=config['batch_size']), device=images.device)
        learn = Learner(dls, make_model(config, images.data).to(images.device), CrossEntropyLossFlat(), opt_func=partial(SGD, mom=0.), lr=config['learning_rate'],
                        metrics=accuracy, wd=0., cbs=Best())
        learn.recorder.train_metrics = True
        with learn.no_bar(), learn.no_logging():
            learn.validate(dl=dls.train.new(shuffle=False)); learn.validate()
            learn.fit(config['num_epochs'])
        loss, _, valid_loss, valid_accuracy = learn.recorder.values[-1]     # its train loss is a smoothed one
        return {'updates': len(learn.recorder.losses), 'train loss': loss, 'valid loss': valid_loss, 'valid accuracy': valid_accuracy}

    rows = [train(c) for c in configs]
    return lambda: rows

# ---- (c) Lightning, driven by Optuna -------------------------------------------------------------------------------
def lightning_optuna(configs:Sequence[Mapping], images:Images, kind:str='tensors')->Rows:
    "A Lightning `Trainer` per trial of an Optuna study whose grid is the configs"
    import optuna
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        import lightning.pytorch as pl
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    for name in ('lightning', 'lightning.pytorch', 'lightning.pytorch.utilities.rank_zero', 'lightning.fabric'): logging.getLogger(name).setLevel(logging.ERROR)

    class Net(pl.LightningModule):
        def __init__(self, config):
            super().__init__()
            self.net, self.rate, self.top = make_model(config, images.data), config['learning_rate'], -1.
        def step(self, batch, part):
            logits = self.net(batch[0])
            loss, n = F.cross_entropy(logits, batch[1]), len(batch[1])
            self.log(f'{part} loss', loss, on_step=False, on_epoch=True, batch_size=n)
            self.log(f'{part} accuracy', (logits.argmax(1) == batch[1]).float().mean(), on_step=False, on_epoch=True, batch_size=n)
            return loss
        def training_step(self, batch, i): return self.step(batch, 'train')
        def validation_step(self, batch, i, dataloader_idx=0): self.step(batch, 'valid')
        def on_train_epoch_start(self): self.trainer.train_dataloader.sampler.epoch = self.current_epoch
        def on_validation_epoch_end(self):
            seen = self.trainer.callback_metrics.get('valid accuracy')
            if seen is not None and seen > self.top: self.top, self.weights = seen, copy.deepcopy(self.net.state_dict())
        def configure_optimizers(self): return torch.optim.SGD(self.parameters(), lr=self.rate)

    rows = {}
    def objective(trial):
        i = trial.suggest_categorical('config', list(range(len(configs))))
        config = configs[i]
        train, valid = images.loaders(config, kind)
        trainer = pl.Trainer(max_epochs=config['num_epochs'], accelerator='gpu' if images.device.type == 'cuda' else 'cpu', devices=1, logger=False, use_distributed_sampler=False,
                             enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False, num_sanity_val_steps=0)
        net = Net(config)
        trainer.validate(net, [train, valid], verbose=False)
        trainer.fit(net, train, valid)
        seen = {k: v.item() for k, v in trainer.callback_metrics.items()}
        rows[i] = {'updates': trainer.global_step} | {k: seen[k] for k in ('train loss', 'valid loss', 'valid accuracy')}
        return seen['valid accuracy']

    study = optuna.create_study(direction='maximize', sampler=optuna.samplers.GridSampler({'config': list(range(len(configs)))}, seed=0))
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')                   # advice on workers and on loaders that shuffle
        study.optimize(objective, n_trials=len(configs))
    return lambda: [rows[i] for i in range(len(configs))]

# ---- (d) torch.func ------------------------------------------------------------------------------------------------
def vmap_ensemble(configs:Sequence[Mapping], images:Images)->Rows:
    "`vmap` over the stacked weights of the configs, which share shape, seed, batch size and epochs; SGD by hand"
    from torch.func import functional_call, grad_and_value, stack_module_state, vmap
    device, first = images.device, configs[0]
    models = [make_model(c, images.data).to(device) for c in configs]
    params, buffers = stack_module_state(models)
    params, base = {k: v.detach() for k, v in params.items()}, copy.deepcopy(models[0]).to('meta')
    rates = torch.tensor([c['learning_rate'] for c in configs], device=device)
    (x, y), valid = images.resident

    def loss_of(params, buffers, xb, yb):
        logits = functional_call(base, (params, buffers), (xb,))
        return F.cross_entropy(logits, yb), logits
    step  = vmap(grad_and_value(loss_of, has_aux=True), in_dims=(0, 0, None, None))
    apply = vmap(loss_of, in_dims=(0, 0, None, None))

    def score(x, y):
        loss_sum = hits = 0
        with torch.no_grad():
            for at in range(0, len(x), 1000):
                yb = y[at:at+1000]
                losses, logits = apply(params, buffers, x[at:at+1000], yb)
                loss_sum += losses*len(yb); hits += (logits.argmax(-1) == yb).sum(1)
        return (loss_sum/len(x)).tolist(), (hits/len(x)).tolist()

    updates, train, scores = 0, score(x, y), score(*valid)
    best, weights = list(scores[1]), {k: v.clone() for k, v in params.items()}
    for epoch in range(first['num_epochs']):
        order, loss_sum, hits = epoch_order(len(x), first['seed'], epoch).to(device), 0, 0
        for rows in order.split(first['batch_size']):
            yb = y[rows]
            grads, (losses, logits) = step(params, buffers, x[rows], yb)
            with torch.no_grad():
                for k, g in grads.items(): params[k].sub_(rates.view(-1, *[1]*(g.ndim-1))*g)
            updates += 1
            loss_sum += losses*len(yb); hits += (logits.argmax(-1) == yb).sum(1)
        train, scores = ((loss_sum/len(x)).tolist(), (hits/len(x)).tolist()), score(*valid)
        for i, new in enumerate(scores[1]):
            if new > best[i]:
                best[i] = new
                for k, v in params.items(): weights[k][i] = v[i]
    return lambda: [{'updates': updates, 'train loss': a, 'valid loss': b, 'valid accuracy': c} for a, b, c in zip(train[0], *scores)]

# ---- (e), (f) ours -------------------------------------------------------------------------------------------------
def ours(configs:Sequence[Mapping], images:Images, fuse)->Rows:
    "`run_sweep` into a store of its own"
    folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
    result = run_sweep([dict(c) for c in configs], images.data, store=os.path.join(folder.name, 'bench.db'), fuse=fuse, device=images.device, progress=False)

    def rows():
        config = result.config_table()
        if odd := set(config['state']) - {'finished', 'diverged'}: raise RuntimeError(f'runs ended {odd}: {config.loc[config["state"] == "failed", "stop reason"].tolist()}')
        last = result.history_table().sort_values('epoch').groupby('run').last()
        out = [{**last.loc[r.id][['updates', 'train loss', 'valid loss', 'valid accuracy']].to_dict(), 'seconds': config.set_index('run').loc[r.id, 'seconds'],
                'group': config.set_index('run')['group'].get(r.id) if 'group' in config else None} for r in result.runs]
        result.store.close(); folder.cleanup()
        return out
    return rows

@dataclass(frozen=True)
class Way:
    "One way to train the same runs"
    fn:Callable                # (configs, images) -> a function that gives rows
    needs:tuple[str,...]=()    # Modules that must be installed
    every:bool=False           # Always trains all rates: rates are what it stacks
    how:str=''                 # What it reads, for the results page
    @property
    def missing(self)->list[str]: return [o for o in self.needs if importlib.util.find_spec(o) is None]

WAYS = {
    'article':          Way(article, how='PIL images through ToTensor and Normalize in a DataLoader, `.item()` at each step'),
    'fastai':           Way(fastai_learner, ('fastai',), how='`Learner`, its own SGD, its own `DataLoader` over tensors in memory'),
    'lightning+optuna': Way(lightning_optuna, ('lightning', 'optuna'), how='`Trainer` in the trials of a grid, a `DataLoader` over tensors in memory'),
    'vmap':             Way(vmap_ensemble, every=True, how='`torch.func`: stacked weights, all rates of a shape at once, images in one tensor'),
    'serial':           Way(lambda configs, images: ours(configs, images, False), every=True, how='`run_sweep(fuse=False)`'),
    'fused':            Way(lambda configs, images: ours(configs, images, 'auto'), every=True, how="`run_sweep(fuse='auto')`, the default"),
}
