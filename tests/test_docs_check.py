"tools/docs_check.py: a sound project passes; for each rule a broken one is named"
import base64, json, subprocess, sys
from pathlib import Path
from types import SimpleNamespace
import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT/'tools'))
import docs_browser, docs_check, docs_fold, docs_html, docs_pandoc

PNG = base64.b64encode(b'x'*300).decode()
CAPTION = '#| label: fig-a\n#| fig-cap: "Loss"\n#| fig-alt: "A falling line"\n'
BADGE = 'Run it: [![Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/{}/blob/main/nbs/{})'

def md(text): return dict(cell_type='markdown', id='m', metadata={}, source=text)
def code(text, **data):
    "A code cell with one stored output; `png='…'` stands for the MIME type"
    mime = dict(svg='image/svg+xml', markdown='text/markdown', png='image/png', html='text/html', plain='text/plain', widget=docs_check.WIDGET)
    outputs = [dict(output_type='display_data', metadata={}, data={mime[k]: v for k, v in data.items()})] if data else []
    return dict(cell_type='code', id='c', metadata={}, execution_count=None, source=text, outputs=outputs)

class Project:
    "A small project without a fault"
    def __init__(self, root):
        self.root = root
        (root/'nbs/studies').mkdir(parents=True)
        (root/'nbs/_quarto.yml').symlink_to('../_quarto.yml')
        self.text('settings.ini', '[DEFAULT]\nuser = u\nrepo = r\nbranch = main\n')
        self.quarto(); self.sidebar('index.ipynb, {text: One, href: studies/01_a.ipynb}')
        self.nb('index.ipynb', md('[one](studies/01_a.ipynb), `[no](link.md)`'), code(CAPTION + 'plot()', png=PNG))
        self.nb('studies/01_a.ipynb', md(BADGE.format('u/r', 'studies/01_a.ipynb')), code('slider', widget={}, html='<img src="data:x" alt="A slider">'))
    def text(self, name, content): (self.root/name).write_text(content)
    def nb(self, name, *cells, title='# A\n\n> What it is.'):
        cells = [md(title), *cells]
        self.text(f'nbs/{name}', json.dumps(dict(cells=list(cells), metadata={}, nbformat=4, nbformat_minor=5)))
    def sidebar(self, pages): self.text('nbs/sidebar.yml', f'website: {{sidebar: {{contents: [{{section: Course, contents: [{pages}]}}]}}}}\n')
    def quarto(self, project='', website='', html='', top=''):
        self.text('_quarto.yml', f'project: {{type: website{project}}}\nwebsite: {{search: true, page-footer: {{left: x}}{website}}}\n'
                                 f'format: {{html: {{theme: {{light: cosmo, dark: darkly}}, toc: true{html}}}}}\nmetadata-files: [sidebar.yml]\n{top}')

@pytest.fixture
def project(tmp_path): return Project(tmp_path)

def test_sound(project): assert docs_check.check(project.root) == []

def broken(name, expect): return pytest.param(name, expect, id=name.__name__)
def unlisted(p): p.sidebar('index.ipynb')
def listed_twice(p): p.sidebar('index.ipynb, studies/01_a.ipynb, index.ipynb')
def listed_gone(p): p.sidebar('index.ipynb, studies/01_a.ipynb, 00_gone.ipynb')
def listed_ignored(p):
    subprocess.run(['git', 'init', '-q'], cwd=p.root, check=True)
    p.text('.gitignore', 'mine.qmd\n'); p.text('nbs/mine.qmd', 'mine'); p.sidebar('index.ipynb, studies/01_a.ipynb, mine.qmd')
def link_gone(p): p.text('README.md', 'See [this](docs/gone.md).')
def link_outside(p): p.text('README.md', '[a](/etc/passwd)')
def link_above(p): p.text('README.md', '[a](../../../etc/passwd)')
def link_ignored(p):
    subprocess.run(['git', 'init', '-q'], cwd=p.root, check=True)
    p.text('.gitignore', 'notes.md\n'); p.text('notes.md', 'mine'); p.text('README.md', '[a](notes.md)')
