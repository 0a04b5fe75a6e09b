*** Settings ***
Documentation     *VER-1 Protocol versions live together.* Every supported client version works with every supported server
...               version in one run: the highest common version is chosen, old clients lose nothing, unknown versions and
...               fields get the promised answer, and no downgrade is silent.

Resource          ../../keywords/scenario.resource
Resource          ../../keywords/versions.resource

Suite Setup       A fresh target
Suite Teardown    The target is stopped
Test Setup        A scenario begins
Test Teardown     The scenario ends

Test Tags         ver-1    p1    versions


*** Test Cases ***
Every kind of client works with every release of the server
    When a person with each kind of client sends 100 messages to the others on each release of the server
    Then every message is accounted for
