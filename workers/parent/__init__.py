"""The slot worker's main process: sends batches to its child, supervises it, and never touches CUDA."""
