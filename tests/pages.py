"""Runs pages of the course as their readers do, and hands the names they define to tests.

    names = run_page('studies/00_first_sweep')                  the page as it stands
    names = run_page('studies/00_first_sweep', solved=True)     with the solutions of `nbs/solutions/00_first_sweep.ipynb`
    load('studies/00_first_sweep', 'imports', 'sentence')       some of its cells only
"""
import contextlib
import os
import re
from functools import cache
from pathlib import Path
from execnb.nbio import read_nb
from execnb.shell import CaptureShell

ROOT = Path(__file__).resolve().parent.parent
NOT_RUN = re.compile(r'^#\| *(eval: *false|gpu|net)', re.M)
SOLUTION = re.compile(r'^#\| *solution: *(\S+)', re.M)


def page_path(page):
    "Path of a page named as in `studies/00_first_sweep`"
    path = ROOT/'nbs'/f'{page}.ipynb'
    if not path.exists():
        raise FileNotFoundError(f'no page {page}')
    return path


@cache
def code_cells(page):
    "Source of each code cell by its id, in order"
    return {o.id: o.source for o in read_nb(page_path(page)).cells if o.cell_type == 'code'}


def cell(page, cell_id):
    "Source of one code cell"
    return code_cells(page)[cell_id]


def solutions(page):
    "Solution of each exercise of a page: id of the exercise's cell -> code"
    found = code_cells('solutions/' + page.split('/')[-1])
    return {m[1]: source for source in found.values() if (m := SOLUTION.search(source))}


@contextlib.contextmanager
def reader_at(folder):
    "The working folder and environment of a page's automatic run"
    before, env = os.getcwd(), dict(os.environ)
    os.chdir(folder)
    os.environ |= dict(IN_TEST='1', DEEPSWEEP_STATIC='1', WANDB_MODE='offline', WANDB_SILENT='true')
    os.environ.pop('DEEPSWEEP_STORE', None)
    try:
        yield
    finally:
        os.chdir(before)
        os.environ.clear()
        os.environ.update(env)


def run_cells(page, sources):
    "Run code cells one after the other; gives the names they leave behind, the first error is raised with its cell's id"
    shell = CaptureShell()
    with reader_at(page_path(page).parent):
        for cell_id, source in sources.items():
            if NOT_RUN.search(source):
                continue
            shell.run(source)
            if shell.exc:
                shell.exc.add_note(f'in cell {cell_id} of {page}')
                raise shell.exc
    return shell.user_ns


def load(page, *ids, **names):
    "Run some cells only, with `names` defined before"
    shell_names = dict(names)
    for cell_id in ids:
        exec(compile(cell(page, cell_id), f'{page}#{cell_id}', 'exec'), shell_names)
    return shell_names


@cache
def run_page(page, solved=False, changed=()):
    """Run a page once a session and give its names

    `solved`: exercises are replaced by their solutions; `changed`: pairs (cell id, (old, new)), as a reader edits a cell"""
    sources = dict(code_cells(page))
    if solved:
        sources |= solutions(page)
    for cell_id, (old, new) in changed:
        assert sources[cell_id].count(old) == 1, f'{old!r} stands {sources[cell_id].count(old)} times in {cell_id}'
        sources[cell_id] = sources[cell_id].replace(old, new)
    return run_cells(page, sources)
