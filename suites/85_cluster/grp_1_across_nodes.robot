*** Settings ***
Documentation     *GRP-1 Group fan-out* across nodes. A group whose members are at different nodes is one group: who leaves,
...               is removed or joins at any of them does so at all.

Resource          ../../keywords/scenario.resource
Resource          ../../keywords/devices.resource
Resource          ../../keywords/nodes.resource
Resource          ../../keywords/groups.resource
Resource          ../../keywords/messages.resource

Suite Setup       A fresh target with several nodes
Suite Teardown    The target is stopped
Test Setup        A scenario begins
Test Teardown     The scenario ends

Test Tags         grp-1    p1    groups


*** Test Cases ***
A group is one group for members at different nodes
    Given 50 people are online in the group crew
    And erin, frank and grace are online outside the group
    When 10 of the members send 30 messages to the group at the same time
    And everybody has received everything
    And at every node one member leaves and another one removes somebody
    And 10 of the members send 130 messages to the group at the same time
    And everybody has received everything
    And erin, frank and grace are added to the group by members at other nodes
    And 10 of the members send 60 messages to the group at the same time
    And every send is acknowledged
    Then every message is accounted for
