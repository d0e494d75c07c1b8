#!/usr/bin/env python3
"""Runs notebooks top to bottom in a real kernel, so that stored outputs are real, and times every cell.

    python tools/run_notebooks.py nbs/32_trainer.ipynb …   run these and store their outputs
    python tools/run_notebooks.py --check [NOTEBOOK …]     run (all), store nothing; exit 1 if one fails or a cell takes over 20 s
"""
import json, os, re, sys, time
from functools import cache
from pathlib import Path
import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

ROOT, LIMIT = Path(__file__).resolve().parent.parent, 20.

def left_out(source, check):
    "Is a cell of this source not run? Checks ask for no network, and no machine for a device that it lacks"
    if '#| gpu' in source and not has_cuda(): return True
    return '#| eval: false' in source or (check and '#| net' in source)

@cache
def has_cuda():
    import torch
    return torch.cuda.is_available()

def run(path, check=False):
    "Execute a notebook; gives it, the seconds of each cell by id, and an error text or None"
    nb, seconds, error = nbformat.read(path, 4), {}, None
    client = NotebookClient(nb, timeout=600, resources={'metadata': {'path': str(path.parent)}})
    with client.setup_kernel():
        for i, cell in enumerate(nb.cells):
            if cell.cell_type != 'code' or left_out(''.join(cell.source), check): continue
            start = time.perf_counter()
            try: client.execute_cell(cell, i)
            except CellExecutionError as e: error = f'{cell.id}: {e.ename}: {e.evalue}'; break
            seconds[cell.id] = time.perf_counter()-start
    return nb, seconds, error

def no_place(text):
    "A warning tells in which file its cell lay while it ran: of no use to a reader, and other each time"
    return re.sub(r'\S*ipykernel_\d+/\d+\.py:', 'cell, line ', text)

def store(path, nb):
    "Write a notebook as nbdev_clean leaves it"
    for cell in nb.cells:
        cell.metadata.pop('execution', None)
        if cell.cell_type == 'code': cell.execution_count = None
        for out in cell.get('outputs', []):
            if 'execution_count' in out: out['execution_count'] = None
            if 'text' in out: out['text'] = no_place(out['text'])
    path.write_text(json.dumps(nb, sort_keys=True, indent=1, ensure_ascii=False) + '\n', encoding='utf-8')

def main(args, root=ROOT):
    check, faults = '--check' in args, 0
    paths = [Path(o).resolve() for o in args if o != '--check'] or (sorted((root/'nbs').rglob('*.ipynb')) if check else [])
    if not paths: return print(__doc__) or 2
    os.environ |= dict(IN_TEST='1', DEEPSWEEP_STATIC='1')      # stored outputs are pictures: a panel is dead without its kernel
    for path in paths:
        nb, seconds, error = run(path, check)
        slowest = sorted(seconds.items(), key=lambda o: -o[1])[:3]
        print(f"{path.name}: {sum(seconds.values()):.1f} s; slowest {', '.join(f'{k} {v:.1f}' for k, v in slowest)}", flush=True)
        if error: print(f'  FAILED {error}'[:2000]); faults += 1
        elif check and slowest and slowest[0][1] > LIMIT: print(f'  FAILED {slowest[0][0]} takes over {LIMIT:.0f} s'); faults += 1
        elif not check: store(path, nb)
    return int(faults > 0)

if __name__ == '__main__': sys.exit(main(sys.argv[1:]))
