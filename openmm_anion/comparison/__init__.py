"""What the runs of a study say together: diffusion with frozen motions against diffusion without."""
