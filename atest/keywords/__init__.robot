*** Settings ***
Documentation    Each keyword works, and fails with its message when it should.
...              These are tests of the kit, so none of them is evidence about a server.

Test Tags        not-a-scenario
