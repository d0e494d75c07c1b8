#!/usr/bin/env python3
"""Checks what the site is made of, without Quarto: one line per fault, exit 1 if there is any.

    python tools/docs_check.py                  the sources
    python tools/docs_check.py --render DIR     also draws the site into DIR with a stand-in for Quarto, and looks at it:
                                                its HTML, its prose as Pandoc reads it, its looks in a browser
"""
import argparse, ast, json, os, re, shutil, subprocess, sys, tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from urllib.parse import unquote
import yaml
import docs_browser, docs_html, docs_pages, docs_pandoc
from docs_read import ROOT, directives, files, html_links, links, notebooks, place, places, prose, read_nb, settings, source, tags, undefined, without_code

FIGURE_WARN, FIGURE_MAX, OUTPUTS_MAX = 60_000, 100_000, 1_500_000   # [bytes]
WIDGET, STATIC = 'application/vnd.jupyter.widget-view+json', ('text/html', 'image/png', 'image/jpeg', 'image/svg+xml')
TEXT = {'.md', '.qmd', '.py', '.ini', '.yml', '.yaml', '.toml', '.cfg', '.txt', '.in', '.sh', '.css', ''}

# Quarto's own option names, from its schema (1.9). A dict: the keys inside are checked too; None: any value.
ENTRY = dict.fromkeys('aria-label file href icon id rel target text url section auto'.split())
ENTRY['menu'] = ENTRY['contents'] = ENTRY
NAVBAR = dict(dict.fromkeys('title logo logo-alt logo-href background foreground search pinned collapse collapse-below toggle-position tools-collapse'.split()),
              left=ENTRY, right=ENTRY, tools=ENTRY)
SIDEBAR = dict(dict.fromkeys('id title logo logo-alt logo-href search background foreground border alignment header footer pinned style collapse-level'.split()),
               contents=ENTRY, tools=ENTRY)
SEARCH = dict.fromkeys('location type limit collapse-after copy-button keyboard-shortcut show-item-context merge-navbar-crumbs algolia'.split())
FOOTER = dict(left=ENTRY, center=ENTRY, right=ENTRY, border=None, background=None, foreground=None)
WEBSITE = dict(dict.fromkeys('''title description favicon site-url site-path repo-url repo-link-target repo-link-rel repo-subdir repo-branch issue-url repo-actions
    reader-mode llms-txt google-analytics plausible-analytics announcement cookie-consent comments page-navigation bread-crumbs back-to-top-navigation
    margin-header margin-footer body-header body-footer image image-alt draft-mode drafts open-graph twitter-card other-links code-links'''.split()),
    search=SEARCH, navbar=NAVBAR, sidebar=SIDEBAR, **{'page-footer': FOOTER})
PROJECT = dict.fromkeys('title type render execute-dir output-dir lib-dir resources brand preview pre-render post-render'.split())
EXECUTE = dict.fromkeys('eval echo output warning error include cache freeze enabled ipynb engine daemon daemon-restart debug fig-width fig-height fig-format fig-dpi fig-asp'.split())
HTML = dict(dict.fromkeys('''anchor-sections backgroundcolor brand callout-appearance callout-icon cap-location code-annotations code-block-bg code-block-border-left code-copy code-fold
    code-line-numbers code-link code-links code-overflow code-summary code-tools comments crossref css date-format df-print email-obfuscation embed-resources fig-align
    fig-asp fig-cap-location fig-dpi fig-format fig-height fig-responsive fig-width fontcolor fontsize footnotes-hover format-links grid header-includes highlight-style
    html-math-method html-table-processing include-after-body include-before-body include-in-header image-lazy-loading keep-hidden keep-ipynb keep-md lang license lightbox linestretch link-external-filter
    link-external-icon link-external-newwindow linkcolor mainfont max-width mermaid minimal monobackgroundcolor monofont notebook-links notebook-view number-depth number-sections
    page-layout pagetitle reference-location respect-user-color-scheme search section-divs shift-heading-level-by smooth-scroll syntax-highlighting tbl-cap-location template
    template-partials title-block-banner title-block-style title-prefix toc toc-depth toc-expand toc-location toc-title'''.split()), theme=dict(light=None, dark=None))