def link_single_quotes(p): p.nb('index.ipynb', md("<a href='nosuch.ipynb'>x</a>"))
def link_title(p): p.text('README.md', "[a](gone.md 'A page')")
def link_in_output(p): p.nb('index.ipynb', code('show()', html='<a href="nosuch.ipynb">x</a>'))
def link_in_markdown_output(p): p.nb('index.ipynb', code('show()', markdown='[x](nosuch.ipynb)'))
def image_in_output_gone(p): p.nb('index.ipynb', code('show()', html='<img src="gone.png" alt="A line">'))
def reference_gone(p): p.nb('index.ipynb', md('See [d][nope].'))
def reference_defined_gone(p): p.nb('index.ipynb', md('See [d][here].\n\n[here]: gone.md'))
def image_gone(p): p.text('README.md', '![A line](gone.png)')
def html_link_gone(p): p.text('README.md', '<img alt="a" src="gone.png">')
def cell_link_gone(p): p.nb('index.ipynb', md('[x](../nbs/studies/02_b.ipynb#part)'))
def badge_gone(p): p.nb('index.ipynb', md(BADGE.format('u/r', 'studies/09_z.ipynb')))
def badge_of_others(p): p.nb('index.ipynb', md(BADGE.format('other/r', 'index.ipynb')))
def badge_of_another_page(p): p.nb('studies/01_a.ipynb', md(BADGE.format('u/r', 'index.ipynb')))
def badge_in_html_of_another_page(p):
    p.nb('studies/01_a.ipynb', md("Run it: <a href='https://colab.research.google.com/github/u/r/blob/main/nbs/index.ipynb'>"
                                  "<img src='https://colab.research.google.com/assets/colab-badge.svg' alt='Colab'></a>"))
def link_of_others(p): p.text('README.md', '[x](https://github.com/other/r/blob/main/settings.ini)')
def branch_of_others(p): p.text('README.md', '[x](https://github.com/u/r/blob/master/settings.ini)')
def no_caption(p): p.nb('index.ipynb', code('#| fig-alt: "A line"\nplot()', png=PNG))
def no_alt(p): p.nb('index.ipynb', code('#| fig-cap: "Loss"\n#| fig-alt: ""\nplot()', png=PNG))
def svg_no_caption(p): p.nb('index.ipynb', code('#| fig-alt: "A line"\nplot()', svg='<svg></svg>'))
def empty_block_caption(p): p.nb('index.ipynb', code('#| fig-cap: >\n#| fig-alt: "A line"\nplot()', png=PNG))
def md_html_no_alt(p): p.nb('index.ipynb', md("<img src='data:x' alt=''>"))
def html_no_alt(p): p.nb('index.ipynb', code('show()', html='<img src="data:x">'))
def md_no_alt(p): p.nb('index.ipynb', md('![](studies/01_a.ipynb)'))
def heavy_figure(p): p.nb('index.ipynb', code(CAPTION + 'plot()', png='A'*140_000))
def heavy_notebook(p): p.nb('index.ipynb', code('show()', plain='A'*1_500_001))
def bad_top_key(p): p.quarto(top='webiste: {title: x}\n')
def bad_project_key(p): p.quarto(project=', outptu-dir: x')
def bad_website_key(p): p.quarto(website=', dark-mode: true')
def bad_nested_key(p): p.quarto(website=', navbar: {left: [{text: a, hreff: b}]}')
def bad_html_key(p): p.quarto(html=', table-of-contents: true')
def bad_theme_key(p): p.text('_quarto.yml', 'format: {html: {theme: {lihgt: cosmo}}}')
def no_link(p): (p.root/'nbs/_quarto.yml').unlink(); p.text('nbs/_quarto.yml', 'project: {type: website}')
def live_widget(p): p.nb('index.ipynb', code('slider', widget=dict(model_id='1'), plain='IntSlider()'))
def stored_error(p): p.nb('index.ipynb', dict(code('1/0'), outputs=[dict(output_type='error', ename='ZeroDivisionError', evalue='', traceback=[])]))
def mixed_imports(p): p.nb('index.ipynb', code('#| default_exp a'), code('#| export\nimport os\na = 1'), code('import os'), code('import os\nos.sep'))
INSTALL = 'pip install '   # apart from the name, so that this file is not found either
def wrong_install(p): p.nb('index.ipynb', code(f'!{INSTALL}-qU deepsweep'))
def lost_head(p): p.nb('index.ipynb', title='# A\n\n> What it is.\n\nRun the cells.')
def no_description(p): p.nb('index.ipynb', title='# A')
def no_title(p): p.nb('index.ipynb', title='A')
def late_title(p): p.nb('index.ipynb', md('# A\n\n> What it is.'), title='Some words first.')
def title_below_code(p):
    p.text('nbs/index.ipynb', json.dumps(dict(cells=[code('show()'), md('# A\n\n> What it is.')], metadata={}, nbformat=4, nbformat_minor=5)))
