"""Verification during training and after it, and the checkpoint that it names the best."""

from __future__ import annotations

from facezoo.data import TestPairs
from facezoo.evaluation import Verification, embed, pair_cosines, stratified_folds
from facezoo.evaluation.enrolment import settle
from facezoo.evaluation.verification import figures_of
from facezoo.settings import EvaluateSettings
from facezoo.training.parts import Parts


def verify_pairs(parts: Parts, evaluate: EvaluateSettings, pairs: TestPairs) -> Verification:
    """The figures of the backbone as it is now on `pairs`, whatever its AUC.

    Raises FacezooError, naming images, where it gives some no direction: they failed to enrol.
    """
    embeddings = embed(
        parts.backbone, pairs.store, parts.preprocessing, batch_size=evaluate.batch_size, flip=evaluate.flip
    )
    settle(pairs.name, embeddings, pairs.store.images.names, None)
    same, fold = pairs.pairs.same, pairs.pairs.fold
    if fold is None:
        fold = stratified_folds(same, evaluate.folds)
    return figures_of(pair_cosines(embeddings, pairs.pairs), same, fold)


def verification_due(evaluate: EvaluateSettings, step: int, steps_per_epoch: int, total_steps: int) -> bool:
    """Whether the settings ask for a verification after `step` steps."""
    if not step or not (evaluate.every or evaluate.every_steps):
        return False
    epochs = bool(evaluate.every) and step % (evaluate.every * steps_per_epoch) == 0
    steps = bool(evaluate.every_steps) and step % evaluate.every_steps == 0
    return epochs or steps or step == total_steps
