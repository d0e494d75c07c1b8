"tools/text_figures.py: what counts as shown, tested and described is what the code does, not what its text looks like"
import json
import sys
from pathlib import Path
import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT/'tools'))
import docs_pages
import text_figures

FOO = '''#| export
def foo(
    a:int,   # A number
)->int:      # The next one
    "Add one"
    return a + 1
'''
NET = '''#| export
class Net(nn.Module):
    "A net"
    def forward(self,
        x:Tensor,   # A batch
    )->Tensor:      # Logits
        "Compute it"
        return x
'''

def code(text, is_shown=True):
    outputs = [dict(output_type='display_data', metadata={}, data={'text/plain': '2'})]
    return dict(cell_type='code', id='c', metadata={}, source=text, outputs=outputs if is_shown else [])

def count(tmp_path, *texts, library=True):
    "The figures of a page with these cells, all but the exported ones with an output"
    head = ['#| default_exp a'] if library else []
    cells = [code(o, '#| export' not in o and 'default_exp' not in o) for o in [*head, *texts]]
    (tmp_path/'a.ipynb').write_text(json.dumps(dict(cells=cells)))
    return text_figures.count_page(tmp_path/'a.ipynb')

def shown_tested(page):
    return {name: (shown, tested) for name, shown, tested in page.shown}

@pytest.mark.parametrize('text, expect', [
    ('assert foo(1) == 2', (True, True)),
    ('foo(1)', (True, False)),
    ('test_eq(a.foo(1), 2)', (True, True)),
    ('# foo\nassert bar()', (False, False)),
    ('"foo"\nassert bar()', (False, False)),
    ("assert bar('foo')", (False, False)),
    ('from a import foo\nassert bar()', (False, False)),
    ('foo(1)\nassert True', (True, False)),
    ('foo(1)\n# assert', (True, False)),
    ("foo(1), 'test_eq('", (True, False)),
    ("assert run('import a\\na.foo(1)')", (True, True)),
    ("assert run('import foo')", (False, False)),
    ('%time foo(1)\nassert bar()', (False, False)),
])
def test_use(tmp_path, text, expect):
    assert shown_tested(count(tmp_path, FOO, text)) == {'foo': expect}

@pytest.mark.parametrize('text, expect', [
    ('net = Net()\nassert net(x)', (True, True)),
    ('assert Net()(x)', (True, True)),
    ('assert Net().eval()(x)', (True, True)),
    ('nets = [Net() for _ in range(2)]\nassert [o(x) for o in nets]', (True, True)),
    ('assert agrees(Net, x)', (True, True)),
    ('assert Net().forward(x)', (True, True)),
    ('assert Net()', (False, False)),
    ('assert isinstance(net, Net)', (False, False)),
    ('net = Net()\nassert net.name', (False, False)),
    ('assert bar(x)', (False, False)),
])
def test_forward(tmp_path, text, expect):
    assert shown_tested(count(tmp_path, NET, text))['Net.forward'] == expect

def test_forward_of_a_net_made_before(tmp_path):
    later = '#| export\n@patch\ndef forward(self:Net,\n    x:Tensor,   # A batch\n)->Tensor:   # Logits\n    "Compute it"\n    return x'
    page = count(tmp_path, NET.replace('forward', 'start'), 'net = Net()\nnet.start(x)\nassert net', later, 'assert net(x)')
    assert shown_tested(page)['Net.forward'] == (True, True)

def test_command(tmp_path):
    "A command is used by its word"
    command = FOO.replace('def foo', '@app.command()\ndef foo')
    assert shown_tested(count(tmp_path, command, "assert inside('foo', '--wide')")) == {'foo': (True, True)}
    assert shown_tested(count(tmp_path, command, "assert inside(*['foo'])")) == {'foo': (True, True)}
    assert shown_tested(count(tmp_path, command, "assert 'foo' in said")) == {'foo': (False, False)}

@pytest.mark.parametrize('alias, expect', [
    ("_Any = option(int, 'How many.')", True),
    ("_Any = Annotated[str, typer.Argument(help='Which.')]", True),
    ("_Any:Any = option(int, help='How many.')", True),
    ('_Any = int', False),
    ("_Any = option(int, '')", False),
    ('_Any = Annotated[str, typer.Argument()]', False),
    ('', False),
])
def test_help(tmp_path, alias, expect):
    "An alias describes a parameter if it holds a line of help"
    function = '#| export\ndef foo(a:_Any=1)->None:\n    "Do it"'
    page = count(tmp_path, f'#| export\n{alias}', function, 'foo()')
    assert page.given == [('foo(a)', True, expect)]

@pytest.mark.parametrize('head', ['if ready:', 'if not ready:\n    pass\nelse:', 'try:\n    import b\nexcept ImportError:', 'with quiet():', 'for _ in range(1):'])
def test_definitions_under_something(tmp_path, head):
    body = '\n'.join('    ' + o for o in FOO.splitlines()[1:])
    assert shown_tested(count(tmp_path, f'#| export\n{head}\n{body}', 'assert foo(1) == 2')) == {'foo': (True, True)}
    inner = '#| export\nclass A:\n    "An A"\n' + '\n'.join('    ' + o for o in f'{head}\n{body}'.splitlines())
    assert set(shown_tested(count(tmp_path, inner, 'assert A().foo(1)'))) == {'A', 'A.foo'}

@pytest.mark.parametrize('library', [True, False])
def test_widths_have_one_home(tmp_path, library):
    "What the docs check allows is allowed here, and nothing else"
    limit = docs_pages.LIBRARY_WIDTH if library else docs_pages.COURSE_WIDTH
    for line in ('a'*limit, 'a'*(limit + 1), '#| fig-alt: ' + 'a'*limit, "a = 'https://" + 'a'*limit + "'"):
        page = count(tmp_path, line, library=library)
        cells = json.loads((tmp_path/'a.ipynb').read_text())['cells']
        wide = [o for c in cells for o in docs_pages.wide_lines(c, docs_pages.width_limit(cells))]
        assert len(page.faults) == len(wide) == (line == 'a'*(limit + 1))

def test_this_project(capsys):
    assert text_figures.main([]) == 0, capsys.readouterr().out[-2000:]
