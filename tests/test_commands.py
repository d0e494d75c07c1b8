"""Every shell line on the pages and in README can be typed: it parses, and the command line knows its words and flags

The lines that install are run by .ci/run, the crash demo by test_teachers.py; code cells run as notebooks, and the docs
check compares what a drawn page shows with them.
"""
import re
import shlex
import subprocess
from pathlib import Path
import pytest
import typer
from pages import ROOT
from deepsweep import cli

def texts():
    "Prose of each page, README and CONTRIBUTING"
    import json
    for path in sorted((ROOT/'nbs').rglob('*.ipynb')):
        if any(o.startswith(('.', '_')) for o in path.relative_to(ROOT).parts):
            continue
        cells = json.loads(path.read_text(encoding='utf-8'))['cells']
        yield path.stem, '\n\n'.join(''.join(c['source']) for c in cells if c['cell_type'] == 'markdown')
    for name in ('README.md', 'CONTRIBUTING.md'):
        yield name, (ROOT/name).read_text(encoding='utf-8')

BLOCKS = [(name, o) for name, text in texts() for o in re.findall(r'```(?:bash|sh)\n(.*?)```', text, re.S)]
NO_COMMAND = re.compile(r'[…<>]|\.\.\.|\b[A-Z]{3,}\b')       # a pattern with places to fill in

def commands():
    "Each `deepsweep …` line that stands in backticks or in a block"
    found = set()
    for name, text in texts():
        inline = re.findall(r'`(deepsweep [a-z][^`\n]*)`', text)
        blocks = [line.strip() for n, o in BLOCKS if n == name for line in o.splitlines()]
        for line in inline + [o for o in blocks if o.startswith('deepsweep ')]:
            if not NO_COMMAND.search(line):
                found.add((name, re.split(r'[;&|]|2>', line)[0].strip()))
    return sorted(found)

@pytest.mark.parametrize('name, block', BLOCKS, ids=[f'{n}-{i}' for i, (n, _) in enumerate(BLOCKS)])
def test_block_is_shell(name, block):
    done = subprocess.run(['bash', '-n', '-c', block], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr

@pytest.mark.parametrize('name, line', commands())
def test_command_is_known(name, line):
    "Parsed as when typed, but not carried out"
    _, *words = shlex.split(line)
    group = typer.main.get_command(cli.app)
    if words[0].startswith('-'):
        return
    command = group.get_command(None, words[0])
    assert command is not None, f'{name}: there is no command {words[0]}'
    if len(words) == 1:      # its name, as prose uses it
        return
    try:
        command.make_context(words[0], words[1:], resilient_parsing=False)
    except Exception as e:
        pytest.fail(f'{name}: {line}: {e}')

def test_enough():
    assert len(commands()) >= 10 and len(BLOCKS) >= 5
