*** Settings ***
Documentation     *TLS-3 Mutual TLS between nodes.* Whoever has no certificate of the cluster's authority can neither join
...               the link between nodes, nor read it, nor write to it.

Resource          ../../keywords/scenario.resource
Resource          ../../keywords/devices.resource
Resource          ../../keywords/nodes.resource
Resource          ../../keywords/peers.resource

Suite Setup       A fresh target with several nodes
Suite Teardown    The target is stopped
Test Setup        A scenario begins
Test Teardown     The scenario ends

Test Tags         tls-3    p1    security


*** Test Cases ***
Nobody but a node gets in between nodes
    Given alice, bob and carol are online on phone, tablet and desk
    And everybody sends 10 messages from each device
    When intruders say to be a node and are refused
    And everybody sends 10 messages from each device
    Then every message is accounted for
