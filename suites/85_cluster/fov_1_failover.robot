*** Settings ***
Documentation     *FOV-1 Failover and recovery.* When a node dies its clients go on at another one within the promised bound,
...               from their own cursors, without loss or duplicate.

Resource          ../../keywords/scenario.resource
Resource          ../../keywords/devices.resource
Resource          ../../keywords/nodes.resource

Suite Setup       A fresh target with several nodes
Suite Teardown    The target is stopped
Test Setup        A scenario begins
Test Teardown     The scenario ends

Test Tags         fov-1    p1    cluster


*** Test Cases ***
Clients of a node that dies go on at another one where they were
    Given alice, bob and carol are online on phone, tablet and desk
    And everybody sends 10 messages from each device
    And everybody has received everything
    When 3 nodes die one after the other, and their clients go on at the others
    Then every message is accounted for
