*** Settings ***
Documentation    What operators do to a server: restarts, mistakes at its start, and repairs.
