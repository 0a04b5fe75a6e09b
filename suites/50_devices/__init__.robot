*** Settings ***
Documentation    All devices of a user show the same, whenever they come and go.
