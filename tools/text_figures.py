#!/usr/bin/env python3
"""How easily the code can be read, as figures, a row per page; exit 1 if the project misses one of its limits.

    python tools/text_figures.py                 all pages, the last row is the whole
    python tools/text_figures.py NOTEBOOK …      these only, with the name of each thing that misses a limit

An *exported cell* is one that goes into the package; its lines are those with text, directives left out. A public
name (function, class, method) is *shown* if a cell with a stored output names it before the next exported cell that
defines a public name, and *tested* if a cell with a check does; cells of private helpers may stand between.
"""
import ast
import io
import json
import re
import sys
import tokenize
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WIDE, COURSE_WIDE = 110, 88            # [columns]
MODULE_LINES = 390                     # code lines of a module, "about 350"
CHECK = re.compile(r'\bassert\b|\btest_\w+\(|\braises\(|\bexpect\w*\(|\bExceptionExpected\(')
LIMITS = dict(median=12, p95=25, width_p95=100, shown_tested=90., annotated=98., returns=98., docstring=100.,
              docments=100.)


def source(cell):
    return ''.join(cell['source'])


def is_exported(cell):
    "Does this cell go into the package?"
    return cell['cell_type'] == 'code' and bool(re.search(r'^#\| *exports?\b|^#\| *exporti\b', source(cell), re.M))


def text_lines(text):
    "Lines with text, directives left out"
    return [o for o in text.splitlines() if o.strip() and not o.startswith('#|')]


def parsed(text):
    "The syntax tree of a cell; magics count as nothing"
    return ast.parse(re.sub(r'^( *)[%!].*', r'\1pass', text, flags=re.M))


def is_public(name):
    return not name.startswith('_')


def patched_class(node):
    "Name of the class that `@patch` adds this function to, else None"
    names = [ast.unparse(o).split('(')[0].split('.')[-1] for o in node.decorator_list]
    if not any(o in ('patch', 'patch_to') for o in names):
        return None
    first = node.args.args[0].annotation if node.args.args else None
    return ast.unparse(first).strip('\'"') if first is not None else 'self'


@dataclass
class Name:
    "A public function, class or method"
    owner: str | None       # class, for a method
    name: str
    node: ast.AST

    @property
    def full(self):
        return f'{self.owner}.{self.name}' if self.owner else self.name

    @property
    def kind(self):
        return 'class' if isinstance(self.node, ast.ClassDef) else 'function'


def names_in(text):
    "Public names that a cell defines"
    found = []
    for node in parsed(text).body:
        if isinstance(node, ast.ClassDef):
            if is_public(node.name):
                found.append(Name(None, node.name, node))
                for inner in node.body:
                    if isinstance(inner, (ast.FunctionDef, ast.AsyncFunctionDef)) and is_public(inner.name):
                        found.append(Name(node.name, inner.name, inner))
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and is_public(node.name):
            owner = patched_class(node)
            if owner is None or is_public(owner):
                found.append(Name(owner, node.name, node))
    return [o for o in found if not any('setter' in ast.unparse(d) for d in getattr(o.node, 'decorator_list', []))]


def is_named(name, text):
    "Does code name this thing? A method is named after a dot; `forward` by calling its net"
    if name.owner is None:
        return bool(re.search(rf'(?<![\w]){re.escape(name.name)}(?!\w)', text))
    if name.name == 'forward':
        return True
    return bool(re.search(rf'\.{re.escape(name.name)}(?!\w)', text))


def comments_by_line(text):
    "Comment of each line that has one"
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    except (tokenize.TokenError, IndentationError):
        return {}
    return {o.start[0]: o.string.lstrip('# ') for o in tokens if o.type == tokenize.COMMENT}


def parameters(node):
    "Parameters of a function but for self and cls"
    a = node.args
    every = [*a.posonlyargs, *a.args, *([a.vararg] if a.vararg else []), *a.kwonlyargs, *([a.kwarg] if a.kwarg else [])]
    return [o for i, o in enumerate(every) if not (i == 0 and o.arg in ('self', 'cls'))]


def has_help(parameter):
    "Is this an option of the command line, whose `help=` describes it? An alias such as `_Store` holds one"
    told = ast.unparse(parameter.annotation) if parameter.annotation is not None else ''
    return 'help=' in told or bool(re.fullmatch(r'_[A-Z]\w*', told))


@dataclass
class Page:
    "What was counted on one page"
    path: str
    cells: list = field(default_factory=list)         # lines of each exported cell
    widths: list = field(default_factory=list)        # columns of each line of code
    shown: list = field(default_factory=list)         # (name, shown, tested)
    given: list = field(default_factory=list)         # (parameter, annotated, described)
    returns: list = field(default_factory=list)       # (name, annotated)
    docs: list = field(default_factory=list)          # (name, has a docstring)
    faults: list = field(default_factory=list)
    code: int = 0                                     # code lines of the module


