*** Settings ***
Documentation    A retry is the same message, and two messages are never taken for one.
