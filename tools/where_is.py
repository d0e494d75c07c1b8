#!/usr/bin/env python3
"""Twenty questions to somebody who sees only the file tree and the titles: where is …? The answers are looked up in the code.

    python tools/where_is.py            the questions
    python tools/where_is.py --tree     what the reader may see: each page with its title and its sentence
    python tools/where_is.py FILE       grade answers, one a line: `number page` (page as in 33_fused)

An answer is right if it names the page that defines the symbol; a question may have more than one such page.
"""
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# question, the symbol that is its answer: `module.name`, or `module.` where the whole page is
QUESTIONS = [
    ('which runs train together', 'plan.make_plan'),
    ('what counts as the same run: its id', 'config.run_id'),
    ('a key of a run that nobody knows is refused', 'config.check_config'),
    ('the default learning rate of a run', 'keys.KEYS'),
    ('the hash that notices that my training function was edited', 'code_hash.code_version'),
    ('who may open the test set, and the record of it', 'seal.open_test'),
    ('pictures are flipped, cropped, shifted', 'augment.'),
    ('a run is taken over from a worker that died', 'runs.Worker'),
    ('the t interval of paired runs', 'statistics.paired_difference'),
    ('the best net of a sweep, with its weights', 'best.best_model'),
    ('training the chosen configuration once more on all images', 'final.train_final'),
    ('the download of CIFAR-10', 'sources.fetch_set'),
    ('a folder of images of my own is read', 'folders.read_folder'),
    ('the bar that shows how far a sweep is', 'progress.Progress'),
    ('which of two values of a metric is better', 'objective.Objective'),
    ('a sweep read from a YAML file', 'space.read_sweep_yaml'),
    ('the seeds of python, numpy and torch are set', 'core.set_seed'),
    ('a trained net is written to disk and read again', 'checkpoint.save_model'),
    ('many nets of one shape are trained as one', 'fused.FusedTrainer'),
    ('the HTML page that sums up a sweep', 'report.write_report'),
]


def pages():
    "Stem of each page -> its title and its sentence"
    found = {}
    for path in [o for part in ('nbs', 'nbs/search', 'nbs/tuning', 'nbs/claims', 'nbs/projects', 'nbs/studies') for o in sorted((ROOT/part).glob('*.ipynb'))]:
        cells = json.loads(path.read_text(encoding='utf-8'))['cells']
        text = next(''.join(c['source']) for c in cells if c['cell_type'] == 'markdown')
        lines = [o.lstrip('#> ').strip() for o in text.splitlines() if o.startswith(('# ', '> '))]
        found[path.stem] = ' · '.join(lines)
    return found


def exports():
    "Module -> the symbols that its own page defines"
    names = {}
    exec((ROOT/'deepsweep/_modidx.py').read_text(encoding='utf-8'), names)
    return {k.removeprefix('deepsweep.'): {s.rsplit('.', 1)[-1] if s.count('.') == 2 else s.split('.', 2)[-1] for s in v}
            for k, v in names['d']['syms'].items()}


def answers_of(symbol):
    "Stems of the pages that answer a question"
    module, name = symbol.split('.')
    by_module = {stem.split('_', 1)[1]: stem for stem in pages() if stem[:2].isdigit()}
    if not name or name.isupper():      # a whole page, or a table: the index lists functions and classes only
        return {by_module[module]}
    right = {by_module[m] for m, names in exports().items() if name in names and m in by_module}
    if not right:
        raise SystemExit(f'nothing defines {symbol}')
    return right


def grade(given):
    "Right answers, and what was wrong"
    wrong = []
    for i, (question, symbol) in enumerate(QUESTIONS, 1):
        right = answers_of(symbol)
        if given.get(i) not in right:
            wrong.append(f"{i}. {question}: {given.get(i)}, right is {' or '.join(sorted(right))}")
    return len(QUESTIONS) - len(wrong), wrong


def main(args):
    if args == ['--tree']:
        print(*[f'{stem}: {told}' for stem, told in pages().items()], sep='\n')
    elif args:
        lines = [o.split() for o in Path(args[0]).read_text().splitlines() if o.strip()]
        right, wrong = grade({int(n.strip('.')): page for n, page, *_ in lines})
        print(*wrong, sep='\n')
        print(f'{right} of {len(QUESTIONS)} right')
    else:
        print(*[f'{i}. Where is: {question}?' for i, (question, _) in enumerate(QUESTIONS, 1)], sep='\n')


if __name__ == '__main__':
    main(sys.argv[1:])
