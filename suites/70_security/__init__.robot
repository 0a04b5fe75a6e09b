*** Settings ***
Documentation    The boundary holds: a server that cannot show its protection has none.
