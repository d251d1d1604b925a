"""What an image is, how it is stored, split, sampled and augmented."""
