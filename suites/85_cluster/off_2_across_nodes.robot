*** Settings ***
Documentation     *OFF-2 Presence* across nodes. Who is online at one node is online for those at the others, and so is
...               who leaves or crashes.

Resource          ../../keywords/scenario.resource
Resource          ../../keywords/devices.resource
Resource          ../../keywords/presence.resource

Suite Setup       A fresh target with several nodes
Suite Teardown    The target is stopped
Test Setup        A scenario begins
Test Teardown     The scenario ends

Test Tags         off-2    p1    delivery


*** Test Cases ***
Presence is the same at every node
    Given alice is online
    When bob comes online and leaves 13 times, seen by alice
    And bob comes online and crashes 14 times, seen by alice
    Then every message is accounted for
