"""The article's 15 printed sweep dicts and its analysis calls, with our imports"""
import copy, time
from contextlib import redirect_stdout
from io import StringIO
import matplotlib; matplotlib.use('agg')
import matplotlib.pyplot as plt, numpy as np, pandas as pd, pytest
from sklearn.datasets import load_digits
from deepsweep.analysis import cost_table, key_table, regularization_table, seed_table, size_table
from deepsweep.data import ImageData
from deepsweep.objective import Objective
from deepsweep.plots import (compare_cnn_sizes, compare_learning_rates_per_model, compare_mlp_sizes, max_test_acc_lr_bar, max_test_acc_reg_bar, plot_tradeoff,
                             plot_train_vs_test_accuracy, plot_train_vs_test_loss, print_best_models, show_training)
from deepsweep.space import check_sweep, expand_grid
from deepsweep.sweep import run_sweep

num_epochs = 1                                     # a variable in the article too, where it is 100

# ---- the dicts --------------------------------------------------------------------------------------------------------
literal = {                                        # the first one as it is printed
    "name": "MLP_sweep",
    "metric": {"name": "test accuracy", "goal": "minimize"},
    "method": "grid",
    "parameters": {
        "variant": {"value": "MLP_SGD"},
        "num_hidden": {"value": 1},
        "hidden_layers": {"values": [(32,), (64,), (128,), (256,)]},
        "num_epochs": {"value": num_epochs},
        "learning_rate": {"values": [0.2, 0.1, 0.05, 0.02]},
        "l2_weight_decay": {"value": 0},
        "drop_out": {"value": 0},
    }
}

RATES = [.2, .1, .05, .02]
L2    = [0, .001, .002, .005, .01, .02, .05, .1, .2]
DROP  = [0, .02, .05, .1, .2, .3, .4, .5]
ADAM  = [.0001, .0002, .0005, .001, .002, .005, .01, .02, .05, .01, .02]          # as printed: .01 and .02 twice

def spec(v): return {'values': v} if isinstance(v, list) else {'value': v}

def printed(variant, rate=RATES, l2=0, drop=0, depth=3, widths=(256,)):
    "A dict as the article prints it; `depth` counts conv layers for a CNN, else hidden ones"
    cnn   = variant.startswith('CNN')
    grid  = [(w,)*depth for w in widths]
    conv  = dict(num_conv=depth, conv_layers=grid) if cnn else {}
    tail  = dict(kernel_size=5, pool_size=2) if cnn else {}
    keys  = dict(variant=variant, **conv, num_hidden=2 if cnn else depth, hidden_layers=[(128, 64)] if cnn else grid, num_epochs=num_epochs, learning_rate=rate, l2_weight_decay=l2, drop_out=drop, **tail)
    return dict(name=variant[:3] + '_sweep', metric=dict(name='test accuracy', goal='minimize'), method='grid', parameters={k: spec(v) for k, v in keys.items()})

FOUR = (32, 64, 128, 256)
DICTS = {'MLP_SGD': [printed('MLP_SGD', depth=d, widths=FOUR) for d in (1, 2, 3, 5)], 'CNN_SGD': [printed('CNN_SGD', depth=d, widths=FOUR) for d in (2, 3, 5)],
         **{f'{net}_{family}': [printed(f'{net}_{family}', depth=depth, **keys)] for family, keys in dict(SGD_L2=dict(rate=.05, l2=L2), SGD_DP=dict(rate=.05, drop=DROP), SGD_BN=dict(rate=RATES[::-1]), Adam=dict(rate=ADAM)).items()
            for net, depth in (('MLP', 3), ('CNN', 5))}}

def test_the_helper_prints_what_the_article_prints():
    assert printed('MLP_SGD', depth=1, widths=FOUR) == literal
    assert list(printed('MLP_SGD', depth=1, widths=FOUR)['parameters']) == list(literal['parameters'])
    assert sum(map(len, DICTS.values())) == 15

