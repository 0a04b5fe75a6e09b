*** Settings ***
Documentation     *OPS-2 Circuit breaker and flow control.* When a node downstream is slow or dead the breaker opens within
...               its bound, callers get a quick clear answer or a durable queue, and it closes again after the recovery.
...               No request hangs.

Resource          ../../keywords/scenario.resource
Resource          ../../keywords/devices.resource
Resource          ../../keywords/nodes.resource

Suite Setup       A fresh target with several nodes
Suite Teardown    The target is stopped
Test Setup        A scenario begins
Test Teardown     The scenario ends

Test Tags         ops-2    p1    operation


*** Test Cases ***
Nobody waits for a node that cannot answer, and everybody uses it again when it can
    Given alice, bob and carol are online on phone, tablet and desk
    When a node is dead while each device at the others sends 20 messages
    And a node is slow while each device at the others sends 20 messages
    And a node is out of reach while each device at the others sends 20 messages
    Then every message is accounted for
