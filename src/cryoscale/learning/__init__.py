"""What every learner needs: folds, samples from chunks, prediction over chunks."""

from cryoscale.learning.folds import fold_splits, grouped_folds, random_folds, spatial_blocks
from cryoscale.learning.prediction import predict_rows
from cryoscale.learning.samples import stratified_sample

__all__ = [
    "fold_splits",
    "grouped_folds",
    "predict_rows",
    "random_folds",
    "spatial_blocks",
    "stratified_sample",
]
