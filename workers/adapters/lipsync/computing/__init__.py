"""What the process with the model computes: the audio encoder, the network of a face, and batches of frames."""