def no_badge(p): p.nb('studies/01_a.ipynb', md('Run the cells.'))
def lone_badge(p): p.nb('studies/01_a.ipynb', md(BADGE.format('u/r', 'studies/01_a.ipynb').replace('Run it: ', '') + '\n\nRun the cells.'))
def magic(p): p.nb('index.ipynb', code('if colab:\n    %pip install -q x'))
def subfigures(p): p.nb('index.ipynb', dict(c := code(CAPTION + 'plot()', png=PNG), outputs=c['outputs']*2))
def wide_course(p): p.nb('index.ipynb', code('a = 1' + ' '*80 + '# one'))
def wide_library(p): p.nb('index.ipynb', code('#| default_exp a'), code('a = 1' + ' '*102 + '# one'))
def wide_fence(p): p.nb('index.ipynb', md('```python\na = 1' + ' '*80 + '# one\n```'))
def wide_tildes(p): p.nb('index.ipynb', md('~~~python\na = 1' + ' '*80 + '# one\n~~~'))
def wide_fence_in_list(p): p.nb('index.ipynb', md('- so:\n\n    ```python\n    a = 1' + ' '*80 + '# one\n    ```'))
def ruled_head(p): p.nb('index.ipynb', md('|:--|:--|\n|:--|:--|\n| a | b |'))
def ruled_head_output(p): p.nb('index.ipynb', code('table()', markdown='--|--\n--|--\na | b'))
def sentence(p): p.nb('index.ipynb', code("n = 2\nMarkdown(f'There are {n}.')"))
def viewer(p): p.nb('index.ipynb', md('[x](https://github.com/u/r/blob/main/nbs/studies/01_a.ipynb)'))
def unanswered(p): p.nb('index.ipynb', code('ask()', markdown='It is 2; you said **None**.'))