def test_they_pass_and_expand_to_the_right_numbers():
    for sweeps in DICTS.values():
        for s in sweeps:
            before = copy.deepcopy(s)
            check_sweep(s)
            assert s == before                                                       # checked, not changed
    sizes = {k: sum(len(expand_grid(s)) for s in v) for k, v in DICTS.items()}
    assert sizes == dict(MLP_SGD=64, CNN_SGD=48, MLP_SGD_L2=9, CNN_SGD_L2=9, MLP_SGD_DP=8, CNN_SGD_DP=8, MLP_SGD_BN=4, CNN_SGD_BN=4, MLP_Adam=9, CNN_Adam=9)
    assert sum(sizes.values()) == 172                                                # what W&B launches: .01 and .02 once each

def test_one_line_says_what_was_read_otherwise():
    for sweeps in DICTS.values():
        objective = Objective.of(sweeps)
        line = objective.note
        assert (objective.name, objective.goal) == ('valid accuracy', 'maximize')
        assert "'test accuracy' was read as 'valid accuracy'" in line and "'minimize' was read as 'maximize'" in line and '\n' not in line

# ---- running them -----------------------------------------------------------------------------------------------------
@pytest.fixture(scope='module')
def data():
    "Digits, enlarged to 32x32: the five-layer net needs five halvings"
    x, y = load_digits(return_X_y=True)
    x = (x.reshape(-1, 1, 8, 8)*15.9).astype('uint8')
    return ImageData.from_arrays(np.kron(x, np.ones((1, 1, 4, 4), 'uint8')), y, [str(i) for i in range(10)], n_train=48, n_valid=20, n_test=20)

@pytest.fixture(scope='module')
def logs(data, tmp_path_factory):
    "Both sweeps, two configurations of each dict: what the article's `read_wandb_logs()` returns"
    store, said = tmp_path_factory.mktemp('article')/'a.db', StringIO()
    start = time.perf_counter()
    with redirect_stdout(said):
        results = [run_sweep([s for k, v in DICTS.items() if k.startswith(net) for s in v], data, store=store, count=2, progress=True) for net in ('MLP', 'CNN')]
    print(f'{time.perf_counter()-start:.0f} s')
    return pd.concat([r.config_table() for r in results], ignore_index=True), pd.concat([r.history_table() for r in results], ignore_index=True).drop_duplicates(['run', 'epoch']), results, said.getvalue()

def test_they_run_as_they_stand(logs):
    config, history, results, said = logs
    assert len(config) == 15*2 and set(config['state']) == {'finished'}
    assert said.count("'test accuracy' was read as 'valid accuracy'") == len(results) == 2
    assert not [c for c in history if c.startswith('test ')] and {'valid accuracy', 'top valid accuracy'} <= set(history)
    assert config['run'].nunique() < len(config)                                     # the baseline of L2 and dropout trained once
    assert all(r.metric == 'valid accuracy' and r.best_table()['valid accuracy'].is_monotonic_decreasing for r in results)
    assert (config['num_hidden'] == config['hidden_layers'].map(len)).all()

def test_batch_norm_and_adam_were_in_the_code_not_in_the_dict(logs, data, tmp_path):
    "The article's dicts name neither: add one parameter and the family is what its name says"
    config = logs[0]
    assert set(config['batch_norm']) == {False} and set(config['optimizer']) == {'sgd'}
    bn, adam = copy.deepcopy(DICTS['MLP_SGD_BN'][0]), copy.deepcopy(DICTS['MLP_Adam'][0])
    bn['parameters']['batch_norm'], adam['parameters']['optimizer'] = {'value': True}, {'value': 'adam'}
    mended = run_sweep([bn, adam], data, store=tmp_path/'b.db', count=1).config_table()
    assert mended['batch_norm'].tolist() == [True, False] and mended['optimizer'].tolist() == ['sgd', 'adam'] and set(mended['state']) == {'finished'}

def drawn_means(ax):
    "What bars or diamonds stand for"
    return [p.get_height() for p in ax.patches] or next(o for o in ax.collections if o.get_gid() == 'means').get_offsets()[:, 1].tolist()

# ---- the analysis calls, in the article's order -------------------------------------------------------------------------
@pytest.fixture
def frames(logs):
    df_config_summary, df_history_summary = logs[:2]
    df_history_max_test_acc = df_history_summary.loc[df_history_summary.groupby(["name"])["valid accuracy"].idxmax()].reset_index(drop=True)
    df_history_max_test_acc = pd.merge(df_history_max_test_acc, df_config_summary, left_on="name", right_on="name")
    yield df_config_summary, df_history_summary, df_history_max_test_acc
    plt.close('all')

