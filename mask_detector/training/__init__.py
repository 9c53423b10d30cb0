"""Training and evaluation: data sets, the network, its training, and how good it is."""
