*** Settings ***
Documentation     *TTL-1 Message expiry* across nodes. A time to live goes on while a message is on its way between nodes:
...               what reaches a node after its end is given to nobody there, and its sender learns of the end.

Resource          ../../keywords/scenario.resource
Resource          ../../keywords/devices.resource
Resource          ../../keywords/messages.resource
Resource          ../../keywords/expiry.resource
Resource          ../../keywords/partitions.resource

Suite Setup       A fresh target with several nodes
Suite Teardown    The target is stopped
Test Setup        A scenario begins
Test Teardown     The scenario ends

Test Tags         ttl-1    p2    delivery


*** Test Cases ***
What is over before it gets to another node is given to nobody there
    Given alice and bob are online
    And carol was online and went offline
    When bob sends 100 messages that live 3 seconds to carol
    And every send is acknowledged
    And the node of alice is cut off from the others
    And alice sends 100 messages that live 1 second to bob
    And alice sends 20 messages to bob
    And every send is acknowledged
    And bob is told that all of them have expired
    And the network heals
    And alice is told that all of them have expired
    And carol comes back online
    And bob has received everything
    And carol has received everything
    Then every message is accounted for
