*** Settings ***
Documentation     *UPG-1 Rolling upgrade with mixed versions.* Nodes are upgraded one at a time under traffic of old and new
...               clients, and rolled back, with no acknowledged message lost, duplicated or reordered, and no more
...               unavailability per client than one reconnect.

Resource          ../../keywords/scenario.resource
Resource          ../../keywords/upgrades.resource

Suite Setup       A fresh target with several nodes and direct links
Suite Teardown    The target is stopped
Test Setup        A scenario begins
Test Teardown     The scenario ends

Test Tags         upg-1    p1    versions


*** Test Cases ***
An upgrade node by node, and one node's way back, cost nobody a message
    Given every node runs its oldest release
    When the nodes are upgraded one by one, and one is taken back, while 3000 messages of old and new clients pass
    Then every message is accounted for
