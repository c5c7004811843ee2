"""Models fetched by name (`slotline model pull`): recipes, the sources of their files, how a folder is made of them.

The way of a pull: the lock of the name, a look at what is there, then the recipe's ways in order. Each fills a
staging folder; what is whole there becomes the model's folder by one rename. No model is loaded here, and neither
torch nor ONNX Runtime is needed.
"""
