"""What a run leaves behind, and how the notebooks are run."""
