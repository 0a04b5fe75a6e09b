*** Settings ***
Documentation     *ORD-2 Order across reconnects* across nodes. The order of a stream survives that its receiver goes on at
...               another node, with goodbye and without, while messages pass.

Resource          ../../keywords/scenario.resource
Resource          ../../keywords/devices.resource
Resource          ../../keywords/messages.resource

Suite Setup       A fresh target with several nodes
Suite Teardown    The target is stopped
Test Setup        A scenario begins
Test Teardown     The scenario ends

Test Tags         ord-2    p0    ordering


*** Test Cases ***
A stream keeps its order while its receiver goes from node to node
    Given alice, carol and bob are online
    When alice and carol keep sending to bob
    And bob loses the connection and returns at another node 12 times while at least 500 messages pass
    And bob goes offline and back at another node 12 times while at least 500 messages pass
    And the senders stop
    Then every message is accounted for
