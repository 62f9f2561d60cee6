"""A small fast potential out of a large slow one, for one crystal and the runs that are planned with it.

Data flow: settings -> start (frames of the teacher) -> [members -> explore -> picking -> labelling] per round
-> members (at full length) -> model, committee and card.
"""

from openmm_anion.distillation.rounds import distill
from openmm_anion.distillation.settings import DistillSettings, read_distill_settings

__all__ = ["DistillSettings", "distill", "read_distill_settings"]
