"""The history of one scenario: recorded as it happens, checked at its end."""
