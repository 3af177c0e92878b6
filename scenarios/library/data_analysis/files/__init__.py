"""Files of data as typed tables: `load_file(path or bytes)` takes CSV, JSON (lines) and Parquet."""
