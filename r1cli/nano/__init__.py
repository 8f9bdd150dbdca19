"""The embedded models: the corpus they are made from, their tokenizer, their measures, the weights."""
