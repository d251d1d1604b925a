"""Networks that embed sketches and photos in one space."""
