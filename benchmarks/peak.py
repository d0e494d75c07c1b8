"Peak memory of the fused MLP sweep; `sweep_speed` runs this in a process of its own and reads its last line"
from __future__ import annotations
import json, resource, sys, tempfile, time
from pathlib import Path
from deepsweep.sweep import run_sweep

def peak()->int:
    "Most memory this process has held [bytes]"
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss*(1 if sys.platform == 'darwin' else 1024)

def main(argv=None)->int:
    from deepsweep.data import load_data
    from .sweep_speed import image_sets, mlp_shapes
    tiny = '--tiny' in (sys.argv[1:] if argv is None else argv)
    source, n_train, n_valid = image_sets(tiny)['mlp']
    data, before, start = load_data(source, n_train=n_train, n_valid=n_valid), peak(), time.perf_counter()
    parameters = dict(hidden_layers={'values': [o['hidden_layers'] for o in (mlp_shapes((1,), (32,)) if tiny else mlp_shapes())]},
                      learning_rate={'values': [.01, .05, .1, .2]}, num_epochs={'value': 2}, batch_size={'value': 32})
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        result = run_sweep(dict(name='bench', method='grid', parameters=parameters), data, store=Path(folder)/'bench.db', device='cpu', progress=False)
        plan, states = result.plan_table(), result.config_table()['state']
        assert set(states) <= {'finished', 'diverged'}, states.value_counts().to_dict()
        result.store.close()
    sizes = sorted(set(plan['size']))
    print(json.dumps(dict(bytes=peak(), before=before, runs=int(plan['size'].sum()), sizes=' and '.join(map(str, sizes)), seconds=time.perf_counter()-start)))
    return 0

if __name__ == '__main__': sys.exit(main())
