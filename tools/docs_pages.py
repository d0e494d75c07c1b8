"""What nbdev and Quarto would make of a page, told from its notebook alone. Each rule yields faults."""
import ast, re
from docs_read import directives, links, notebooks, read_nb, settings, source

COURSE_WIDTH, LIBRARY_WIDTH = 88, 110   # columns of code
MAGIC = re.compile(r'^\s*%(?!config|matplotlib).*$', re.M)   # nbdev's clean_magics takes these away; how figures look is no loss
BADGE = re.compile(r'colab\.research\.google\.com/assets/colab-badge')

def is_library(cells): return any('default_exp' in directives(c) for c in cells if c['cell_type'] == 'code')
def is_hidden(cell): return 'hide' in (told := directives(cell)) or told.get('include') == 'false'

def pages(root):
    "`(path, cells)` of each notebook"
    for o in notebooks(root): yield o, read_nb(root/o)

def parsed(cell):
    "The syntax tree of a code cell without its magics, or None"
    try: return ast.parse(re.sub(r'^\s*[%!].*$', '', source(cell), flags=re.M))
    except SyntaxError: return None

def check_titles(root):
    "The title cell holds a title, a description of one line, and nothing else: nbdev drops the rest"
    for path, cells in pages(root):
        titled = [c for c in cells if c['cell_type'] == 'markdown' and re.search(r'^# \S', source(c), re.M)]
        if not titled: yield f'{path}: has no title (`# …`)'; continue
        lines = [o for o in source(titled[0]).splitlines() if o.strip()]
        told, rest = [o for o in lines if o.startswith('> ')], [o for o in lines if not re.match(r'# |> ', o)]
        where = f"{path}#{titled[0].get('id')}"
        if not told: yield f'{where}: page without a description (a line `> …` under the title)'
        if lost := told[1:] + rest:
            yield f'{where}: nbdev drops all but title and description of this cell: `{lost[0][:50]}` … ({len(lost)} lines) needs a cell of its own'

def check_badges(root):
    "A course page without a Colab badge, or a picture alone in its paragraph, which becomes a centred figure"
    for path, cells in pages(root):
        texts = [(c.get('id'), source(c)) for c in cells if c['cell_type'] == 'markdown']
        if path.parts[1] == 'studies' and not any(BADGE.search(t) for _, t in texts): yield f'{path}: course page without a Colab badge'
        for name, text in texts:
            for part in re.split(r'\n\s*\n', text):
                if re.fullmatch(r'\s*\[!\[[^\]]+\]\([^)]*\)\]\([^)]*\)\s*', part):
                    yield f'{path}#{name}: badge alone in its paragraph becomes a figure with a caption: put words on its line'

def check_magics(root):
    "Lines that begin with % are taken out of the page"
    for path, cells in pages(root):
        for c in cells:
            if c['cell_type'] != 'code' or is_hidden(c): continue
            for found in MAGIC.findall(source(c)):
                yield f"{path}#{c.get('id')}: nbdev drops the line `{found.strip()[:60]}` from the site: write `!…`"

def check_figure_outputs(root):
    "A labelled figure cell with more than one output becomes subfigures (a), (b)"
    for path, cells in pages(root):
        for c in cells:
            if c['cell_type'] != 'code' or is_hidden(c) or not directives(c).get('label', '').startswith('fig-'): continue
            if (n := len(c.get('outputs', []))) > 1:
                yield f"{path}#{c.get('id')}: labelled figure with {n} outputs becomes {n} subfigures: one output a figure"

def wide_lines(cell, limit):
    "Lines of code over `limit`; in a Markdown cell those between fences. A line with an address cannot be broken"
    text = source(cell)
    if cell['cell_type'] == 'markdown': text = '\n'.join(re.findall(r'^```.*?^```', text, re.M|re.S))
    return [o for o in text.splitlines() if len(o) > limit and not o.startswith('#|') and 'https://' not in o]

def check_widths(root):
    "Code wider than the column that the site and Jupyter show: one fault a page, which names its cells"
    for path, cells in pages(root):
        limit = LIBRARY_WIDTH if is_library(cells) else COURSE_WIDTH
        wide = {c.get('id'): lines for c in cells if (lines := wide_lines(c, limit))}
        lengths = [len(o) for lines in wide.values() for o in lines]
        if wide: yield f"{path}: {len(lengths)} lines of code over {limit} columns, the widest {max(lengths)}, in {len(wide)} cells: {' '.join(wide)}"

def writes_sentence(tree):
    "True if a cell ends in `Markdown(f'…')`, maybe in `display(…)` or by way of a name"
    if not tree or not tree.body or not isinstance(last := tree.body[-1], ast.Expr): return False
    calls = [o for o in ast.walk(last) if isinstance(o, ast.Call) and getattr(o.func, 'id', getattr(o.func, 'attr', '')) == 'Markdown']
    return bool(calls) and any(isinstance(o, ast.JoinedStr) for o in ast.walk(tree))

def check_sentences(root):
    "Code that writes a sentence is shown above the sentence: folded, or not at all"
    for path, cells in pages(root):
        for c in cells:
            if c['cell_type'] != 'code' or is_hidden(c) or not writes_sentence(parsed(c)): continue
            told = directives(c)
            if told.get('echo') != 'false' and told.get('code-fold') != 'true':
                yield f"{path}#{c.get('id')}: code that writes sentences stands above them: `#| echo: false` or `#| code-fold: true`"

def check_viewer(root):
    "A link to GitHub's notebook viewer where the site has the page"
    cfg = settings(root)
    own = rf"https://github\.com/{cfg.get('user')}/{cfg.get('repo')}/(?:blob|tree)/[^/]+/nbs/([^#?]+\.ipynb)"
    for path, cells in pages(root):
        for c in cells:
            if c['cell_type'] != 'markdown': continue
            for target in links(source(c)):
                if found := re.match(own, target): yield f"{path}#{c.get('id')}: link leaves the site for GitHub's viewer; the site has {found[1]}"

EMPTY = re.compile(r'\b(?:you (?:said|predicted)|your (?:prediction|answer|guess))\b[^.\n|]{0,40}\bnone\b', re.I)

def check_unanswered(root):
    "A stored sentence that quotes an answer nobody gave: the site shows it to every reader"
    for path, cells in pages(root):
        for c in cells:
            for out in c.get('outputs', []):
                text = ''.join((out.get('data') or {}).get('text/markdown', '') or out.get('text', ''))
                if is_hidden(c): continue
                if found := EMPTY.search(re.sub(r'[*_`]', '', text)): yield f"{path}#{c.get('id')}: the page says `{found[0]}` to everyone"

RULES = [check_titles, check_badges, check_magics, check_figure_outputs, check_widths, check_sentences, check_viewer, check_unanswered]
