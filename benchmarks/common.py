"What the benchmarks share: the machine, its matrix rate, the lines they end with, the page they write"
from __future__ import annotations
import argparse, datetime, importlib.metadata, os, platform, re, statistics, sys, time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
import torch

ROOT    = Path(__file__).resolve().parent.parent
RESULTS = ROOT/'benchmarks'/'RESULTS.md'

# ---- the machine ---------------------------------------------------------------------------------------------------
def version(
    package:str,   # As pip calls it
)->str|None:       # None: not installed
    "Version of an installed package"
    try: return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError: return None

def processor()->str:
    "Name of the CPU"
    try: found = re.search(r'^model name\s*:\s*(.+)$', Path('/proc/cpuinfo').read_text(), re.M)
    except OSError: found = None
    return found[1].strip() if found else platform.processor() or platform.machine()

def machine(
    packages:Iterable[str]=(),   # Whose versions matter, beside torch
    device:str='cpu',
)->str:
    "Date, device and versions, in a line"
    torch_device = torch.device(device)
    where = torch.cuda.get_device_name(torch_device) if torch_device.type == 'cuda' else f'{processor()}, {os.cpu_count()} cores, {torch.get_num_threads()} threads'
    names = ['torch', *packages]
    load = f' · load {os.getloadavg()[0]:.1f} at the start' if hasattr(os, 'getloadavg') else ''
    return f"{datetime.date.today()} · {where}{load} · Python {platform.python_version()} · " + ' · '.join(f'{o} {version(o) or "not installed"}' for o in names)

def is_busy()->bool:
    "Has something else kept this machine at work in the last minute?"
    return hasattr(os, 'getloadavg') and os.getloadavg()[0] > 1

def synchronize(device='cpu')->None:
    "Wait for the device to finish what it was given"
    if torch.device(device).type == 'cuda': torch.cuda.synchronize(device)

def seconds_of(
    fn:Callable,    # Called without arguments
    device='cpu',
)->tuple:           # Seconds, and what `fn` returned
    "Time one call"
    synchronize(device)
    start = time.perf_counter()
    out = fn()
    synchronize(device)
    return time.perf_counter()-start, out

def matrix_rate(
    device='cpu',
    dtype:torch.dtype=torch.float32,
    sizes:Sequence[int]=(1024, 2048),   # Rows and columns of the matrices
    repeats:int=5,
)->float:                               # [FLOP/s], the best size's median
    "How fast this device multiplies large matrices, with torch's default threads"
    rates = []
    for n in sizes:
        a, b = (torch.randn(n, n, device=device).to(dtype) for _ in range(2))
        torch.mm(a, b)
        rates.append(2*n**3/statistics.median(seconds_of(lambda: torch.mm(a, b), device)[0] for _ in range(repeats)))
    return max(rates)

# ---- last lines ----------------------------------------------------------------------------------------------------
class Verdicts:
    "The last lines of a benchmark, and its exit code"
    def __init__(self,
        goals:Mapping[str,float|None],   # `work:peer` -> goal; None: no goal
        changed:Sequence[str]=(),        # `work:peer=goal`, from the command line
    ):
        self.goals, self.lines, self.is_below, self.is_missing = dict(goals), [], False, False
        for o in changed:
            name, _, goal = o.partition('=')
            if name not in self.goals: raise SystemExit(f'--goal {o}: there is no {name!r}; known: {" ".join(self.goals)}')
            self.goals[name] = float(goal)

    def ratio(self, work:str, peer:str, values:Sequence[float]):
        "How many times the peer's time is ours, one value per round"
        goal, middle = self.goals.get(f'{work}:{peer}'), statistics.median(values)
        end = 'goal -' if goal is None else f'goal {goal:g} {self._judge(middle >= goal, "below")}'
        self.lines.append(f'ratio {work} {peer} {middle:.2f} [{min(values):.2f}, {max(values):.2f}] {end}')

    def limit(self, what:str, work:str, value:float, unit:str=''):
        "A figure that must not be above its goal"
        goal = self.goals[f'{what}:{work}']
        self.lines.append(f"{what} {work} {value:.3g}{unit and ' '+unit} goal {goal:g} {self._judge(value <= goal, 'above')}")

    def missing(self, work:str, peer:str, why:str):
        "A figure that could not be measured"
        self.is_missing = True
        self.lines.append(f'{why}: {work} {peer} not measured')

    def _judge(self, is_ok:bool, word:str)->str:
        self.is_below |= not is_ok
        return 'ok' if is_ok else word

    @property
    def exit_code(self)->int: return 1 if self.is_below else 2 if self.is_missing else 0     # 1: a goal is missed; 2: something was not measured

# ---- the page ------------------------------------------------------------------------------------------------------
_HEAD = """# Results

Written by the scripts in this folder: `python -m benchmarks.sweep_speed`, `.engine_overhead`, `.store_size`, `.plan_rule`, `.gpu`; each replaces its own part.
Times are wall-clock seconds. A ratio is the peer's time over ours; `[low, high]` are the lowest and the highest round.
"""

def write_section(
    path:str|Path|None,   # The page; None: write nothing
    name:str,             # Of the script
    text:str,             # Markdown
)->None:
    "Replace one script's part of the results page"
    if path is None: return
    path = Path(path)
    page = path.read_text() if path.exists() else _HEAD
    begin, end = f'<!-- begin {name} -->', f'<!-- end {name} -->'
    part = f'{begin}\n## {name}\n\n{text.strip()}\n{end}'
    found = re.search(f'{re.escape(begin)}.*?{re.escape(end)}', page, re.S)
    path.write_text(page[:found.start()] + part + page[found.end():] if found else f'{page.rstrip()}\n\n{part}\n')

def markdown_table(
    rows:Sequence[Mapping],   # All with the same keys
)->str:
    "Rows as a Markdown table"
    def cell(v): return '' if v is None else f'{v:.3g}' if isinstance(v, float) else str(v)
    heads = list(rows[0])
    lines = [heads, ['---']*len(heads), *([cell(r[h]) for h in heads] for r in rows)]
    return '\n'.join('| ' + ' | '.join(o) + ' |' for o in lines)

def parser(
    doc:str,   # What the script does
)->argparse.ArgumentParser:
    "Options that all scripts have"
    p = argparse.ArgumentParser(description=doc, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    p.add_argument('--tiny', action='store_true', help='a few steps on a few images, to test the script; writes no results unless told where')
    p.add_argument('--results', type=Path, default=None, help='page to write; default: benchmarks/RESULTS.md, and none with --tiny')
    p.add_argument('--goal', action='append', default=[], metavar='WORK:PEER=GOAL', help='another goal than the built-in one')
    return p

def results_page(args)->Path|None: return args.results or (None if args.tiny else RESULTS)

def say(*parts)->None:
    "Print now, also into a pipe"
    print(*parts, flush=True)

def end(
    verdicts:Verdicts,
    page:Path|None,   # None: nothing is written
    name:str,         # Of the script
    text:str,         # Markdown
)->int:               # Exit code
    "Write the results, then print the last lines"
    write_section(page, name, text + '\n\n```\n' + '\n'.join(verdicts.lines) + '\n```')
    say('\n'.join(verdicts.lines))
    return verdicts.exit_code
