*** Settings ***
Documentation    An acknowledgement is a promise: to the sender that nothing is lost, to the server that nothing is owed.
