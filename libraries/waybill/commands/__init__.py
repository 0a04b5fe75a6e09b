"""The commands of `waybill`, one module each: `add` describes it to argparse, `main` does it."""
