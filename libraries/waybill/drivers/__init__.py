"""Protocol drivers: the contract in `base`, one module per protocol."""