def count_contract(page, name, text, cell_id):
    "Annotations, docstring and comments of one public name"
    node, notes = name.node, comments_by_line(text)
    page.docs.append((name.full, bool(ast.get_docstring(node))))
    if not page.docs[-1][1]:
        page.faults.append(f'{cell_id}: {name.full} has no docstring')
    functions = [node] if name.kind == 'function' else [o for o in node.body if getattr(o, 'name', '') == '__init__']
    if name.kind == 'class' and any('dataclass' in ast.unparse(o) for o in node.decorator_list):
        for o in node.body:
            if isinstance(o, ast.AnnAssign) and is_public(o.target.id):
                described = any(notes.get(i) for i in range(o.lineno, o.end_lineno + 1)) or bool(notes.get(o.lineno - 1))
                page.given.append((f'{name.full}.{o.target.id}', True, described))
                if not described:
                    page.faults.append(f'{cell_id}: field {name.full}.{o.target.id} has no comment')
    for function in functions:
        for o in parameters(function):
            described = bool(notes.get(o.end_lineno) or notes.get(o.lineno)) or has_help(o)
            if not described:      # a default over several lines: the comment stands behind its end
                later = [d.end_lineno for d in function.args.defaults + function.args.kw_defaults if d and d.lineno == o.lineno]
                described = any(notes.get(i) for i in later)
            page.given.append((f'{name.full}({o.arg})', o.annotation is not None, described))
            if o.annotation is None:
                page.faults.append(f'{cell_id}: {name.full}({o.arg}) has no type')
            if not described:
                page.faults.append(f'{cell_id}: {name.full}({o.arg}) has no comment')
        if function is node:
            page.returns.append((name.full, node.returns is not None))
            if node.returns is None:
                page.faults.append(f'{cell_id}: {name.full} has no return type')


def count_shown(page, cells, i, names):
    "Which of the names of cell `i` are shown and tested before the next exported cell with public names"
    following = []
    for cell in cells[i + 1:]:
        if cell['cell_type'] != 'code':
            continue
        if is_exported(cell):
            if names_in(source(cell)):
                break
            continue
        following.append(cell)
    for name in names:
        shown = any(c.get('outputs') and is_named(name, source(c)) for c in following)
        tested = any(CHECK.search(source(c)) and is_named(name, source(c)) for c in following)
        page.shown.append((name.full, shown, tested))
        if not (shown and tested):
            lack = ' and '.join(w for w, has in (('shown', shown), ('tested', tested)) if not has)
            page.faults.append(f"{cells[i].get('id')}: {name.full} is not {lack} before the next")


def code_lines(text):
    "Lines of code of a module: no comments, docstrings, blank lines"
    tree, doc = ast.parse(text), set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.Module)) and node.body:
            first = node.body[0]
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                doc |= set(range(first.lineno, first.end_lineno + 1))
    lines = text.splitlines()
    return sum(bool(o.strip()) and not o.strip().startswith('#') and i not in doc for i, o in enumerate(lines, 1))


def count_page(path):
    "All figures of one notebook"
    cells, page = json.loads(path.read_text(encoding='utf-8'))['cells'], Page(path.name)
    library = any('default_exp' in source(c) for c in cells if c['cell_type'] == 'code')
    limit = WIDE if library else COURSE_WIDE
    exported = []
    for i, cell in enumerate(cells):
        if cell['cell_type'] != 'code':
            continue
        text = source(cell)
        for line in text_lines(text):
            page.widths.append(len(line))
            if len(line) > limit:
                page.faults.append(f"{cell.get('id')}: a line of {len(line)} columns: {line[:60]}…")
        if not is_exported(cell):
            continue
        exported.append(text)
        page.cells.append(len(text_lines(text)))
        if page.cells[-1] > LIMITS['p95']:
            page.faults.append(f"{cell.get('id')}: {page.cells[-1]} lines in one exported cell")
        names = names_in(text)
        for name in names:
            count_contract(page, name, text, cell.get('id'))
        count_shown(page, cells, i, names)
    page.code = code_lines('\n'.join(exported))
    return page


def quantile(values, q):
    values = sorted(values)
    return values[min(int(q*len(values)), len(values) - 1)] if values else 0


def share(flags):
    flags = list(flags)
    return 100*sum(map(bool, flags))/len(flags) if flags else 100.


def figures(pages):
    "The figures of some pages together"
    def every(name):
        return [o for p in pages for o in getattr(p, name)]

    return dict(cells=len(every('cells')), median=quantile(every('cells'), .5), p95=quantile(every('cells'), .95),
                width_p95=quantile(every('widths'), .95), width_max=max(every('widths'), default=0),
                names=len(every('shown')), shown_tested=share(s and t for _, s, t in every('shown')),
                annotated=share(a for _, a, _ in every('given')), returns=share(r for _, r in every('returns')),
                docstring=share(d for _, d in every('docs')), docments=share(d for _, _, d in every('given')),
                code=sum(p.code for p in pages))


def misses(all_figures, course, pages):
    "What the project misses, one line each"
    for key, limit in LIMITS.items():
        value, low = all_figures[key], key in ('shown_tested', 'annotated', 'returns', 'docstring', 'docments')
        if (value < limit) if low else (value > limit):
            yield f"{key} is {value:g}, {'at least' if low else 'at most'} {limit:g}"
    for p in pages:
        widest, limit = max(p.widths, default=0), COURSE_WIDE if p in course else WIDE
        if widest > limit:
            yield f'{p.path}: a line of {widest} columns, at most {limit}'
        if p.code > MODULE_LINES:
            yield f'{p.path}: {p.code} code lines in one module, at most {MODULE_LINES}'


def main(args):
    paths = [Path(o) for o in args] or [*sorted((ROOT/'nbs').glob('*.ipynb')), *sorted((ROOT/'nbs/studies').glob('*.ipynb'))]
    pages = [count_page(o) for o in paths]
    library, course = [p for p in pages if p.cells], [p for p in pages if not p.cells]
    rows = [(p.path, figures([p])) for p in pages] + [('all library pages', figures(library))]
    print(f"{'page':27}" + ''.join(f'{k:>13}' for k in rows[0][1]))
    for name, row in rows:
        print(f'{name[:26]:27}' + ''.join(f'{v:13.4g}' for v in row.values()))
    if args:
        print(*[f'{p.path}#{o}' for p in pages for o in p.faults], sep='\n')
    missed = list(misses(figures(library), course, pages))
    print(*missed, sep='\n')
    print(f'text figures: {len(missed)} limits missed')
    return int(bool(missed))


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
