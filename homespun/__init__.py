"""Code completion that writes the way this repository writes."""
