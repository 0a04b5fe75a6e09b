"""The proof that the suites find defects: what each scenario must turn red with, and what came of it."""
