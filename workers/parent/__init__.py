"""The slot worker's own process: it hands over, watches the child, and never touches CUDA."""
