. /tmp/dev/env.sh; export PYTHONPATH=/tmp/h/fused OMP_NUM_THREADS=1 DEEPSWEEP_DATA=/tmp/dev/cache; cd /tmp/h/fused
python /tmp/dev/nbt.py build 05_fused.txt nbs/05_fused.ipynb; nbdev_export && nbdev_test --path nbs/05_fused.ipynb --n_workers 0 2>&1 | grep -v site-packages | tail -${1:-25}
