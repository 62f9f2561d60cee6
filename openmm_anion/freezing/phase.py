"""The context parameter that tells projectors whether a drift starts or ends.

A rigid body, and an anion without angular momentum, end a drift where they do because of where they started.
The projectors of these are called twice per drift. In phase 0 they look at the positions and keep what they
need, and their force is zero; in phase 1 they return the force that corrects the positions where the drift
ended. The drift sets the phase, and between steps it is 0. What is kept is read in the same drift only, so
that checkpoints and new positions find nothing stale.
"""

PHASE = "openmm_anion_phase"
"""Name of the context parameter."""
