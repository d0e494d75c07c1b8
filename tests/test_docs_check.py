"tools/docs_check.py: a sound project passes; for each rule a broken one is named"
import base64, json, sys
from pathlib import Path
import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT/'tools'))
import docs_check

PNG = base64.b64encode(b'x'*300).decode()
CAPTION = '#| label: fig-a\n#| fig-cap: "Loss"\n#| fig-alt: "A falling line"\n'
BADGE = '[![Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/{}/blob/main/nbs/{})'

def md(text): return dict(cell_type='markdown', id='m', metadata={}, source=text)
def code(text, **data):
    "A code cell with one stored output; `png='…'` stands for the MIME type"
    mime = dict(png='image/png', html='text/html', plain='text/plain', widget=docs_check.WIDGET)
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
        self.nb('index.ipynb', md('# A\n[one](studies/01_a.ipynb), `[no](link.md)`'), code(CAPTION + 'plot()', png=PNG))
        self.nb('studies/01_a.ipynb', md(BADGE.format('u/r', 'studies/01_a.ipynb')), code('slider', widget={}, html='<img src="x" alt="A slider">'))
    def text(self, name, content): (self.root/name).write_text(content)
    def nb(self, name, *cells): self.text(f'nbs/{name}', json.dumps(dict(cells=list(cells), metadata={}, nbformat=4, nbformat_minor=5)))
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
def link_gone(p): p.text('README.md', 'See [this](docs/gone.md).')
def image_gone(p): p.text('README.md', '![A line](gone.png)')
def html_link_gone(p): p.text('README.md', '<img alt="a" src="gone.png">')
def cell_link_gone(p): p.nb('index.ipynb', md('[x](../nbs/studies/02_b.ipynb#part)'))
def badge_gone(p): p.nb('index.ipynb', md(BADGE.format('u/r', 'studies/09_z.ipynb')))
def badge_of_others(p): p.nb('index.ipynb', md(BADGE.format('other/r', 'index.ipynb')))
def link_of_others(p): p.text('README.md', '[x](https://github.com/other/r/blob/main/settings.ini)')
def branch_of_others(p): p.text('README.md', '[x](https://github.com/u/r/blob/master/settings.ini)')
def no_caption(p): p.nb('index.ipynb', code('#| fig-alt: "A line"\nplot()', png=PNG))
def no_alt(p): p.nb('index.ipynb', code('#| fig-cap: "Loss"\n#| fig-alt: ""\nplot()', png=PNG))
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

BROKEN = [broken(f, e) for f, e in [
    (unlisted, 'studies/01_a.ipynb: is missing from'), (listed_twice, 'names index.ipynb more than once'), (listed_gone, 'names 00_gone.ipynb, which does not exist'),
    (link_gone, 'link to docs/gone.md'), (image_gone, 'link to gone.png'), (html_link_gone, 'link to gone.png'), (cell_link_gone, '02_b.ipynb'), (badge_gone, 'leads to nbs/studies/09_z.ipynb'),
    (badge_of_others, 'opens other/r'), (link_of_others, 'opens other/r'), (branch_of_others, 'names branch master'), (no_caption, 'figure without fig-cap'), (no_alt, 'figure without fig-alt'),
    (html_no_alt, 'without alt text'), (md_no_alt, 'without alt text'), (heavy_figure, 'figure of 105 kB'), (heavy_notebook, 'kB of stored outputs'),
    (bad_top_key, '`webiste`'), (bad_project_key, '`project.outptu-dir`'), (bad_website_key, '`website.dark-mode`'), (bad_nested_key, '`website.navbar.left.hreff`'),
    (bad_html_key, '`format.html.table-of-contents`'), (bad_theme_key, '`format.html.theme.lihgt`'), (no_link, 'must be a link'), (live_widget, 'widget without a static form'),
    (stored_error, 'ZeroDivisionError'), (mixed_imports, 'needs a cell of its own'), (wrong_install, 'not ours')]]

@pytest.mark.parametrize('spoil, expect', BROKEN)
def test_broken(project, spoil, expect):
    spoil(project)
    faults = docs_check.check(project.root)
    assert len(faults) == 1 and expect in faults[0], faults

@pytest.mark.parametrize('rest', ['deepsweep', '-U deepsweep', "'deepsweep[lab]'", 'torch deepsweep', 'deepsweep==1.0', '"deepsweep"'])
def test_wrong_installs(rest): assert docs_check.wrong_installs(INSTALL + rest)

@pytest.mark.parametrize('rest', ['. && deepsweep run', 'deepsweep-kit', 'deepsweep-kit[lab]', 'git+https://github.com/u/deepsweep', "'git+https://github.com/u/deepsweep.git@main'",
                                  '-e .`, then `deepsweep run`', 'deepsweep_kit-0.0.1-py3-none-any.whl'])
def test_right_installs(rest): assert not docs_check.wrong_installs(INSTALL + rest)

def test_this_project(): assert docs_check.check(ROOT) == []
