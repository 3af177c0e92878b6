"""The model bundle on disk: safetensors weights and a JSON manifest, written atomically, read with suspicion."""