BROKEN = [broken(f, e) for f, e in [
    (unlisted, 'studies/01_a.ipynb: is missing from'), (listed_twice, 'names index.ipynb more than once'), (listed_gone, 'names 00_gone.ipynb, which does not exist'),
    (listed_ignored, 'names mine.qmd, which does not exist'), (link_gone, 'link to docs/gone.md'), (image_gone, 'link to gone.png'), (html_link_gone, 'link to gone.png'), (cell_link_gone, '02_b.ipynb'), (badge_gone, 'leads to nbs/studies/09_z.ipynb'),
    (badge_of_others, 'opens other/r'), (link_of_others, 'opens other/r'), (branch_of_others, 'names branch master'), (no_caption, 'figure without fig-cap'), (no_alt, 'figure without fig-alt'),
    (link_outside, 'link to /etc/passwd'), (link_above, 'etc/passwd'), (link_ignored, 'link to notes.md'), (link_single_quotes, 'link to nosuch.ipynb'), (link_title, 'link to gone.md'),
    (link_in_output, 'link to nosuch.ipynb'), (link_in_markdown_output, 'link to nosuch.ipynb'), (image_in_output_gone, 'link to gone.png'),
    (reference_gone, 'reference [d][nope]'), (reference_defined_gone, 'link to gone.md'), (badge_of_another_page, 'opens another page, nbs/index.ipynb'),
    (badge_in_html_of_another_page, 'opens another page, nbs/index.ipynb'), (svg_no_caption, 'figure without fig-cap'), (empty_block_caption, 'figure without fig-cap'),
    (md_html_no_alt, 'without alt text'), (late_title, 'stands above the title'), (title_below_code, 'stands above the title'), (wide_tildes, 'over 88 columns'),
    (wide_fence_in_list, 'over 88 columns'), (ruled_head, 'the head of a table is a ruler'), (ruled_head_output, 'the head of a table is a ruler'),
    (html_no_alt, 'without alt text'), (md_no_alt, 'without alt text'), (heavy_figure, 'figure of 105 kB'), (heavy_notebook, 'kB of stored outputs'),
    (bad_top_key, '`webiste`'), (bad_project_key, '`project.outptu-dir`'), (bad_website_key, '`website.dark-mode`'), (bad_nested_key, '`website.navbar.left.hreff`'),
    (bad_html_key, '`format.html.table-of-contents`'), (bad_theme_key, '`format.html.theme.lihgt`'), (no_link, 'must be a link'), (live_widget, 'widget without a static form'),
    (stored_error, 'ZeroDivisionError'), (mixed_imports, 'needs a cell of its own'), (wrong_install, 'not ours'),
    (lost_head, 'nbdev drops all but title'), (no_description, 'without a description'), (no_title, 'has no title'), (no_badge, 'without a Colab badge'), (lone_badge, 'becomes a figure'),
    (magic, 'drops the line `%pip install -q x`'), (subfigures, 'becomes 2 subfigures'), (wide_course, '1 lines of code over 88 columns, the widest 90, in 1 cells: c'), (wide_library, 'over 110 columns'),
    (wide_fence, 'over 88 columns'), (sentence, 'stands above'), (viewer, "GitHub's viewer"), (unanswered, '`you said None`')]]

@pytest.mark.parametrize('spoil, expect', BROKEN)
def test_broken(project, spoil, expect):
    spoil(project)
    faults = docs_check.check(project.root)
    assert len(faults) == 1 and expect in faults[0], faults

@pytest.mark.parametrize('text', ['[x](a%20b.md)', '[x](<a b.md>)', 'Say ``[a](x)`` so.', 'Say ``a ` [a](x)`` so.', '```x``` [a](README.md)', '- so:\n\n  ```\n  [a](x)\n  ```\n', '````\n```\n[a](x)\n````',
                                  "<img src='data:x' alt='a cat'>", '[d][here] and `[e][nope]`, $x[i][j]$, a[i][j]\n\n[here]: README.md "Home"', '[a](nbs/) [b](https://x.org/a_(b)) [c](#part) [d](mailto:a@b.c)',
                                  '| | |\n|:--|:--|\n| a | b |', '```\n|--|--|\n|--|--|\n```', '| a |\n|--|\n|--|', 'a\n\n---\n\n---\n'])
def test_sound_prose(project, text):
    project.text('a b.md', 'A page.')
    project.text('README.md', text)
    assert docs_check.check(project.root) == []

def test_sound_cells(project):
    "A caption over several lines; what a script of an output writes is no link"
    told = CAPTION.replace('"Loss"', '>\n#|   Loss\n#|   by epoch')
    script = '<script>f("<img src=\'" + name + "\'>")</script>'
    project.nb('index.ipynb', code(told + 'plot()', png=PNG), code('show()', html=script), code('show()', html="<img src='data:x' alt='a cat'>"))
    assert docs_check.check(project.root) == []
    assert docs_check.directives(code(told))['fig-cap'] == 'Loss by epoch'

WORDS = ['deepsweep', '-U deepsweep', 'torch deepsweep', 'DeepSweep', '\\\n    deepsweep', '-q \\\n    torch \\\n    deepsweep']
@pytest.mark.parametrize('command', ['pip -q install', 'pip3.12 install', 'pip --proxy a:1 install', '.venv/bin/pip install', 'python -m pip install', 'pipx install', 'pipx run', 'uvx', 'uv add', 'uv pip install',
                                     'uv tool install', 'conda install', 'poetry add'])
