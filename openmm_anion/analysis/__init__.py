"""What a trajectory says: displacement, diffusion, ratios between runs, and whether the anions held."""
