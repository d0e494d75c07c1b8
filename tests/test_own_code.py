"""Code of the user's: its version in fresh processes; its training, killed with `kill -9` and resumed, gives the table of a sweep that nobody disturbed."""
import json, os, signal, sqlite3, subprocess, sys
import pytest

HEAD = '''
import sys, time, torch
from torch import nn
import deepsweep
from deepsweep.data import define_dataloader, define_dataset, load_data
from deepsweep.models import MLPNet_2_layer
from deepsweep.sweep import run_sweep
from deepsweep.trainer import ModelTrainer, make_trainer
digits = load_data('digits', n_train=400, n_valid=200)
values = lambda **kw: {k: {'values' if isinstance(v, list) else 'value': v} for k, v in kw.items()}
class Stuck:
    "Holds a sweep up after three rows, until somebody kills it"
    seen = 0
    def start(self, *args): pass
    def finish(self, *args): pass
    def log(self, run, row):
        self.seen += 1
        if self.seen == 3: print('stuck', flush=True); time.sleep(600)
how = dict(store=sys.argv[1], progress=False, tracker=Stuck() if sys.argv[2:] else None)
def show(result):
    columns = [c for c in result.history_table() if c != 'seconds']
    print(result.history_table()[columns].to_csv(), result.best_table().to_csv())
'''
CASES = dict(
    residual='''
class Residual(nn.Module):
    def __init__(self, n): super().__init__(); self.a = nn.Linear(n, n)
    def forward(self, x): return x + self.a(x).relu()
def resnet(config, data, width_factor=1):
    n = 16*width_factor
    return nn.Sequential(nn.Flatten(), nn.Linear(64, n), Residual(n), nn.Dropout(.1), nn.Linear(n, 10))
sweep = dict(method='grid', name='own', parameters=values(width_factor=[1, 2, 3], learning_rate=.1, num_epochs=12))
show(run_sweep(sweep, digits, model=resnet, **how))
''', fastai='''
from fastai.callback.core import Callback
from fastai.metrics import accuracy
def train(config):
    trainer = make_trainer(dict(hidden_layers=[config['width']]), digits, device='cpu')
    class Report(Callback):
        order = 60
        def after_epoch(self): deepsweep.log({'valid accuracy': float(self.recorder.values[-1][-1])}, step=self.epoch+1)
    learn = trainer.learner(cbs=Report(), metrics=accuracy)
    with learn.no_bar(), learn.no_logging(): learn.fit_one_cycle(6, .1)
show(run_sweep(dict(method='grid', name='own', parameters=values(width=[8, 16, 32])), function=train, **how))
''', sklearn='''
from sklearn.ensemble import RandomForestClassifier
def train(config):
    model = RandomForestClassifier(config['trees'], random_state=config['seed'])
    model.fit(digits.x_train.flatten(1), digits.y_train)
    deepsweep.log({'valid accuracy': model.score(digits.x_valid.flatten(1), digits.y_valid)}, step=1)
show(run_sweep(dict(method='grid', name='own', parameters=values(trees=[5, 20, 40])), function=train, seeds=2, **how))
''', article='''
def train_mlp_2(config=None):
    train_loader, valid_loader = define_dataloader(*define_dataset(normalize=True, name='digits'), batch_size=32)
    model = MLPNet_2_layer(fc_hidden_1=config['hidden_layers'][0], drop_out=config['drop_out'], shape=(1, 8, 8))
    optimizer = torch.optim.SGD(model.parameters(), lr=config['learning_rate'], weight_decay=config['l2_weight_decay'])
    trainer = ModelTrainer(model, train_loader, valid_loader, config['num_epochs'], nn.CrossEntropyLoss(), optimizer, test_label='valid',
                           on_epoch=[lambda t, row: deepsweep.log({k: v for k, v in row.items() if k != 'epoch'}, step=row['epoch'])])
    trainer.train(include_test_scores=True, early_stopping=True)
sweep = dict(method='grid', name='MLP_sweep', parameters=values(variant='MLP_SGD', hidden_layers=[(16,), (32,)], num_epochs=8, learning_rate=[.1, .05], l2_weight_decay=0, drop_out=.1))
show(run_sweep(sweep, function=train_mlp_2, **how))
''')

def start(folder, case, *args):
    (folder/'own.py').write_text(HEAD + CASES[case])
    return subprocess.Popen([sys.executable, 'own.py', *args], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=dict(os.environ, OMP_NUM_THREADS='1'))

@pytest.mark.parametrize('case', CASES)
def test_killed_and_resumed(case, tmp_path):
    whole = start(tmp_path, case, 'whole.db').communicate()[0]
    p = start(tmp_path, case, 'killed.db', 'hold')
    assert p.stdout.readline() == 'stuck\n'
    p.send_signal(signal.SIGKILL); p.communicate()
    states = dict(sqlite3.connect(tmp_path/'killed.db').execute('SELECT run, state FROM runs').fetchall())
    assert 'running' in states.values()
    assert start(tmp_path, case, 'killed.db').communicate()[0] == whole and whole.count('\n') > 6

