"""The context parameter that tells projectors whether a drift starts or ends, or what they are to hold.

A rigid body, and an anion without angular momentum, end a drift where they do because of where they started.
The projectors of these are called twice per drift. In phase 0 they look at the positions and keep what they
need, and their force is zero; in phase 1 they return the force that corrects the positions where the drift
ended. The drift sets the phase, and between steps it is 0. What is kept is read in the same drift only, so
that checkpoints and new positions find nothing stale.

A projector that was made switchable knows one more phase, `TAKE_REFERENCE`, in which the positions are not
positions but bodies that it holds from then on: the coordinates of each anion in its principal axes, or zeros
for one that is free from then on (`openmm_anion.freezing.body.body_coordinates`). Its force is zero. Where
projectors of shapes and of angular momenta share a force group, those of angular momenta can be told after
the others, in a phase that these pass over.
"""

PHASE = "openmm_anion_phase"
"""Name of the context parameter."""

TAKE_REFERENCE = 2
"""Phase in which what a projector sees are no positions but the bodies it is to hold from then on."""

TAKE_ANGULAR_MOMENTA = 3
"""The same for projectors of angular momenta only."""
