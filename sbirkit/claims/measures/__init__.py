"""What is measured on a trained run beside its mAP: domain gap, probes, spread, order, information.

Pure functions of embeddings with labels and modality, one idea per file; :func:`measure` applies them by name
to a trained method. For the final evaluation only: training and selection never call them.
"""

from .cell_modality_probe import cell_modality_probe, cells, random_features
from .class_probe import class_probe
from .class_rank_correlation import class_rank_correlation
from .information_plane import paired_information, readable_information
from .intra_class_spread import intra_class_spread, relative_spread
from .joint_separation import Separation, joint_separation
from .mean_centred import mean_centred
from .measuring import MEASURES, Looks, measure
from .mmd import median_distance, mmd
from .modality_probe import modality_probe
from .pictures import Pictures, unit
from .probes import balanced_accuracy, halves, linear_probe
from .proxy_a_distance import proxy_a_distance
from .retention import linear_cka, neighbour_overlap

__all__ = [
    "MEASURES",
    "Looks",
    "Pictures",
    "Separation",
    "balanced_accuracy",
    "cell_modality_probe",
    "cells",
    "class_probe",
    "class_rank_correlation",
    "halves",
    "intra_class_spread",
    "joint_separation",
    "linear_cka",
    "linear_probe",
    "mean_centred",
    "measure",
    "median_distance",
    "mmd",
    "modality_probe",
    "neighbour_overlap",
    "paired_information",
    "proxy_a_distance",
    "random_features",
    "readable_information",
    "relative_spread",
    "unit",
]
