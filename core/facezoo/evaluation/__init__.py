"""Evaluation: embeddings of a set once, then figures of its pairs, each with an interval.

Figures are fractions throughout; only what is printed is in percent.
"""

from __future__ import annotations

from facezoo.evaluation.assessment import Assessment, assess
from facezoo.evaluation.bootstrap import Replicates, replicate
from facezoo.evaluation.choosing import ChosenThreshold, choose_threshold
from facezoo.evaluation.curves import area_under_curve
from facezoo.evaluation.embedding import embed, pair_cosines
from facezoo.evaluation.fixed import FixedThreshold, at_threshold
from facezoo.evaluation.folds import stratified_folds
from facezoo.evaluation.identities import PairUnits, identities_of_pairs, pairs_as_units, units_of
from facezoo.evaluation.intervals import Interval, holm, percentiles, two_sided, wilson
from facezoo.evaluation.operating import OperatingPoint, tar_at_far
from facezoo.evaluation.roc_curve import Roc, roc
from facezoo.evaluation.verification import Verification, equal_error_rate, verify

__all__ = [
    "Assessment",
    "ChosenThreshold",
    "FixedThreshold",
    "Interval",
    "OperatingPoint",
    "PairUnits",
    "Replicates",
    "Roc",
    "Verification",
    "area_under_curve",
    "assess",
    "at_threshold",
    "choose_threshold",
    "embed",
    "equal_error_rate",
    "holm",
    "identities_of_pairs",
    "pair_cosines",
    "pairs_as_units",
    "percentiles",
    "replicate",
    "roc",
    "stratified_folds",
    "tar_at_far",
    "two_sided",
    "units_of",
    "verify",
    "wilson",
]
