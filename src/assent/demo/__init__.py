"""The demonstration: the main job on real input, beside its peers, with its own claims checked."""
