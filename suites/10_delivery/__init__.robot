*** Settings ***
Documentation    Messages reach the people they were sent to, online and offline, and presence tells the truth.
