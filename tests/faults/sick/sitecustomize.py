"""Makes `sick://` a file system of the Python process that finds this folder on its path. Nothing else."""

import fsspec

fsspec.register_implementation("sick", "tests.faults.sick_store.SickStore")