TOP = dict(dict.fromkeys(HTML | dict.fromkeys('author bibliography citation copyright csl date description engines filters jupyter keywords lang metadata-files number-sections profile resources shortcodes title'.split())),
           project=PROJECT, website=WEBSITE, execute=EXECUTE, format=dict(html=HTML, commonmark=None, gfm=None))

def unknown_keys(value, known, path=''):
    "Dotted names of the keys in `value` that are not in `known`"
    if isinstance(value, list): return [o for v in value for o in unknown_keys(v, known, path)]
    if not isinstance(value, dict) or known is None: return []
    return [o for k, v in value.items() for o in ([f'{path}{k}'] if k not in known else unknown_keys(v, known[k], f'{path}{k}.'))]

# ---- the rules: each yields faults ---------------------------------------------------------------------------------
def check_config(root):
    "A key of `_quarto.yml` or `sidebar.yml` is not Quarto's; nbdev's link is gone"
    for name in ('_quarto.yml', 'nbs/sidebar.yml'):
        if not (root/name).exists(): yield f'{name}: is missing'; continue
        for key in unknown_keys(yaml.safe_load((root/name).read_text(encoding='utf-8')), TOP): yield f'{name}: Quarto has no key `{key}`'
    link = root/'nbs/_quarto.yml'
    if not link.is_symlink() or os.readlink(link) != '../_quarto.yml': yield 'nbs/_quarto.yml: must be a link to ../_quarto.yml, or nbdev writes a default one'

def hrefs(entry):
    "The pages that a part of the sidebar names"
    if isinstance(entry, str): return [entry]
    if isinstance(entry, list): return [o for e in entry for o in hrefs(e)]
    own = [entry[k] for k in ('href', 'file') if k in entry]
    return own + hrefs(entry.get('contents') or [])

def check_sidebar(root):
    "A notebook that no part of the sidebar names, or a name without a file"
    path = root/'nbs/sidebar.yml'
    if not path.exists(): return
    named = hrefs(yaml.safe_load(path.read_text(encoding='utf-8'))['website']['sidebar'])
    have, known = {o.relative_to('nbs').as_posix() for o in notebooks(root)}, places(files(root))
    for o in sorted(have - set(named)): yield f'nbs/{o}: is missing from nbs/sidebar.yml'
    for o in sorted({o for o in named if named.count(o) > 1}): yield f'nbs/sidebar.yml: names {o} more than once'
    for o in sorted(set(named) - have):
        if '://' not in o and place('nbs/sidebar.yml', o) not in known: yield f'nbs/sidebar.yml: names {o}, which does not exist'

def linked(root):
    "`(file, name for people, targets)` of each page, each Markdown cell and each stored output in HTML or Markdown"
    for path, name, text in prose(root): yield path, name, links(text)
    for o in notebooks(root):
        for c in read_nb(root/o):
            for out in c.get('outputs', []):
                data = out.get('data') or {}
                targets = html_links(''.join(data.get('text/html', ''))) + links(''.join(data.get('text/markdown', '')))
                if targets: yield o, f"{o}#{c.get('id')}", targets

def check_links(root):
    "A link to a file of ours, or the path in a badge, leads nowhere"
    cfg = settings(root)
    own, known = f"{cfg.get('user')}/{cfg.get('repo')}", places(files(root))
    for path, name, targets in linked(root):
        for target in targets:
            if badge := re.match(r'https://(?:colab\.research\.google\.com/github|github\.com)/([^/]+/[^/]+)/(?:blob|tree|raw)/([^/]+)/([^#?]+)', target):
                repo, branch, file = badge.groups()
                if repo != own and ('colab' in target or repo.endswith(f"/{cfg.get('repo')}")): yield f'{name}: {target} opens {repo}, settings.ini says {own}'
                if repo == own and branch != cfg.get('branch'): yield f"{name}: {target} names branch {branch}, settings.ini says {cfg.get('branch')}"
                if repo == own and unquote(file).rstrip('/') not in known: yield f'{name}: {target} leads to {file}, which does not exist'
            elif not re.match(r'[a-z][a-z0-9+.-]*:|#|//', target, re.I) and place(path, target) not in known:
                yield f'{name}: link to {target}, which does not exist in the project'
    for path, name, text in prose(root):
        for found in undefined(text): yield f'{name}: reference {found}, which is not defined there'

