*** Settings ***
Documentation     *PAR-1 Partition with writes.* While nodes are cut off from one another - in halves, one alone, one way
...               only, flapping - each send is either acknowledged durably or refused. After healing all nodes hold the
...               same logs, with nothing acknowledged lost, doubled or reordered.

Resource          ../../keywords/scenario.resource
Resource          ../../keywords/devices.resource
Resource          ../../keywords/nodes.resource
Resource          ../../keywords/partitions.resource

Suite Setup       A fresh target with several nodes
Suite Teardown    The target is stopped
Test Setup        A scenario begins
Test Teardown     The scenario ends

Test Tags         par-1    p1    cluster


*** Test Cases ***
Nodes that were cut off from each other lose nothing and agree again
    Given alice, bob and carol are online on phone, tablet and desk
    When the nodes are split into halves
    And everybody sends 60 messages from each device
    And the network heals
    And everybody has received everything
    And one node is cut off from the others
    And everybody sends 60 messages from each device
    And the node that is cut off is killed and started again
    And everybody sends 10 messages from each device
    And the network heals link by link
    And everybody has received everything
    And one node hears nothing of the others
    And everybody sends 60 messages from each device
    And the network heals
    And everybody has received everything
    And the network falls into halves and heals 3 times while everybody sends 20 messages each time
    Then every message is accounted for
