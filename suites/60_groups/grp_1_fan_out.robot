*** Settings ***
Documentation     *GRP-1 Group fan-out.* A group message reaches every member's every device once, in one total order;
...               members who left get nothing more, new members nothing older than promised.

Resource          ../../keywords/scenario.resource
Resource          ../../keywords/devices.resource
Resource          ../../keywords/messages.resource
Resource          ../../keywords/groups.resource

Suite Setup       A fresh target
Suite Teardown    The target is stopped
Test Setup        A scenario begins
Test Teardown     The scenario ends

Test Tags         grp-1    p1    groups


*** Test Cases ***
A group message reaches every member once, in one order, and nobody else
    Given 50 people are online in the group crew
    And erin is online outside the group
    When 10 of the members send 120 messages to the group at the same time
    And one member leaves and another one is removed
    And 10 of the members send 60 messages to the group at the same time
    And erin is added to the group
    And 10 of the members send 60 messages to the group at the same time
    And every send is acknowledged
    Then every message is accounted for
