*** Settings ***
Documentation    Messages of a conversation have one order, and everybody sees it.
