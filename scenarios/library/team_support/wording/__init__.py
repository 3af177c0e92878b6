"""How customers word what they want: one JSON file per split, no phrase in two of them."""
