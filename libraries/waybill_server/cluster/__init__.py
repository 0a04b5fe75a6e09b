"""Several nodes that store and forward to each other; imported only where a node has peers."""
