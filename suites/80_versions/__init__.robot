*** Settings ***
Documentation    Every version of the protocol means what it says.
