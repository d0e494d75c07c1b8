"tools/readme.py, tools/ci_count.py and tools/run_notebooks.py"
import base64, json, sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT/'tools'))
import ci_count, readme, run_notebooks, where_is

def project(root, *cells):
    (root/'nbs').mkdir()
    (root/'nbs/index.ipynb').write_text(json.dumps(dict(cells=cells)))
    return root
def md(text): return dict(cell_type='markdown', source=text)
def code(text, *outputs): return dict(cell_type='code', id='c1', source=text, outputs=list(outputs))

def test_readme(tmp_path, capsys):
    png = dict(output_type='display_data', data={'image/png': base64.b64encode(b'PNG').decode(), 'text/plain': '<Figure>'})
    text = dict(output_type='stream', name='stdout', text=['1\n', '2\n'])
    root = project(tmp_path, dict(cell_type='raw', source='---\ntitle: x\n---'), md('# T\n\n> S'), code('#| hide\nimport os'), code('print(1)', text),
                   md('[a](b.ipynb) [c](../LICENSE) [d](https://e.f) `[g](h)`\n```\n[i](j)\n```'), code('#| label: fig-x\n#| fig-cap: "Cap"\n#| fig-alt: "Alt"\n#| echo: false\nplot()', png))
    assert readme.main(['--check'], root) == 1 and 'python tools/readme.py' in capsys.readouterr().out
    assert readme.main([], root) == 0 and readme.main(['--check'], root) == 0
    assert (root/'README.md').read_text() == f'''{readme.NOTE}

# T

> S

```python
print(1)
```

    1
    2

[a](nbs/b.ipynb) [c](nbs/../LICENSE) [d](https://e.f) `[g](h)`
```
[i](j)
```

![Alt](nbs/images/readme-fig-x.png)

*Cap*
'''
    assert (root/'nbs/images/readme-fig-x.png').read_bytes() == b'PNG'
    (root/'nbs/images/readme-old.png').write_bytes(b'')
    assert readme.main(['--check'], root) == 1 and readme.main([], root) == 0
    assert not (root/'nbs/images/readme-old.png').exists()

def test_readme_is_current(): assert readme.main(['--check']) == 0

def test_count(tmp_path):
    def file(name, text): (tmp_path/name).write_text(text); return tmp_path/name
    good, bad = file('a.log', 'noise\nSuccess.\n'), file('b.log', f'tb\n\n{ci_count.HEADER}\n=====\n\t02_b.ipynb\n')
    dead, xml = file('c.log', 'pip: error\n'), file('d.xml', '<testsuites><testsuite tests="10" failures="1" errors="2" skipped="3"/></testsuites>')
    names = ['01_a.ipynb', '02_b.ipynb', '03_c.ipynb']
    assert ci_count.count([good], names) == (3, 0)
    assert ci_count.count([good, bad], names) == (2, 1)
    assert ci_count.count([good, bad, xml], names) == (2 + 4, 1 + 3)
    assert ci_count.count([dead], names) == ci_count.count([tmp_path/'none.log'], names) == (0, 3)
    assert ci_count.count([good, tmp_path/'none.xml'], names) == (3, 1)

def test_tested(tmp_path):
    for o in ('nbs/00_a.ipynb', 'nbs/_x.ipynb', 'nbs/_old/b.ipynb', 'nbs/studies/01_c.ipynb', 'nbs/skip/d.ipynb', 'nbs/skip/.notest'):
        (tmp_path/o).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path/o).touch()
    assert ci_count.tested(tmp_path) == ['00_a.ipynb', '01_c.ipynb']

def test_cells_that_are_left_out(monkeypatch):
    def answers(): return [[run_notebooks.left_out(source, check) for check in (True, False)] for source in ('x', '#| net\nx', '#| gpu\nx', '#| eval: false\nx')]
    monkeypatch.setattr(run_notebooks, 'has_cuda', lambda: False)
    assert answers() == [[False, False], [True, False], [True, True], [True, True]]
    monkeypatch.setattr(run_notebooks, 'has_cuda', lambda: True)
    assert answers() == [[False, False], [True, False], [False, False], [True, True]]

def test_warnings_tell_no_place():
    assert run_notebooks.no_place('x/ipykernel_12/34.py:5: UserWarning: a/b.py:6\n') == 'cell, line 5: UserWarning: a/b.py:6\n'

def test_where_is(tmp_path, capsys):
    "Each question has an answer that stands in the tree; answers are graded"
    right = {i: sorted(where_is.answers_of(symbol))[0] for i, (_, symbol) in enumerate(where_is.QUESTIONS, 1)}
    assert set(right.values()) <= set(where_is.pages())
    assert where_is.grade(right) == (len(right), [])
    (tmp_path/'answers').write_text(''.join(f'{i}. {page if i > 1 else "00_core"}\n' for i, page in right.items()))
    where_is.main([str(tmp_path/'answers')])
    said = capsys.readouterr().out
    assert said.startswith(f'1. {where_is.QUESTIONS[0][0]}: 00_core, right is {right[1]}') and said.endswith(f'{len(right) - 1} of {len(right)} right\n')