@pytest.mark.parametrize('rest', WORDS)
def test_wrong_commands(command, rest): assert docs_check.wrong_installs(f'{command} {rest}')

@pytest.mark.parametrize('text', ['pip can install what deepsweep needs', 'uv run deepsweep', 'pip list | grep deepsweep', 'To add: deepsweep', 'pip install torch\ndeepsweep run'])
def test_no_install(text): assert not docs_check.wrong_installs(text)

def test_wrong_install_printed(project):
    "What a cell printed counts line by line"
    project.nb('index.ipynb', code('show()', plain=[INSTALL + 'torch\n', 'deepsweep run']))
    assert docs_check.check(project.root) == []
    project.nb('index.ipynb', code('show()', plain=['First:\n', INSTALL + 'deepsweep']))
    assert len(docs_check.check(project.root)) == 1

@pytest.mark.parametrize('rest', ['deepsweep', '-U deepsweep', "'deepsweep[lab]'", 'torch deepsweep', 'deepsweep==1.0', '"deepsweep"'])
def test_wrong_installs(rest): assert docs_check.wrong_installs(INSTALL + rest)

@pytest.mark.parametrize('rest', ['. && deepsweep run', 'deepsweep-kit', 'deepsweep-kit[lab]', 'git+https://github.com/u/deepsweep', "'git+https://github.com/u/deepsweep.git@main'",
                                  '-e .`, then `deepsweep run`', 'deepsweep_kit-0.0.1-py3-none-any.whl'])
def test_right_installs(rest): assert not docs_check.wrong_installs(INSTALL + rest)

def test_this_project(): assert docs_check.check(ROOT) == []

@pytest.mark.parametrize('text', ["#| echo: false\nMarkdown(f'{n}')", "#| code-fold: true\nMarkdown(f'{n}')", "#| hide\nMarkdown(f'{n}')", "Markdown('as it is')", "TEXT = 'as it is'\nMarkdown(TEXT + ' and more')", "def say(text):\n    display(Markdown(text))", "print(f'{n}')", "note = Markdown(f'{n}')"])
def test_sound_sentences(project, text):
    project.nb('index.ipynb', code(text))
    assert docs_check.check(project.root) == []

SENTENCES = ["Markdown('There are {}.'.format(n))", "Markdown('There are %d.' % n)", "Markdown('There are ' + str(n))", 'Markdown(told(n))', "text = f'There are {n}.'\ntext = text\nMarkdown(text)",
             "display(Markdown(f'{n}'))\nn", "for n in (1, 2):\n    display(Markdown(f'{n}'))", "if n:\n    display(Markdown(told(n)))", "note = Markdown(told(n))\nnote",
             "def say(text):\n    display(Markdown(text))\n\nsay('Two.')", "IPython.display.Markdown(' '.join(words))", "display_markdown(told(n), raw=True)"]

@pytest.mark.parametrize('text', SENTENCES)
def test_sentences(project, text):
    "However a cell builds its text"
    project.nb('index.ipynb', code(text))
    assert [o.split(': ')[1] for o in docs_check.check(project.root)] == ['code that writes sentences stands above them']
    project.nb('index.ipynb', code('#| echo: false\n' + text))
    assert docs_check.check(project.root) == []

def test_sentences_by_a_function_of_the_page(project):
    project.nb('index.ipynb', code('#| hide\ndef say(text):\n    return Markdown(text)'), code("say('Two.')"))
    assert len(docs_check.check(project.root)) == 1

# ---- what is folded on the site
LONG = 'import a\nimport b\nfrom c import d\nfrom e import f'
TESTS = 'for n in (1, 2):\n    m = n*2\n    test_eq(m, n+n)\nassert m == 4'

def folded(text, **data):
    cell = SimpleNamespace(cell_type='code', source=text, outputs=code(text, **data)['outputs'])
    cell.get = lambda key, default=None: getattr(cell, key, default)
    docs_fold.fold_cell(cell)
    return cell.source