# ---- versions in fresh processes -----------------------------------------------------------------------------------
# A training function and what it names; `V` is 1, then 2. Equal code has one version in every process, and 1 and 2 have two.
KINDS = dict(
    body='def train(config): log({"acc": V})',
    constant='N = V\ndef train(config): log({"acc": N})',
    helper='def h(): return V\ndef train(config): log({"acc": h()})',
    default='def train(config, n=V): log({"acc": n})',
    keyword='def train(config, *, n=V): log({"acc": n})',
    closure='def make(n):\n    def train(config): log({"acc": n})\n    return train\ntrain = make(V)',
    recursion='def a(n): return b(n-1)\ndef b(n): return a(n-V)\ndef train(config): log({"acc": a(1)})',
    functions_in_a_set='def a(n): return b(n-1)\ndef b(n): return a(n-V)\nF = {a, b, len, str}\ndef train(config): log({"acc": len(F)})',
    method='class A:\n    def f(self): return V\ndef train(config): log({"acc": A().f()})',
    bound_method='class A:\n    def __init__(self, n): self.n = n\n    def train(self, config): log({"acc": self.n})\ntrain = A(V).train',
    metric_object='class M:\n    def __init__(self): self.k, self.calls = V, 0\n    def __call__(self, labels, logits): self.calls += 1; return self.k\ntrain = M()',
    class_attribute='class A: n = V\ndef train(config): log({"acc": A.n})',
    inherited='class A: n = V\nclass B(A): pass\ndef train(config): log({"acc": B.n})',
    attribute_of_function='def train(config): log({"acc": train.n})\ntrain.n = V',
    literal_set='train = lambda config: "a" in {"a", "b", "c", "V"}',
    array='X = np.ones(3)*V\ndef train(config): log({"acc": X[0]})',
    object_array='X = np.array(["V", None, len], object)\ndef train(config): log({"acc": X[0]})',
    structured='X = np.array([(V, 2.)], [("a", "i4"), ("b", "f8")])\ndef train(config): log({"acc": X})',
    masked='X = np.ma.array([V, 2], mask=[0, 1])\ndef train(config): log({"acc": X})',
    number='K = np.int64(V)\ndef train(config): log({"acc": K})',
    dict='C = {"a": [V], "b": {"x", "y", "z"}}\ndef train(config): log({"acc": C["a"]})',
    keyed_by_functions='def f(): return V\nF = {len: 1, f: 2, str: 3}\ndef train(config): log({"acc": F})',
    namespace='C = types.SimpleNamespace(a=V)\ndef train(config): log({"acc": C.a})',
    dataframe='D = pd.DataFrame({"a": [V], "b": ["x"]})\ndef train(config): log({"acc": D})',
    series='D = pd.Series(["x", V])\ndef train(config): log({"acc": D})',
    categories='D = pd.Series(["x", "V"], dtype="category")\ndef train(config): log({"acc": D})',
    index='D = pd.MultiIndex.from_tuples([("a", V)])\ndef train(config): log({"acc": D})',
    tensor='D = torch.ones(2, 3).T*V\ndef train(config): log({"acc": D})',
    half='D = torch.ones(2, dtype=torch.bfloat16)*V\ndef train(config): log({"acc": D})',
    sparse_tensor='D = (torch.eye(2)*V).to_sparse()\ndef train(config): log({"acc": D})',
    tensor_dataset='D = data.TensorDataset(torch.ones(1)*V)\ndef train(config): log({"acc": D})',
    subset='D = data.Subset(range(9), [V])\ndef train(config): log({"acc": D})',
    loader='D = data.DataLoader(range(9), batch_size=V, shuffle=True)\ndef train(config): log({"acc": D})',
    loader_data='D = data.DataLoader(data.TensorDataset(torch.ones(4)*V))\ndef train(config): log({"acc": D})',
    network='D = torch.nn.Sequential(torch.nn.BatchNorm1d(2), torch.nn.Dropout(V/10))\ndef train(config): log({"acc": D})',
    weights='D = torch.nn.BatchNorm1d(2)\ntorch.nn.init.constant_(D.weight, V)\ndef train(config): log({"acc": D})',
    own_network='class Net(torch.nn.Module):\n    def forward(self, x): return x*V\nD = Net()\ndef train(config): log({"acc": D})',
    generator='D = torch.Generator().manual_seed(V)\ndef train(config): log({"acc": D})',
    numpy_generator='D = np.random.default_rng(V)\ndef train(config): log({"acc": D})',
    random_state='D = np.random.RandomState(V)\ndef train(config): log({"acc": D})',
    python_random='D = random.Random(V)\ndef train(config): log({"acc": D})',
    shared_generators='from random import shuffle\nfrom numpy.random import rand\nG = torch.default_generator\ndef train(config): shuffle([]); rand(V), G',
    sparse_matrix='D = scipy.sparse.csr_matrix([[V]])\ndef train(config): log({"acc": D})',
    deque='D = collections.deque([V])\ndef train(config): log({"acc": D})',
    counter='D = collections.Counter(a=V, b=2)\ndef train(config): log({"acc": D})',
    default_dict='D = collections.defaultdict(list, a=[V])\ndef train(config): log({"acc": D})',
    set='D = {"a", "b", "c", V}\ndef train(config): log({"acc": D})',
    frozen_set='D = frozenset({"a", "b", V, ("x", "V")})\ndef train(config): log({"acc": D})',
    circle='D = [V]\nD.append(D)\ndef train(config): log({"acc": D})',
    bunch='D = Bunch(x=V)\ndef train(config): log({"acc": D.x})',
    dataclass='@dataclasses.dataclass\nclass A: a:int = V\nC = A()\ndef train(config): log({"acc": C.a})',
    set_of_dataclasses='@dataclasses.dataclass(frozen=True)\nclass A: a:int\nC = {A(V), A(3), A(4)}\ndef train(config): log({"acc": C})',
    named_tuple='P = collections.namedtuple("P", "x y")(V, 2)\ndef train(config): log({"acc": P.x})',
    enumeration='class E(enum.Enum): a = V\ndef train(config): log({"acc": E.a})',
    partial='def f(config, k): log({"acc": k})\ntrain = functools.partial(f, k=V)',
    lambda_in_dict='F = {"f": lambda: V, "g": lambda: 0}\ndef train(config): log({"acc": F["f"]()})',
    cached='@functools.cache\ndef f(): return V\ndef train(config): log({"acc": f()})',
    decorated='@torch.no_grad()\ndef train(config): log({"acc": V})',
    dispatched='@functools.singledispatch\ndef f(x): return 0\n@f.register\ndef _(x: int): return V\ndef train(config): log({"acc": f(1)})',
    path='P = pathlib.Path("a")/"V"\ndef train(config): log({"acc": P})',
    date='T = datetime.datetime(2026, 1, V)\ndef train(config): log({"acc": T})',
    pattern='R = re.compile("aV")\ndef train(config): log({"acc": R})',
    bytes='B = b"V"\ndef train(config): log({"acc": B})',
    image='I = Image.new("L", (2, 2), V)\ndef train(config): log({"acc": I})',
    estimator='E = LogisticRegression(C=V)\ndef train(config): log({"acc": E})',
    fitted='E = LogisticRegression().fit([[0.], [1.], [2.]], [0, V-1, 1])\ndef train(config): log({"acc": E})',
    pipeline='E = make_pipeline(StandardScaler(), FunctionTransformer(lambda x: x*V))\ndef train(config): log({"acc": E})',
    forest='E = RandomForestClassifier(2, random_state=V).fit([[0.], [1.], [2.], [3.]], [0, 1, 0, 1])\ndef train(config): log({"acc": E})',
    image_data='D = load_data("digits", n_train=V)\ndef train(config): log({"acc": len(D.x_train)})',
    sealed='D = load_data("digits", n_train=9, n_test=V).test\ndef train(config): log({"acc": len(D)})',
    beside_a_lock='class A:\n    def __init__(self, n): self.n, self.lock = n, threading.Lock()\nD = A(V)\ndef train(config): log({"acc": D.n})',
    in_a_pool='P = Pool(1)\nP.mine = lambda: V\ndef train(config): log({"acc": P.mine()})',
)
VERSIONS = """
import collections, dataclasses, datetime, enum, functools, json, linecache, pathlib, random, re, sys, threading, types, warnings
from concurrent.futures import ThreadPoolExecutor as Pool
import numpy as np, pandas as pd, scipy.sparse, torch
from PIL import Image
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.utils import Bunch
from torch.utils import data
from deepsweep import log
from deepsweep.data import load_data
from deepsweep.own_code import code_version
here = dict(globals())

def version(name, text):
    file = f'<cell {name}>'                          # as in a notebook: a cell that is run again
    linecache.cache[file] = (len(text), None, text.splitlines(True), file)
    space = dict(here)
    exec(compile(text, file, 'exec'), space)
    return code_version(space['train'])

warnings.simplefilter('ignore')
print(json.dumps({k: [version(k, text.replace('V', v)) for v in '121'] for k, text in json.load(sys.stdin).items()}))
"""

@pytest.fixture(scope='module')
def versions():
    "Versions of all kinds, with 1, 2 and 1 again, in two processes that order their sets in different ways"
    def ask(seed):
        env = dict(os.environ, PYTHONHASHSEED=seed, OMP_NUM_THREADS='1')
        run = subprocess.run([sys.executable, '-c', VERSIONS], input=json.dumps(KINDS), capture_output=True, text=True, env=env)
        assert run.returncode == 0, run.stderr
        return json.loads(run.stdout)
    return ask('1'), ask('2')

@pytest.mark.parametrize('kind', KINDS)
def test_version_follows_content(kind, versions):
    (one, two, again), other_process = versions[0][kind], versions[1][kind]
    assert one != two, 'a change is not seen'
    assert one == again, 'equal code has two versions'
    assert [one, two, again] == other_process, 'equal code has another version in another process'