def test_first_section(frames, capsys):
    df_config_summary, df_history_summary, df_history_max_test_acc = frames
    print_best_models(df_history_max_test_acc, variant="MLP_SGD")
    print_best_models(df_history_max_test_acc, variant="CNN_SGD")
    assert 'valid accuracy' in capsys.readouterr().out
    for variant in ("MLP_SGD", "CNN_SGD"):
        axes = show_training(df = pd.merge(df_history_summary, df_config_summary, left_on="name", right_on="name"),
                             variant = variant,
                             columns = ["train loss", "valid loss", "train accuracy", "valid accuracy", "top valid accuracy"])
        assert len(axes) == 5
    ax = compare_learning_rates_per_model(df_history_max_test_acc)
    assert ax.get_ylabel() == 'best valid accuracy'
    for draw, variant in ((compare_mlp_sizes, "MLP_SGD"), (compare_cnn_sizes, "CNN_SGD")):
        ax = draw(df_history_max_test_acc, variant=variant)
        table = size_table(df_history_max_test_acc, variant)
        assert [float(t.get_text()) for t in ax.texts] == table.round(3).stack().tolist()

@pytest.mark.parametrize('family', ['L2', 'DP'])
def test_regularisation_sections(frames, family):
    df_config_summary, df_history_summary, df_history_max_test_acc = frames
    df_l2 = pd.merge(df_history_summary, df_config_summary, left_on="name", right_on="name")
    for net in ('MLP', 'CNN'):
        variant = f'{net}_SGD_{family}'
        print_best_models(df_history_max_test_acc, variant=variant)
        assert plot_train_vs_test_loss(df_l2, variant).get_ylabel() == 'valid loss'
        assert plot_train_vs_test_accuracy(df_l2, variant).get_ylabel() == 'best valid accuracy so far'
        ax, table = max_test_acc_reg_bar(df_l2, variant), regularization_table(df_l2, variant)
        assert drawn_means(ax) == table['mean'].tolist()
        assert table.columns[0] == dict(L2='l2_weight_decay', DP='drop_out')[family]

def test_batch_norm_and_adam_sections(frames):
    df_config_summary, df_history_summary, df_history_max_test_acc = frames
    df_adam = pd.merge(df_history_summary, df_config_summary, left_on="name", right_on="name")
    for variant in ("MLP_SGD_BN", "CNN_SGD_BN", "MLP_Adam", "CNN_Adam"):
        print_best_models(df_history_max_test_acc, variant=variant)
        assert len(show_training(df = pd.merge(df_history_summary, df_config_summary, left_on="name", right_on="name"), variant = variant, columns = ["train loss", "valid loss"])) == 2
    for variant in ("MLP_Adam", "CNN_Adam"):
        ax = max_test_acc_lr_bar(df_adam, variant)
        assert drawn_means(ax) == key_table(df_adam, 'learning_rate', variant)['mean'].tolist()

def test_ours_on_the_same_frames(frames, data):
    df_config_summary, df_history_summary, _ = frames
    df = pd.merge(df_history_summary, df_config_summary, on='name')
    costs = cost_table(df, by='variant', shape=data.shape).set_index('variant')
    assert costs['FLOPs']['CNN_SGD_L2'] > costs['FLOPs']['MLP_SGD_L2'] > 0
    assert costs['seconds']['all'] == pytest.approx(df_config_summary.drop_duplicates('run')['seconds'].sum())
    assert len(seed_table(df)) == 30 and plot_tradeoff(df, 'FLOPs', shape=data.shape).get_xscale() == 'log'

def test_a_column_of_the_article_that_is_not_there(frames):
    "The test set is sealed, so there is no `test accuracy`; the error says what there is"
    df_config_summary, df_history_summary, _ = frames
    with pytest.raises(Exception, match="no column 'test loss' to draw; did you mean") as e:
        show_training(df=pd.merge(df_history_summary, df_config_summary, on='name'), variant='MLP_SGD', columns=['test loss'])
    assert type(e.value).__name__ == 'DataError'