@pytest.mark.parametrize('text, summary', [(LONG, 'Imports'), (TESTS, 'Tests')])
def test_fold(text, summary): assert folded(text) == f'#| code-fold: true\n#| code-summary: "{summary}"\n{text}'

@pytest.mark.parametrize('text, data', [(TESTS, dict(plain='4')), ('assert 1', {}), ('#| code-fold: show\n' + TESTS, {}), (TESTS.replace('assert m == 4', 'm').replace('test_eq', 'print'), {}),
                                        ('import a\nimport b\nc = 1\nd = 2', {}), ('!pip install a\n' + TESTS, {})])
def test_no_fold(text, data): assert folded(text, **data) == text

# ---- the drawn pages
HEAD = '<html lang="en"><head><title>A</title><meta name="description" content="What it is."></head><body><main class="content" id="quarto-document-content"><h1>A</h1>{}</main></body></html>'
SHOWN = '<div class="cell-output-markdown"><p><a>source</a></p><h2>f</h2><pre>def f():</pre>{}</div>'
CELL = '<div class="cell"><pre class="sourceCode cell-code">{}</pre></div>'
SOUND = ['<h2 id="one">One</h2><h3>Two</h3><h2>Three</h2>', '<h2 id="b">B</h2><a href="#b">here</a> <a href="https://u.github.io/r/index.html#b">far</a> <a href="https://x.org/#q">out</a>',
         SHOWN.format('<p><em>What f does</em></p>'), f'<details>{CELL.format(TESTS)}</details>', CELL.format('assert 1'), '<img src="https://colab.research.google.com/assets/colab-badge.svg" alt="Colab">']

def html_faults(project, body, page='index.html', head=HEAD):
    out = project.root/'out'
    (out/'studies').mkdir(parents=True)
    copied = '<pre>slider</pre>'                       # the code of the project's page, as it runs
    for name in ('index.html', 'studies/01_a.html'): (out/name).write_text(HEAD.format(SOUND[-1] + copied))
    (out/page).write_text(head.format(body))
    return list(docs_html.check_html(out, project.root))

@pytest.mark.parametrize('body', SOUND)
def test_html_sound(project, body): assert html_faults(project, body) == []

def test_code_that_is_not_what_runs(project):
    "A curly quote, a cut line: what a reader copies is not the cell"
    found = html_faults(project, SOUND[-1] + '<pre>slid’er</pre>', page='studies/01_a.html')
    assert any('the code of cell c is not on the page' in o for o in found)

@pytest.mark.parametrize('body, expect', [
    ('<h2>One</h2><h4>Two</h4>', '`Two` is h4 right after h2'), ('<h2>One</h2><h3>One</h3>', '`One` twice in a row'), ('<p>Call self as a function.</p>', 'a method without a docstring'),
    (SHOWN.format(''), '`f` is shown without a docstring'), (CELL.format(TESTS), 'tests not folded'), (CELL.format(LONG), 'imports not folded'),
    ('<a href="#gone">here</a>', 'index.html#gone, which'), ('<a href="https://u.github.io/r/index.html#gone">far</a>', 'index.html#gone, which'), ('<a href="studies/gone.html">x</a>', 'studies/gone.html, which')])
def test_html_broken(project, body, expect):
    faults = html_faults(project, body)
    assert len(faults) == 1 and expect in faults[0], faults

def test_html_no_description(project): assert 'no description' in html_faults(project, '', head='<main>{}</main>')[0]
def test_html_lost_badge(project): assert html_faults(project, '<pre>slider</pre>', page='studies/01_a.html') == ['site: studies/01_a.html: the Colab badge of nbs/studies/01_a.ipynb is missing']

# ---- Pandoc
LINE = 'a line that is longer than the seventy-two columns at which Pandoc takes the widths from the dashes'
PROSE = ['<details><summary>Hint</summary>\n\nUse `df[\'a\']` -- "so".\n\n</details>', 'Without a clone: [![Colab](a.svg)](b)', f'| a | b |\n|:--|:-----------|\n| x | {LINE} |', '| a | b |\n|--|--|\n| x | short |',
         f'| a | b |\n|---|---|\n| {LINE} | {LINE} |']

