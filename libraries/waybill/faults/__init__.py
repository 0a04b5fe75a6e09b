"""What is done to a target on purpose; each fault leaves its start, its observed effect and its end in the history."""