def check_figures(root):
    "A figure without caption or alt text, or too heavy; outputs too heavy in all"
    for o in notebooks(root):
        total = 0
        for c in read_nb(root/o):
            outputs, told = c.get('outputs', []), directives(c)
            total += len(json.dumps(outputs))
            pictures = [''.join(d[k]) for out in outputs for k in ('image/png', 'image/jpeg', 'image/svg+xml') if (d := out.get('data') or {}).get(k)]
            if pictures and not (told.get('include') == 'false' or 'hide' in told):
                for key in ('fig-cap', 'fig-alt'):
                    if not told.get(key, '').strip('"\' '): yield f"{o}#{c.get('id')}: figure without {key}"
            for size in (len(p) if p.lstrip().startswith('<') else len(p)*3//4 for p in pictures):
                if size > FIGURE_MAX: yield f"{o}#{c.get('id')}: figure of {size//1000} kB, at most {FIGURE_MAX//1000} (aim at {FIGURE_WARN//1000})"
                elif size > FIGURE_WARN: print(f"warning: {o}#{c.get('id')}: figure of {size//1000} kB, aim at {FIGURE_WARN//1000}", file=sys.stderr)
            html = ''.join(''.join((out.get('data') or {}).get('text/html', '')) for out in outputs)
            for tag, attributes in tags(html):
                if tag == 'img' and not attributes.get('alt', '').strip(): yield f"{o}#{c.get('id')}: picture in HTML output without alt text"
        if total > OUTPUTS_MAX: yield f'{o}: {total//1000} kB of stored outputs, at most {OUTPUTS_MAX//1000}'
    for _, name, text in prose(root):
        text = without_code(text)
        if re.search(r'!\[\s*\]\(', text) or any(t == 'img' and not o.get('alt', '').strip() for t, o in tags(text)): yield f'{name}: picture without alt text'

def check_outputs(root):
    "A stored error, or a widget that only a live kernel can draw"
    for o in notebooks(root):
        for c in read_nb(root/o):
            for out in c.get('outputs', []):
                data = out.get('data') or {}
                if WIDGET in data and not any(k in data for k in STATIC): yield f"{o}#{c.get('id')}: stored widget without a static form (HTML or PNG)"
                if out.get('output_type') == 'error': yield f"{o}#{c.get('id')}: stored output is an error: {out.get('ename')}"

def mixes_imports(text):
    "True if Python code holds an import and also expressions or assignments"
    try: nodes = list(ast.walk(ast.parse(text)))
    except SyntaxError: return False   # magics: nbdev does not look into them either
    return any(isinstance(o, (ast.Import, ast.ImportFrom)) for o in nodes) and any(isinstance(o, (ast.Expr, ast.Assign)) for o in nodes)

def check_imports(root):
    "For the site nbdev runs the cells of a library page that import something, and no others: what else such a cell does would fail there"
    for o in notebooks(root):
        code = [c for c in read_nb(root/o) if c['cell_type'] == 'code']
        if not any('default_exp' in directives(c) for c in code): continue
        for c in code:
            told, text = directives(c), source(c)
            if told.keys() & {'export', 'exports', 'exporti'} or told.get('eval') == 'false' or 'nbdev_export()' in text: continue
            if mixes_imports(text): yield f"{o}#{c.get('id')}: imports and does something else too: the import needs a cell of its own"

WRONG_INSTALL = re.compile(r'''
    (?<![\w-])(?:(?:pip[\d.]*|pipx|uv|conda|mamba|poetry|pdm)        # a package manager
        (?:\s+(?:-\S+(?:\s+(?!install\b|add\b)[^\s-]\S*)?|pip|tool))*   # flags before the verb, with a value or without
        \s+(?:install|add)|pipx\s+run|uvx)\s
    [^\n&;|`\#]*?(?<![\w./@+-])deepsweep(?![\w./-])''', re.I|re.X)

def wrong_installs(text):
    "Commands that would install the package of that name on PyPI, which is somebody else's"
    return WRONG_INSTALL.findall(re.sub(r'\\\n\s*', ' ', text))

def strings(value):
    "Every text of a stored output, as it was printed"
    if isinstance(value, str): return value
    if isinstance(value, list) and all(isinstance(o, str) for o in value): return ''.join(value)
    return '\n'.join(map(strings, value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()))

def check_installs(root):
    "Text that tells people to install somebody else's package"
    for o in files(root):
        if o.suffix == '.ipynb': parts = [(f"{o}#{c.get('id')}", source(c) + '\n' + strings(c.get('outputs', []))) for c in read_nb(root/o)]
        elif o.suffix in TEXT: parts = [(str(o), (root/o).read_text(encoding='utf-8', errors='replace'))]
        else: continue
        for name, text in parts:
            for found in wrong_installs(text): yield f'{name}: says `{found}`; on PyPI that name is not ours'

RULES = [check_config, check_sidebar, check_links, check_figures, check_outputs, check_imports, check_installs, *docs_pages.RULES]

def check(root): return [fault for rule in RULES for fault in rule(Path(root))]

# ---- the site ------------------------------------------------------------------------------------------------------
IGNORED = re.compile(r' is ignored|output-file is not read')   # keys: check_config has seen that they are Quarto's

def render(root, out):
    "Draw the site into `out` from a copy of the checkout, so that nothing is written into it; yields faults"
    root, out = Path(root), Path(out).resolve()
    with tempfile.TemporaryDirectory(prefix='docs-check-') as tmp:
        copy, bin_dir = Path(tmp)/'site', Path(tmp)/'bin'
        for o in [*files(root), Path('nbs/_quarto.yml')]:
            (copy/o).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root/o, copy/o, follow_symlinks=False)
        bin_dir.mkdir()
        (bin_dir/'quarto').write_text(f'#!/bin/sh\nexec "{sys.executable}" "{copy/"tools/quarto_standin.py"}" "$@"\n')
        (bin_dir/'quarto').chmod(0o755)
        env = dict(os.environ, PATH=os.pathsep.join([str(bin_dir), str(Path(sys.executable).parent), os.environ['PATH']]), PYTHONPATH=str(copy))
        if not shutil.which('nbdev_docs', path=env['PATH']):
            yield "the site could not be drawn: nbdev_docs is missing; pip install -e '.[dev]'"; return
        drawn = subprocess.run(['nbdev_docs'], cwd=copy, env=env, capture_output=True, text=True)
        if drawn.returncode or not (copy/'_docs/index.html').exists():
            yield f'the site could not be drawn:\n{(drawn.stdout + drawn.stderr)[-3000:]}'; return
        shutil.rmtree(out, ignore_errors=True)
        shutil.copytree(copy/'_docs', out)
        seen = subprocess.run([sys.executable, '-m', 'smalldocs.cli', 'check', '_proc'], cwd=copy, env=env, capture_output=True, text=True)
        for line in seen.stdout.splitlines():
            if not IGNORED.search(line): yield f'site: {line}'
        yield from look(out, copy/'_proc', root)
    pages = {o.relative_to(out).as_posix() for o in out.rglob('*.html')}
    for o in [*notebooks(root), Path('nbs/404.qmd')]:
        page = o.relative_to('nbs').with_suffix('.html').as_posix()
        if page not in pages: yield f'site: {o} gave no page {page}'