@pytest.fixture
def pandoc(tmp_path):
    pytest.importorskip('pypandoc', reason='no Pandoc here: pip install pypandoc_binary')
    def faults(*cells):
        (tmp_path/'a.ipynb').write_text(json.dumps(dict(cells=list(cells))))
        return list(docs_pandoc.check_pandoc(tmp_path))
    return faults

@pytest.mark.parametrize('text', PROSE)
def test_prose_sound(pandoc, text): assert pandoc(md(text), md('And on.'), code('f()', markdown=text)) == []

@pytest.mark.parametrize('text, expect', [
    ("<details><summary>Hint</summary>Use <code>df['a']</code></details>", '`df[‘a’]`'), ('Say <code>a -- b</code>', '`a – b`'), ('![A line](a.png)', 'alone in its paragraph'),
    (f'| a | b |\n|---|---|\n| x | {LINE} |', '2 equal columns')])
def test_prose_broken(pandoc, text, expect):
    for cell in (md(text), code('f()', markdown=text)):
        faults = pandoc(md('Before.'), cell)
        assert len(faults) == 1 and expect in faults[0] and faults[0].startswith(f"nbs/a.ipynb#{cell['id']}: "), faults

# ---- the looks
BODY = HEAD.replace('<main', '<style>pre {{ overflow-x: auto }}</style><main').replace('<html ', '<html class="quarto-dark" ')

@pytest.fixture(scope='module')
def looks(tmp_path_factory):
    if lacks := docs_browser.missing(): pytest.skip(lacks)
    folder = tmp_path_factory.mktemp('looks')
    with docs_browser.opened() as page:
        def faults(body):
            (folder/'a.html').write_text(BODY.format(body))
            return list(docs_browser.look(page, (folder/'a.html').as_uri(), docs_browser.axe_source()))
        yield faults

WIDE = '<div style="width: {}px; height: 9px"></div>'
@pytest.mark.parametrize('body', ['<p>Sound.</p>', f'<div style="overflow-x: auto" tabindex="0">{WIDE.format(900)}</div>', '<img alt="A dot" src="data:image/gif;base64,R0lGODlhAQABAAAAACw=">'])
def test_looks_sound(looks, body): assert looks(body) == []

@pytest.mark.parametrize('body, expect', [
    (WIDE.format(600), '400 px: the page is '), ('<pre class="sourceCode" tabindex="0">' + 'x'*60 + '</pre>', '400 px: code that scrolls sideways: 1 × '),
    (f'<div class="cell-output-display" tabindex="0" style="overflow-x: auto">{WIDE.format(2000)}</div>', '1280 px: an output that scrolls sideways: 1 × '),
    ('<p style="overflow: hidden; white-space: nowrap">' + 'x '*60 + '</p>', '400 px: cut off: 1 × '),
    ('<p style="color: #aaa">Pale.</p>', 'light: color-contrast'), ('<style>@media (prefers-color-scheme: dark) { p { color: #aaa } }</style><p>Pale.</p>', 'dark: color-contrast'),
    ('<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=">', 'light: image-alt')])
def test_looks_broken(looks, body, expect):
    faults = looks(body)
    assert faults and any(o.startswith(expect) for o in faults) and len({o.split(': ')[1] for o in faults}) == 1, faults

def test_skips_are_said(project, monkeypatch):
    monkeypatch.setattr(docs_check, 'skipped', [])
    monkeypatch.setattr(docs_pandoc, 'pypandoc', None)
    monkeypatch.setattr(docs_browser, 'browser_path', lambda: None)
    (project.root/'out').mkdir()
    list(docs_check.look(project.root/'out', project.root/'proc', project.root))
    assert len(docs_check.skipped) == 2

def test_no_nbdev(project, monkeypatch):
    "Without the dev extra the check says what to install"
    monkeypatch.setattr(docs_check.shutil, 'which', lambda name, path=None: None)
    assert list(docs_check.render(project.root, project.root/'site')) == ["the site could not be drawn: nbdev_docs is missing; pip install -e '.[dev]'"]
