*** Settings ***
Documentation    Servers of several nodes: what each of them acknowledges holds for all, whichever is cut off or dies.
