"""What is wrong on the drawn pages, told from their HTML. Each rule yields faults.

The stand-in writes headings, cells, outputs, links and ids as Quarto does, so what is asked here is true of both."""
import re
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin
from docs_fold import SHORT, kind
from docs_pages import BADGE, pages
from docs_read import settings, source

def page_of(path):
    "The drawn page of a notebook: `nbs/03_keys.ipynb` -> `03_keys.html`"
    return Path(path).relative_to('nbs').with_suffix('.html').as_posix()

def content(soup): return soup.find('main') or soup

def check_description(name, soup):
    tag = soup.find('meta', attrs=dict(name='description'))
    if not tag or not tag.get('content', '').strip(): yield f'site: {name}: no description'

def check_headings(name, soup):
    "A level left out, or the same heading twice in a row"
    last, text = 1, None
    for o in content(soup).find_all(re.compile('^h[1-6]$')):
        if o.get('id') == 'toc-title': continue
        level, now = int(o.name[1]), o.get_text().strip()
        if level > last+1: yield f'site: {name}: heading `{now}` is h{level} right after h{last}'
        if now and now == text: yield f'site: {name}: heading `{now}` twice in a row'
        last, text = level, now

def check_docstrings(name, soup):
    "A documented name whose text is missing, or Python's own for a class that can be called"
    if n := content(soup).get_text().count('Call self as a function.'):
        yield f'site: {name}: {n} × "Call self as a function.": a method without a docstring'
    for out in content(soup).find_all(class_='cell-output-markdown'):
        link = out.find('a', string='source')
        if not link or not out.find('pre'): continue
        heading = out.find(re.compile('^h[1-6]$'))
        if not out.find('em'): yield f"site: {name}: `{heading.get_text() if heading else '?'}` is shown without a docstring"

def check_folds(name, soup):
    "A long cell of tests or imports stands open"
    for out in content(soup).select('.cell pre.cell-code'):
        cell = out.find_parent(class_='cell')
        text = out.get_text().strip().splitlines()
        if out.find_parent('details') or len(text) <= SHORT: continue
        if what := kind('\n'.join(text), shows=bool(cell.find(class_='cell-output'))):
            yield f"site: {name}: {what.lower()} not folded: `{text[0][:60]}` …"

PAGE_RULES = [check_description, check_headings, check_docstrings, check_folds]

def check_anchors(drawn, base):
    "A link to a place on our own pages that does not exist, absolute links to the site included"
    ids = {name: {o['id'] for o in soup.find_all(id=True)} for name, soup in drawn.items()}
    ids |= {path.as_posix(): ids[o] for o in drawn if (path := short(Path(o)))}
    for name, soup in drawn.items():
        seen = set()
        for o in content(soup).find_all('a', href=True):
            target, part = urldefrag(urljoin(base + name, o['href']))
            if not target.startswith(base) or (target, part) in seen: continue
            seen.add((target, part))
            page = unquote(target[len(base):]) or 'index.html'
            if page.endswith('/'): page += 'index.html'
            if page.endswith('.html') and page not in ids: yield f"site: {name}: link to {page}, which does not exist"
            elif part and page in ids and unquote(part) not in ids[page]:
                yield f"site: {name}: `{o.get_text().strip()[:40]}` links to {page}#{part}, which does not exist"

def check_kept(drawn, root):
    "A badge of the notebook that is not on the page"
    for path, cells in pages(root):
        soup = drawn.get(page_of(path))
        if soup and any(BADGE.search(source(c)) for c in cells if c['cell_type'] == 'markdown') and not soup.find('img', src=BADGE):
            yield f'site: {page_of(path)}: the Colab badge of {path} is missing'

def code_of(cell):
    "What a reader copies of a code cell: its lines without directives; None where the page does not show it"
    text = source(cell)
    if cell['cell_type'] != 'code' or re.search(r'^#\| *(hide|include: *false|echo: *false|default_exp|export)', text, re.M):
        return None
    return '\n'.join(o for o in text.splitlines() if not o.startswith('#|')).strip() or None

def check_copied(drawn, root):
    "Code that is shown on a page of the course but is not, letter by letter, the code that runs"
    for path, cells in pages(root):
        soup = drawn.get(page_of(path))
        if not soup or Path(path).parent.name not in ('studies', 'solutions'):
            continue
        shown = {'\n'.join(line.rstrip() for line in o.get_text().strip().splitlines()) for o in content(soup).find_all('pre')}
        for cell in cells:
            wanted = code_of(cell)
            if wanted and '\n'.join(o.rstrip() for o in wanted.splitlines()) not in shown:
                yield f"site: {page_of(path)}: the code of cell {cell.get('id')} is not on the page as it runs"

def page_names(out):
    "The pages of the site in the folder `out`, each once: nbdev links to `core.html`, the stand-in writes `00_core.html` too"
    pages = [o.relative_to(out) for o in sorted(Path(out).rglob('*.html')) if 'site_libs' not in o.parts]
    twins = {short(o) for o in pages} - {None}
    return [o.as_posix() for o in pages if o not in twins]

def short(path):
    "`03_keys.html` -> `keys.html`; None for a name without a number"
    return path.with_name(name) if (name := re.sub(r'^\d+[a-z]?_', '', path.name)) != path.name else None

def check_html(out, root):
    "All faults of the pages in the folder `out`"
    from bs4 import BeautifulSoup   # of the dev extra, which the other checks do without
    out, cfg = Path(out), settings(root)
    drawn = {o: BeautifulSoup((out/o).read_text(encoding='utf-8'), 'html.parser') for o in page_names(out)}
    for name, soup in drawn.items():
        for rule in PAGE_RULES: yield from rule(name, soup)
    yield from check_kept(drawn, root)
    yield from check_copied(drawn, root)
    yield from check_anchors(drawn, f"https://{cfg.get('user')}.github.io/{cfg.get('repo')}/")
