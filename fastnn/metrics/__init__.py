"""How good a prediction is, in NumPy; names and conventions are scikit-learn's."""

from .confusion import accuracy_score, confusion_matrix, majority_baseline
from .regression import mean_absolute_error, mean_squared_error, r2_score
from .report import classification_report
from .scores import f1_score, precision_recall_fscore_support, precision_score, recall_score

__all__ = [
    "accuracy_score",
    "classification_report",
    "confusion_matrix",
    "f1_score",
    "majority_baseline",
    "mean_absolute_error",
    "mean_squared_error",
    "precision_recall_fscore_support",
    "precision_score",
    "r2_score",
    "recall_score",
]