# ---- looking at it -------------------------------------------------------------------------------------------------
skipped = []   # what could not be looked at, and why

def do(job): return list(job[0](*job[1:]))

def look(out, proc, root):
    "Faults of the drawn pages, a process for each core; what a check needs and does not find is said"
    jobs = [(docs_html.check_html, out, root)]
    if docs_pandoc.pypandoc: jobs.append((docs_pandoc.check_pandoc, proc))
    else: skipped.append('prose as Pandoc reads it (pip install pypandoc_binary)')
    if lacks := docs_browser.missing(): skipped.append(f'looks in a browser ({lacks})')
    else:
        names, n = docs_html.page_names(out), os.cpu_count()
        jobs += [(docs_browser.check_browser, out, names[i::n]) for i in range(n)]
    with ProcessPoolExecutor() as pool:
        for found in pool.map(do, jobs): yield from found

def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument('--render', metavar='DIR', help='draw the site into DIR (replaced) and check it')
    args.add_argument('--root', default=ROOT, type=Path, help='the checkout')
    args = args.parse_args()
    faults = check(args.root) + (list(render(args.root, args.render)) if args.render else [])
    print(*faults, sep='\n', end='\n' if faults else '')
    for o in skipped: print(f'SKIPPED, so not known to be right: {o}')
    print(f'docs check: {len(notebooks(args.root))} notebooks, {len(faults)} faults' + (f', {len(skipped)} SKIPPED' if skipped else ''))
    return int(bool(faults))

if __name__ == '__main__': sys.exit(main())
