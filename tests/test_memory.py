"""`max_memory` is kept: what a sweep takes beyond images and interpreter, measured in a fresh process for each kind of net and batch

The limits are chosen so that groups are cut by memory and not by the sixteen members that a group has at most.
"""
import gc, json, os, subprocess, sys, textwrap
from pathlib import Path
import pytest, torch
from deepsweep.data import load_data
from deepsweep.sweep import run_sweep

ROOT = Path(__file__).resolve().parent.parent
CODE = textwrap.dedent('''
    import gc, json, sys, threading, time
    from pathlib import Path
    import numpy as np, psutil, torch
    from deepsweep.data import ImageData
    from deepsweep.sweep import run_sweep
    config, limit, folder = json.loads(sys.argv[1]), float(sys.argv[2]), Path(sys.argv[3])
    torch.set_num_threads(2)
    rng  = np.random.default_rng(0)
    n = 300 + max(256, 2*config['batch_size'])                          # two steps of the largest batch, no more
    data = ImageData.from_arrays(rng.integers(0, 256, (n, 3, 32, 32), 'uint8'), np.arange(n) % 10, list('abcdefghij'), n_train=n-300, n_valid=300, n_test=0)
    small = dict(hidden_layers=[4], num_epochs=1, batch_size=config['batch_size'])
    run_sweep([small, dict(small, learning_rate=.1)], data, store=folder/'warm.db', progress=False)      # images as floats, imports, the store
    gc.collect()
    process, over = psutil.Process(), threading.Event()
    before = top = process.memory_info().rss
    def watch():
        global top
        while not over.is_set(): top = max(top, process.memory_info().rss); time.sleep(.0005)
    watching = threading.Thread(target=watch); watching.start()
    result = run_sweep([dict(config, learning_rate=.001*(i+1), num_epochs=1) for i in range(24)], data, store=folder/'m.db', progress=False, max_memory=limit)
    over.set(); watching.join()
    assert set(result.config_table()['state']) == {'finished'}
    plan = result.plan_table()
    print(json.dumps(dict(peak=top-before, sizes=plan['size'].tolist(), fused=bool(plan['fused'].all()))))
''')
MLP, CNN = dict(hidden_layers=[256, 256]), dict(conv_layers=[8, 8], hidden_layers=[64], kernel_size=5, pool_size=2)
NETS = dict(mlp=(MLP, 1.4e8), cnn=(CNN, 3e8), batch_norm=(dict(CNN, batch_norm=True), 3e8), adam=(dict(MLP, optimizer='adam'), 2e8))

def peak(config, limit, folder):
    done = subprocess.run([sys.executable, '-c', CODE, json.dumps(config), str(limit), str(folder)], env=dict(os.environ, PYTHONPATH=str(ROOT)), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])

@pytest.mark.parametrize('batch_size', [32, 128, 512])
@pytest.mark.parametrize('net', NETS)
def test_max_memory(net, batch_size, tmp_path):
    config, limit = NETS[net]
    found = peak(dict(config, batch_size=batch_size), limit, tmp_path)
    print(net, batch_size, f"{found['peak']/limit:.2f} of {limit:.0e}", found['sizes'])
    assert found['peak'] <= 1.2*limit

@pytest.mark.parametrize('fuse', [True, False])
def test_nets_that_are_done_are_freed_at_once(fuse, tmp_path):
    "Not when Python happens to look for cycles: a few hundred objects hold hundreds of megabytes"
    data = load_data('digits', n_train=60, n_valid=30)
    def tensors(): return sum(isinstance(o, torch.Tensor) and o.numel() > 1000 for o in gc.get_objects())
    gc.collect()
    gc.disable()
    try:
        before = tensors()
        for optimizer in ('sgd', 'adam'):
            result = run_sweep([dict(hidden_layers=[100], learning_rate=.01*(i+1), num_epochs=1, optimizer=optimizer) for i in range(4)], data, store=tmp_path/f'{optimizer}.db', fuse=fuse, progress=False)
        assert tensors() - before <= 2                                     # the images of two parts, as floats
    finally: gc.enable()
