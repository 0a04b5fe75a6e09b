*** Settings ***
Documentation     *DUP-1 Idempotent retry* across nodes. A send that one node took and that is retried at another one is one
...               message, although the two could not ask each other.

Resource          ../../keywords/scenario.resource
Resource          ../../keywords/devices.resource
Resource          ../../keywords/messages.resource
Resource          ../../keywords/partitions.resource

Suite Setup       A fresh target with several nodes
Suite Teardown    The target is stopped
Test Setup        A scenario begins
Test Teardown     The scenario ends

Test Tags         dup-1    p0    idempotency


*** Test Cases ***
A send retried at another node stays one message although the nodes cannot reach each other
    Given alice is online on phone and tablet
    And bob and carol are online
    When the node of alice is cut off from the others
    And alice sends 500 messages to bob from her phone
    And alice and carol send 50 pairs of messages under equal keys to bob
    And every send is acknowledged
    And alice retries all of them on the same connection
    And alice retries all of them from her tablet
    And the network heals
    And alice retries all of them on the same connection
    Then every message is accounted for
