"""What a trajectory says: transport, structure in time, motion of anions and cations, and how they couple."""
