"""The command `slotline infer`: what is given to it, and how it prints what a model has answered."""
